//! New names: the slots that hold them, and short names that nobody has.

use alloc::vec::Vec;

use hadris_fat_raw::{
    LongEntry, ShortEntry, date, lfn,
    short_name::{case_bits, generate, is_valid_long_name},
};

use super::{
    FatVolume, StorageError, StorageProblem,
    directory::{Found, Place, SLOT},
};

/// Numeric tails that are tried: `~1` to `~4`, then hashed ones.
const TAILS: u8 = 200;

/// A file or directory, and the places of its slots.
pub struct Located {
    /// Its entry.
    pub entry: ShortEntry,
    /// The places in the volume: its long name's slots, then its entry.
    pub slots: Vec<u64>,
}

impl Located {
    /// Returns the place of its entry.
    pub fn at(&self) -> u64 {
        self.slots.last().copied().unwrap_or_default()
    }
}

impl FatVolume<'_> {
    /// Finds an entry with the places of all its slots.
    pub(super) fn locate(
        &mut self,
        place: Place,
        name: &str,
    ) -> Result<Option<Located>, StorageError> {
        let mut located = None;
        self.visit(place, &mut |found: &Found<'_>| {
            if found.is_named(name) {
                let long = found.long.map_or(0, |units| units.len().div_ceil(13));
                located = Some((found.entry, found.at, long));
            }
            Ok(located.is_some())
        })?;
        let Some((entry, end, long)) = located else {
            return Ok(None);
        };
        // Its long name's slots are those right before it; they may be in another cluster.
        let mut slots: Vec<u64> = Vec::new();
        self.slots(place, &mut |at, _| {
            slots.push(at);
            Ok(at == end)
        })?;
        let excess = slots.len().saturating_sub(long + 1);
        slots.drain(..excess);
        Ok(Some(Located { entry, slots }))
    }

    /// Makes the slots of a new entry of that name; the last is `entry` itself, which gets a short
    /// name that is unique in the directory.
    ///
    /// # Errors
    /// [`StorageProblem::BadName`].
    pub(super) fn new_slots(
        &mut self,
        place: Place,
        name: &str,
        attributes: u8,
        first: u32,
        size: u32,
    ) -> Result<Vec<[u8; SLOT]>, StorageError> {
        let bad = || StorageProblem::BadName(name.into()).into();
        // Others cut a blank or a dot off at the end.
        if !is_valid_long_name(name) || name.ends_with([' ', '.']) {
            return Err(bad());
        }
        let bits = case_bits(name);
        let short = self.short_name(place, name, bits.is_some())?;
        let mut entry = ShortEntry::new(short.ok_or_else(bad)?, attributes);
        entry.set_nt_case(bits.unwrap_or(0));
        entry.set_first_cluster(self.geometry.kind(), first);
        entry.set_size(size);
        // There is no calendar here: FAT's first day.
        let (day, time, tenths) = date::MIN;
        entry.set_created(day, time, tenths);
        entry.set_modified(day, time);
        entry.set_accessed_date(day);
        let mut slots = Vec::new();
        if bits.is_none() {
            let long = lfn::Encoded::new(name).ok_or_else(bad)?;
            slots.extend((0..long.entries()).map(|index| {
                let (sequence, units) = long.entry(index);
                LongEntry::new(sequence, entry.lfn_checksum(), &units).encode()
            }));
        }
        slots.push(entry.encode());
        Ok(slots)
    }

    /// Makes the short name of `name`: itself, if it `fits`, else one that nothing in the directory
    /// has.
    fn short_name(
        &mut self,
        place: Place,
        name: &str,
        fits: bool,
    ) -> Result<Option<[u8; 11]>, StorageError> {
        for tail in u8::from(!fits)..TAILS {
            let Some(short) = generate(name, tail, |_| None) else {
                break;
            };
            let mut taken = false;
            self.visit(place, &mut |found: &Found<'_>| {
                taken = found.entry.name() == short;
                Ok(taken)
            })?;
            match (taken, fits) {
                (false, _) => return Ok(Some(short)),
                // Another tail would be another name. It cannot be: it would have been found.
                (true, true) => break,
                (true, false) => {}
            }
        }
        Ok(None)
    }
}
