//! Room for new slots in a directory, and slots written so that an entry appears or vanishes with
//! one write.
//!
//! A disk writes a sector whole or not at all. What makes an entry visible is therefore one sector
//! written last: its own, if its slots fit one; else, behind the directory's end mark, the sector
//! with that mark.

use alloc::vec::Vec;

use hadris_fat_raw::{ENTRY_END, ENTRY_FREE, FatKind, MAX_DIR_ENTRIES};

use super::{
    FatError, FatVolume, StorageError,
    directory::{Place, SLOT},
    table::Run,
};
use crate::storage::blocks::{read_bytes, write_bytes, zeroed};

/// Bytes that a disk writes whole or not at all.
const SECTOR: u64 = 512;
/// Slots in a sector.
const SECTOR_SLOTS: usize = 512 / SLOT;

/// A slot to write, and its place in the volume.
pub type Change = (u64, [u8; SLOT]);

/// Where new slots go.
pub struct Room {
    /// Their places, in order; to be made, if the directory must grow.
    pub slots: Vec<u64>,
    /// Slots between the old end mark and them, which become deleted ones.
    fillers: Vec<u64>,
    /// The slot behind them, which becomes the end mark.
    end: Option<u64>,
    /// Clusters to add to the directory, and its last one.
    pub grow: Option<(u32, u32)>,
}

/// What a search for room has seen.
#[derive(Default)]
struct Search {
    /// Deleted slots side by side in one sector.
    run: Vec<u64>,
    /// The slots from the end mark on.
    tail: Vec<u64>,
}

impl Search {
    /// Looks at a slot; tells whether that was enough for `needed` ones.
    fn look(&mut self, at: u64, first: u8, needed: usize) -> bool {
        if !self.tail.is_empty() || first == ENTRY_END {
            self.tail.push(at);
            // The slots, up to a sector of fillers, and the end mark.
            return self.tail.len() > needed + SECTOR_SLOTS;
        }
        if first != ENTRY_FREE {
            self.run.clear();
            return false;
        }
        if self.run.last().is_some_and(|last| !same_sector(*last, at)) {
            self.run.clear();
        }
        self.run.push(at);
        self.run.len() >= needed
    }

    /// Returns where `needed` slots start in the tail: inside one sector if one holds them.
    fn start(&self, needed: usize) -> Option<usize> {
        let mut windows = self.tail.windows(needed);
        windows.position(|slots| match slots {
            [first, .., last] => needed > SECTOR_SLOTS || same_sector(*first, *last),
            _ => true,
        })
    }
}

fn same_sector(one: u64, other: u64) -> bool {
    one / SECTOR == other / SECTOR
}

impl FatVolume<'_> {
    /// Finds room for `needed` slots, 21 at most.
    ///
    /// # Errors
    /// [`FatError::DirectoryFull`], or damage.
    pub(super) fn find_room(&mut self, place: Place, needed: usize) -> Result<Room, StorageError> {
        let mut search = Search::default();
        self.slots(place, &mut |at, slot| {
            Ok(search.look(at, *slot.first().unwrap_or(&ENTRY_END), needed))
        })?;
        let mut room = Room {
            slots: Vec::new(),
            fillers: Vec::new(),
            end: None,
            grow: None,
        };
        if search.run.len() >= needed {
            room.slots = search.run;
        } else if let Some(start) = search.start(needed) {
            let behind = start + needed;
            room.end = search.tail.get(behind).copied();
            room.slots = search.tail.get(start..behind).unwrap_or_default().into();
            search.tail.truncate(start);
            room.fillers = search.tail;
        } else {
            room.fillers = search.tail;
            room.grow = Some(self.growth(place, needed)?);
        }
        Ok(room)
    }

    /// Returns how many clusters `needed` slots take, and the directory's last one.
    fn growth(&mut self, place: Place, needed: usize) -> Result<(u32, u32), StorageError> {
        let Place::Chain(first) = place else {
            return Err(FatError::DirectoryFull.into());
        };
        let size = self.geometry.cluster_size();
        let bytes = u32::try_from(needed * SLOT).unwrap_or(u32::MAX);
        let more = bytes.div_ceil(size);
        let most = (MAX_DIR_ENTRIES * 32).div_ceil(size);
        let mut last = first;
        let mut count = 1;
        while let Some(next) = self.next(last)? {
            last = next;
            count += 1;
            if count > most {
                return Err(FatError::LongDirectory.into());
            }
        }
        // Its link could be written in half: FAT12's may lie in two sectors.
        let at = self.geometry.kind().entry_offset(u64::from(last));
        let torn = self.geometry.kind() == FatKind::Fat12 && !same_sector(at, at + 1);
        if torn || count + more > most {
            return Err(FatError::DirectoryFull.into());
        }
        Ok((more, last))
    }

    /// Puts slots into the room, growing the directory by `new` clusters if that needs it.
    pub(super) fn fill_room(
        &mut self,
        mut room: Room,
        slots: &[[u8; SLOT]],
        new: &[Run],
    ) -> Result<(), StorageError> {
        if let Some((_, last)) = room.grow {
            for cluster in new.iter().flat_map(|run| run.clusters()) {
                let start = self.offset(cluster)?;
                self.clear_cluster(cluster)?;
                let size = u64::from(self.geometry.cluster_size());
                let places = (start..start + size).step_by(SLOT);
                room.slots.extend(places);
            }
            // Nothing leads there yet: any order will do.
            self.put_slots(&changes(&room.slots, slots))?;
            self.link_chain(new)?;
            let mut link = new.iter().take(1).map(|run| (last, run.first));
            self.set_entries(&mut link)?;
            room.slots.clear();
        }
        let filler = {
            let mut slot = [0; SLOT];
            slot[0] = ENTRY_FREE;
            slot
        };
        let fillers = room.fillers.iter().map(|at| (*at, filler));
        let end = room.end.map(|at| (at, [0; SLOT]));
        let all: Vec<Change> = fillers
            .chain(changes(&room.slots, slots))
            .chain(end)
            .collect();
        self.put_slots(&all)
    }

    /// Writes zeros over a cluster.
    pub(super) fn clear_cluster(&mut self, cluster: u32) -> Result<(), StorageError> {
        let start = self.base + self.offset(cluster)?;
        let zeros = zeroed(usize::try_from(self.geometry.cluster_size()).unwrap_or(0))?;
        write_bytes(self.device, start, &zeros)
    }

    /// Writes slots, those of one sector at once, the last sector first.
    pub(super) fn put_slots(&mut self, changes: &[Change]) -> Result<(), StorageError> {
        let mut bytes = zeroed(usize::try_from(SECTOR).unwrap_or(0))?;
        for group in changes
            .chunk_by(|(one, _), (other, _)| same_sector(*one, *other))
            .rev()
        {
            let Some((at, _)) = group.first() else {
                continue;
            };
            let start = at & !(SECTOR - 1);
            read_bytes(self.device, self.base + start, &mut bytes)?;
            for (at, slot) in group {
                let skip = usize::try_from(at - start).unwrap_or(usize::MAX);
                let place = bytes.get_mut(skip..).and_then(|rest| rest.get_mut(..SLOT));
                if let Some(place) = place {
                    place.copy_from_slice(slot);
                }
            }
            write_bytes(self.device, self.base + start, &bytes)?;
        }
        Ok(())
    }
}

/// Pairs places with slots.
fn changes(places: &[u64], slots: &[[u8; SLOT]]) -> Vec<Change> {
    places.iter().copied().zip(slots.iter().copied()).collect()
}
