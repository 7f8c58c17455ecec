//! Cluster chains, in runs of clusters that lie side by side.
//!
//! An entry of the allocation table costs a load, a mask and a compare: the sweep asks only
//! "does it link to the next?", and everything else is looked at where a run ends.

use alloc::vec::Vec;

use hadris_fat_raw::{ChainError, FatKind};

use super::{FatError, FatVolume, StorageError, StorageProblem};
use crate::storage::{
    Extent,
    blocks::{buffer, read_bytes},
};

/// The largest piece of the table that is read at once, in bytes: the links of 8 MiB in clusters
/// of 4 KiB. Clearing a larger buffer would cost more than the requests it saves.
const MAX_WINDOW: u64 = 8 << 10;
/// Pieces of a file that are kept: 1 MiB of heap at most, for a file nobody has.
const MAX_EXTENTS: usize = 1 << 16;

/// A piece of the allocation table. It is kept in words: the target cannot load a word from an
/// address that only promises to be a byte's, and would take four loads for it.
#[derive(Default)]
pub struct Window {
    /// Where it starts in the table, in bytes: a multiple of 512.
    start: u64,
    /// How many bytes of `words` are of the table.
    length: u64,
    words: Vec<u32>,
}

impl FatVolume<'_> {
    /// Resolves the chain of a file of `size` bytes from cluster `first` on.
    ///
    /// The chain must end exactly where the size does. A chain that loops has no end, so it is
    /// caught by that, after no more clusters than the size takes.
    pub(super) fn extents(&mut self, first: u32, size: u32) -> Result<Vec<Extent>, StorageError> {
        let mut extents: Vec<Extent> = Vec::new();
        let Some(last) = size.checked_sub(1) else {
            return Ok(extents);
        };
        let shift = self.geometry.cluster_shift();
        let needed = (last >> shift) + 1;
        if needed > self.geometry.max_cluster() - 1 {
            return Err(FatError::FileTooLarge(size).into());
        }
        self.offset(first)?;
        let mut cluster = first;
        let mut rest = needed;
        loop {
            let (count, next) = self.run(cluster, rest)?;
            rest -= count;
            if extents.len() >= MAX_EXTENTS {
                return Err(FatError::TooFragmented.into());
            }
            let bytes = (extents.len() + 1) * size_of::<Extent>();
            extents
                .try_reserve(1)
                .map_err(|_| StorageProblem::OutOfMemory(bytes))?;
            extents.push(Extent {
                offset: self.base + self.offset(cluster)?,
                length: u64::from(count) << shift,
            });
            match next {
                None if rest == 0 => return Ok(extents),
                None => {
                    let clusters = needed - rest;
                    return Err(FatError::ShortChain { clusters, needed }.into());
                }
                Some(next) if rest == 0 => return Err(self.too_long(&extents, next, needed)),
                Some(next) => cluster = next,
            }
        }
    }

    /// Names a chain that goes on at `next` after it should have ended.
    fn too_long(&self, extents: &[Extent], next: u32, needed: u32) -> StorageError {
        let at = self.offset(next).unwrap_or(0) + self.base;
        let again = extents
            .iter()
            .any(|extent| at >= extent.offset && at - extent.offset < extent.length);
        if again {
            FatError::Loop(next).into()
        } else {
            FatError::LongChain { next, needed }.into()
        }
    }

    /// Follows the chain from `cluster` on while each links to its neighbour, for at most
    /// `limit` clusters. Returns how many clusters those are, and where the last one leads.
    fn run(&mut self, cluster: u32, limit: u32) -> Result<(u32, Option<u32>), StorageError> {
        let limit = limit.min(self.geometry.max_cluster() - cluster + 1).max(1);
        let kind = self.geometry.kind();
        let mut count = 1;
        loop {
            let here = cluster + count - 1;
            let more = limit - count;
            self.hold(here, more)?;
            let linked = self.window.consecutive(kind, here, more);
            if let Some(entry) = self.window.entry(kind, here + linked) {
                return Ok((count + linked, self.link(here + linked, entry)?));
            }
            // The window ended, after one entry at least: `hold` saw to that.
            if linked == 0 {
                return Err(FatError::BadStart(here).into());
            }
            count += linked;
        }
    }

    /// Returns the cluster after `cluster`, or `None` at the end of the chain.
    pub(super) fn next(&mut self, cluster: u32) -> Result<Option<u32>, StorageError> {
        Ok(self.run(cluster, 1)?.1)
    }

    /// Reads an entry of the table as a link.
    fn link(&self, cluster: u32, entry: u32) -> Result<Option<u32>, StorageError> {
        let next = self
            .geometry
            .kind()
            .next(entry, self.geometry.max_cluster());
        next.map_err(|error| match error {
            ChainError::Bad => FatError::BadCluster { cluster }.into(),
            ChainError::OutOfBounds(next) => FatError::BadLink { cluster, next }.into(),
        })
    }

    /// Makes the window hold the entry of `cluster`; if it must be read, with those of `more`
    /// clusters after it as far as the window's size allows.
    pub(super) fn hold(&mut self, cluster: u32, more: u32) -> Result<(), StorageError> {
        let kind = self.geometry.kind();
        let at = kind.entry_offset(u64::from(cluster));
        let length = kind.entry_len() as u64;
        if at >= self.window.start && at + length <= self.window.start + self.window.length {
            return Ok(());
        }
        let end = kind.entry_offset(u64::from(cluster) + u64::from(more)) + length;
        self.load(at, end)
    }

    /// Reads bytes `at..end` of the table into the window, and what shares their sectors.
    fn load(&mut self, at: u64, end: u64) -> Result<(), StorageError> {
        const SECTOR: u64 = 512;
        let start = at & !(SECTOR - 1);
        let end = (end + SECTOR - 1) & !(SECTOR - 1);
        let end = end.min(self.geometry.fat_size()).min(start + MAX_WINDOW);
        let length = end.saturating_sub(start);
        // Nothing, for now: a failed read must not leave bytes under a wrong place.
        self.window.length = 0;
        let bytes = usize::try_from(length).unwrap_or(0);
        let words = bytes.div_ceil(4);
        if self.window.words.len() < words {
            self.window.words = buffer(words)?;
        }
        let table = self.base + self.geometry.fat_copy(self.geometry.active_fat());
        let dest: &mut [u8] = bytemuck::cast_slice_mut(&mut self.window.words);
        let dest = dest.get_mut(..bytes).unwrap_or_default();
        read_bytes(self.device, table + start, dest)?;
        self.window.start = start;
        self.window.length = length;
        Ok(())
    }
}

