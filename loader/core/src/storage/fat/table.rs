//! Changes to the allocation table, a sector a write, in every copy of it.

use alloc::vec::Vec;

use super::{FatVolume, StorageError, StorageProblem};
use crate::storage::blocks::{read_bytes, write_bytes, zeroed};

/// Bytes of the table that are read, changed and written at once: what a disk writes whole or
/// not at all.
const SECTOR: usize = 512;

/// Clusters that lie side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first.
    pub first: u32,
    /// How many.
    pub count: u32,
}

impl Run {
    /// Iterates over them.
    pub fn clusters(self) -> impl Iterator<Item = u32> + Clone {
        (0..self.count).map(move |index| self.first.wrapping_add(index))
    }
}

/// A sector of the table that is being changed.
struct Sector {
    /// Where it starts in the table.
    start: u64,
    bytes: Vec<u8>,
    changed: bool,
}

impl FatVolume<'_> {
    /// Makes a chain of `runs`, in order. Nothing leads to it yet.
    pub(super) fn link_chain(&mut self, runs: &[Run]) -> Result<(), StorageError> {
        let clusters = runs.iter().flat_map(|run| run.clusters());
        // The end of a chain is all ones.
        let last = self.geometry.kind().mask();
        let next = clusters.clone().skip(1).chain([last]);
        self.set_entries(&mut clusters.zip(next))
    }

    /// Marks the clusters of `runs` free.
    pub(super) fn free_chain(&mut self, runs: &[Run]) -> Result<(), StorageError> {
        let clusters = runs.iter().flat_map(|run| run.clusters());
        self.set_entries(&mut clusters.map(|cluster| (cluster, 0)))
    }

    /// Sets entries of the table, given as cluster and value. Neighbours in one sector are
    /// written together.
    pub(super) fn set_entries(
        &mut self,
        entries: &mut dyn Iterator<Item = (u32, u32)>,
    ) -> Result<(), StorageError> {
        let kind = self.geometry.kind();
        // What the window holds is about to change.
        self.window.forget();
        let mut sector = Sector {
            start: u64::MAX,
            bytes: zeroed(SECTOR)?,
            changed: false,
        };
        for (cluster, value) in entries {
            let cluster = u64::from(cluster);
            let at = kind.entry_offset(cluster);
            let mut bytes = [0; 4];
            let bytes = bytes.get_mut(..kind.entry_len()).unwrap_or_default();
            // Byte by byte: an entry of FAT12 may lie in two sectors.
            for (place, byte) in (at..).zip(&mut *bytes) {
                *byte = *self.table_byte(&mut sector, place)?;
            }
            kind.encode(cluster, value, bytes);
            for (place, byte) in (at..).zip(&*bytes) {
                let held = self.table_byte(&mut sector, place)?;
                if held != byte {
                    *held = *byte;
                    sector.changed = true;
                }
            }
        }
        self.write_sector(&mut sector)
    }

    /// Borrows a byte of the table, after its sector was read and the last one written.
    fn table_byte<'s>(
        &mut self,
        sector: &'s mut Sector,
        at: u64,
    ) -> Result<&'s mut u8, StorageError> {
        let start = at & !(SECTOR as u64 - 1);
        if sector.start != start {
            self.write_sector(sector)?;
            let table = self.base + self.geometry.fat_copy(self.geometry.active_fat());
            read_bytes(self.device, table + start, &mut sector.bytes)?;
            sector.start = start;
        }
        let index = usize::try_from(at - start).unwrap_or(SECTOR);
        let byte = sector.bytes.get_mut(index);
        byte.ok_or_else(|| StorageProblem::OutOfMemory(SECTOR).into())
    }

    /// Writes a sector of the table into each copy that is kept, the active one first: it is the
    /// one that is believed.
    fn write_sector(&mut self, sector: &mut Sector) -> Result<(), StorageError> {
        if !core::mem::take(&mut sector.changed) {
            return Ok(());
        }
        let active = self.geometry.active_fat();
        let others = (0..self.geometry.fat_count())
            .filter(|copy| self.geometry.mirrored() && *copy != active);
        for copy in core::iter::once(active).chain(others) {
            let table = self.base + self.geometry.fat_copy(copy);
            write_bytes(self.device, table + sector.start, &sector.bytes)?;
        }
        Ok(())
    }
}
