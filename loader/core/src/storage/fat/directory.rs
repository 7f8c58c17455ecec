//! Directories: slots of 32 bytes, long names in front of short entries.

use alloc::{string::String, vec::Vec};

use hadris_fat_raw::{
    ENTRY_FREE, MAX_DIR_ENTRIES, ShortEntry, Slot, fold_ascii,
    lfn::Assembler,
    name::{eq_folded, utf16_chars},
    short_name,
};

use super::{FatError, FatVolume, StorageError};
use crate::storage::{
    Entry,
    blocks::{read_bytes, zeroed},
};

/// Bytes in a slot.
pub const SLOT: usize = 32;
/// Bytes of a directory read at once; its clusters may be larger.
const PIECE: u64 = 4096;
/// Entries that are listed.
const MAX_LISTED: usize = 8192;

/// Where a directory is.
#[derive(Clone, Copy)]
pub enum Place {
    /// In a region of the volume: the root of FAT12 and FAT16.
    Fixed {
        /// Its first byte in the volume.
        start: u64,
        /// Its bytes.
        size: u64,
    },
    /// In a chain of clusters, by its first.
    Chain(u32),
}

/// A file or directory as found in its directory.
pub struct Found<'a> {
    /// Its entry.
    pub entry: ShortEntry,
    /// Where the entry is in the volume.
    pub at: u64,
    /// The long name, if it has one.
    pub long: Option<&'a [u16]>,
}

/// Looks at an entry; says whether that was enough.
type Visit<'v> = dyn FnMut(&Found<'_>) -> Result<bool, StorageError> + 'v;
/// Looks at a slot and its place; says whether that was enough.
type VisitSlot<'v> = dyn FnMut(u64, &[u8; SLOT]) -> Result<bool, StorageError> + 'v;

impl FatVolume<'_> {
    /// Finds an entry by its long or its short name. ASCII letters match in either case.
    pub(super) fn find(
        &mut self,
        place: Place,
        name: &str,
    ) -> Result<Option<ShortEntry>, StorageError> {
        let mut found = None;
        self.visit(place, &mut |candidate| {
            if candidate.is_named(name) {
                found = Some(candidate.entry);
            }
            Ok(found.is_some())
        })?;
        Ok(found)
    }

    /// Lists a directory.
    pub(super) fn entries(&mut self, place: Place) -> Result<Vec<Entry>, StorageError> {
        let mut entries = Vec::new();
        self.visit(place, &mut |found| {
            if entries.len() >= MAX_LISTED {
                return Err(FatError::TooManyEntries.into());
            }
            let directory = found.entry.is_dir();
            entries.push(Entry {
                name: found.name(),
                size: if directory {
                    0
                } else {
                    u64::from(found.entry.size())
                },
                directory,
                link: false,
            });
            Ok(false)
        })?;
        Ok(entries)
    }

    /// Shows each file and directory to `visit`, until that has enough.
    pub(super) fn visit(
        &mut self,
        place: Place,
        visit: &mut Visit<'_>,
    ) -> Result<(), StorageError> {
        let mut names = Assembler::new();
        self.slots(place, &mut |at, slot| {
            visit_slot(at, slot, &mut names, visit)
        })
    }

    /// Shows each slot of a directory to `visit`, those behind its end mark too, until that has
    /// enough. A slot's place is its offset in the volume.
    pub(super) fn slots(
        &mut self,
        place: Place,
        visit: &mut VisitSlot<'_>,
    ) -> Result<(), StorageError> {
        match place {
            Place::Fixed { start, size } => {
                self.visit_region(start, size, visit)?;
            }
            Place::Chain(first) => {
                let size = u64::from(self.geometry.cluster_size());
                // A directory has a largest size: the bound for chains that loop.
                let mut budget = u64::from(MAX_DIR_ENTRIES) * SLOT as u64;
                let mut cluster = first;
                loop {
                    let start = self.offset(cluster)?;
                    if self.visit_region(start, size, visit)? {
                        break;
                    }
                    budget = budget.saturating_sub(size);
                    match self.next(cluster)? {
                        Some(_) if budget == 0 => return Err(FatError::LongDirectory.into()),
                        Some(next) => cluster = next,
                        None => break,
                    }
                }
            }
        }
        Ok(())
    }

    /// Visits the slots in `size` bytes of the volume from `start` on. Returns whether that was
    /// enough.
    fn visit_region(
        &mut self,
        start: u64,
        size: u64,
        visit: &mut VisitSlot<'_>,
    ) -> Result<bool, StorageError> {
        let length = size.min(PIECE);
        let mut bytes = zeroed(usize::try_from(length).unwrap_or(0))?;
        let mut done = 0;
        while done < size {
            let left = usize::try_from(size - done).unwrap_or(usize::MAX);
            let piece = bytes.len().min(left);
            let piece = bytes.get_mut(..piece).unwrap_or_default();
            read_bytes(self.device, self.base + start + done, piece)?;
            let (slots, _) = piece.as_chunks::<SLOT>();
            let mut at = start + done;
            for slot in slots {
                if visit(at, slot)? {
                    return Ok(true);
                }
                at += SLOT as u64;
            }
            done += length;
        }
        Ok(false)
    }
}

/// Visits a slot. Returns whether that was enough.
fn visit_slot(
    at: u64,
    slot: &[u8; SLOT],
    names: &mut Assembler,
    visit: &mut Visit<'_>,
) -> Result<bool, StorageError> {
    if slot.first() == Some(&ENTRY_FREE) {
        names.reset();
        return Ok(false);
    }
    match Slot::parse(slot) {
        Slot::End => return Ok(true),
        Slot::Free => names.reset(),
        Slot::Long(part) => names.push(&part),
        Slot::Short(entry) if entry.is_visible() => {
            let long = names.finish(entry.lfn_checksum());
            let long = long.filter(|units| !units.is_empty());
            return visit(&Found { entry, at, long });
        }
        Slot::Short(_) => names.reset(),
    }
    Ok(false)
}

impl Found<'_> {
    /// Tells whether this is its long or its short name.
    pub fn is_named(&self, name: &str) -> bool {
        if let Some(units) = self.long
            && eq_folded(units.iter().copied(), name.encode_utf16(), fold_ascii)
        {
            return true;
        }
        let mut text = [0; short_name::DISPLAY_MAX];
        self.short(&mut text).eq_ignore_ascii_case(name.as_bytes())
    }

    /// Returns the name to show.
    fn name(&self) -> String {
        if let Some(units) = self.long {
            return utf16_chars(units.iter().copied()).collect();
        }
        let mut text = [0; short_name::DISPLAY_MAX];
        String::from_utf8_lossy(self.short(&mut text)).into_owned()
    }

    /// Writes the short name into `text`, in the case it was given. Bytes above ASCII are in a
    /// code page that the volume does not name.
    fn short<'t>(&self, text: &'t mut [u8; short_name::DISPLAY_MAX]) -> &'t [u8] {
        let decode = |_| char::REPLACEMENT_CHARACTER;
        let name = self.entry.name();
        let length = short_name::display(&name, self.entry.nt_case(), decode, text);
        text.get(..length).unwrap_or_default()
    }
}