impl Window {
    /// Forgets what it holds.
    pub(super) fn forget(&mut self) {
        self.length = 0;
    }

    /// Counts the entries from that of `cluster` on that link to their neighbours; at most
    /// `limit`, and no more than the window holds.
    fn consecutive(&self, kind: FatKind, cluster: u32, limit: u32) -> u32 {
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        let next = cluster + 1;
        let mut expected = next;
        // Where the entry is in the window, in entries.
        let skip = |shift: u32| {
            let offset = kind.entry_offset(u64::from(cluster)) - self.start;
            usize::try_from(offset >> shift).unwrap_or(usize::MAX)
        };
        match kind {
            FatKind::Fat32 => {
                let held = usize::try_from(self.length / 4).unwrap_or(0);
                let entries = self.words.get(..held).unwrap_or_default();
                let entries = entries.get(skip(2)..).unwrap_or_default();
                let entries = entries.get(..most).unwrap_or(entries);
                for entry in entries {
                    if u32::from_le(*entry) & 0x0fff_ffff != expected {
                        break;
                    }
                    expected += 1;
                }
            }
            FatKind::Fat16 => {
                let held = usize::try_from(self.length / 2).unwrap_or(0);
                let entries: &[u16] = bytemuck::cast_slice(&self.words);
                let entries = entries.get(..held).unwrap_or_default();
                let entries = entries.get(skip(1)..).unwrap_or_default();
                let entries = entries.get(..most).unwrap_or(entries);
                for entry in entries {
                    if u32::from(u16::from_le(*entry)) != expected {
                        break;
                    }
                    expected += 1;
                }
            }
            // FAT12: at most 4084 entries, two of them in three bytes.
            _ => {
                while expected - next < limit && self.entry(kind, expected - 1) == Some(expected) {
                    expected += 1;
                }
            }
        }
        expected - next
    }

    /// Reads the entry of `cluster`, if the window holds it.
    pub(super) fn entry(&self, kind: FatKind, cluster: u32) -> Option<u32> {
        let cluster = u64::from(cluster);
        let at = kind.entry_offset(cluster).checked_sub(self.start)?;
        if at + kind.entry_len() as u64 > self.length {
            return None;
        }
        let bytes: &[u8] = bytemuck::cast_slice(&self.words);
        let at = usize::try_from(at).ok()?;
        let bytes = bytes.get(at..)?.get(..kind.entry_len())?;
        Some(kind.decode(cluster, bytes) & kind.mask())
    }
}
