//! Cluster chains, in runs of clusters that lie side by side.
//!
//! An entry of the allocation table costs a load, a mask and a compare: the sweep asks only
//! "does it link to the next?", and everything else is looked at where a run ends.

use alloc::vec::Vec;

use hadris_fat_raw::{ChainError, FatKind};

use super::{FatError, FatVolume, StorageError};
use crate::storage::{
    Extent,
    blocks::{buffer, read_bytes},
};

/// The largest piece of the table that is read at once, in bytes.
const MAX_WINDOW: u64 = 32 << 10;
/// Pieces of a file that are kept: 1 MiB of heap at most, for a file nobody has.
const MAX_EXTENTS: usize = 1 << 16;

/// A piece of the allocation table.
#[derive(Default)]
pub struct Window {
    /// Where it starts in the table, in bytes.
    start: u64,
    bytes: Vec<u8>,
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
                .map_err(|_| StorageError::OutOfMemory(bytes))?;
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
            let table = self.table(here, more)?;
            let linked = consecutive(kind, table, here, more);
            if let Some(entry) = entry(kind, table, here, linked) {
                let last = here + linked;
                return Ok((count + linked, self.link(last, entry)?));
            }
            // The window ended, after one entry at least: `table` saw to that.
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

    /// Returns the table from the entry of `cluster` on, at least that entry; if it must be
    /// read, as far as `more` entries after it or the window's size allow.
    fn table(&mut self, cluster: u32, more: u32) -> Result<&[u8], StorageError> {
        let kind = self.geometry.kind();
        let at = kind.entry_offset(u64::from(cluster));
        let length = kind.entry_len() as u64;
        let held = self.window.start + self.window.bytes.len() as u64;
        if at < self.window.start || at + length > held {
            let end = kind.entry_offset(u64::from(cluster) + u64::from(more)) + length;
            self.load(at, end)?;
        }
        let skip = usize::try_from(at - self.window.start).unwrap_or(usize::MAX);
        Ok(self.window.bytes.get(skip..).unwrap_or_default())
    }

    /// Reads bytes `at..end` of the table into the window, in whole blocks.
    fn load(&mut self, at: u64, end: u64) -> Result<(), StorageError> {
        let table = self.base + self.geometry.fat_copy(self.geometry.active_fat());
        // Blocks count from the device's start; on a device of large blocks the table may start
        // inside of one, and the ends are ragged.
        let mask = u64::from(self.device.info().block_size) - 1;
        let start = ((table + at) & !mask).max(table) - table;
        let end = ((table + end + mask) & !mask) - table;
        let end = end.min(self.geometry.fat_size()).min(start + MAX_WINDOW);
        let length = usize::try_from(end - start).unwrap_or(0);
        // Emptied first: a failed read must not leave bytes under a wrong place.
        let mut bytes = core::mem::take(&mut self.window.bytes);
        if bytes.len() != length {
            bytes = buffer(length)?;
        }
        read_bytes(self.device, table + start, &mut bytes)?;
        self.window = Window { start, bytes };
        Ok(())
    }
}

/// Counts the entries from that of `cluster`, the first in `table`, on that link to their
/// neighbours; at most `limit`, and no more than there are.
fn consecutive(kind: FatKind, table: &[u8], cluster: u32, limit: u32) -> u32 {
    let limit_entries = usize::try_from(limit).unwrap_or(usize::MAX);
    let next = cluster + 1;
    let mut expected = next;
    match kind {
        FatKind::Fat32 => {
            let (entries, _) = table.as_chunks::<4>();
            for entry in entries.iter().take(limit_entries) {
                if u32::from_le_bytes(*entry) & 0x0fff_ffff != expected {
                    break;
                }
                expected += 1;
            }
        }
        FatKind::Fat16 => {
            let (entries, _) = table.as_chunks::<2>();
            for found in entries.iter().take(limit_entries) {
                if u32::from(u16::from_le_bytes(*found)) != expected {
                    break;
                }
                expected += 1;
            }
        }
        _ => {
            while expected - next < limit
                && entry(kind, table, cluster, expected - next) == Some(expected)
            {
                expected += 1;
            }
        }
    }
    expected - next
}

/// Reads the entry `index` places after that of `cluster`, which is the first in `table`.
fn entry(kind: FatKind, table: &[u8], cluster: u32, index: u32) -> Option<u32> {
    let first = kind.entry_offset(u64::from(cluster));
    let cluster = u64::from(cluster) + u64::from(index);
    let at = usize::try_from(kind.entry_offset(cluster) - first).ok()?;
    let bytes = table.get(at..)?.get(..kind.entry_len())?;
    Some(kind.decode(cluster, bytes) & kind.mask())
}
