//! The relocation table's bytes (docs/image-format.md).

use crate::relocations::{Entry, Kind};

/// The longest distance to a patched place, in the list's units.
pub(crate) const LONGEST: u8 = 254;
/// Goes [`LONGEST`] units on and patches nothing.
pub(crate) const FAR: u8 = 255;
/// Ends a list: no place is 0 units from the one before.
pub(crate) const END: u8 = 0;

/// Bytes between the places that a list can name.
pub(crate) const POINTER_UNIT: u32 = 4;
pub(crate) const HALF_UNIT: u32 = 2;

/// Writes the table: the list of pointers, the list of instructions, zeros to a multiple of 4
/// bytes. The entries are sorted by offset.
pub(crate) fn encode(entries: &[Entry]) -> Vec<u8> {
    let (pointers, halves): (Vec<Entry>, Vec<Entry>) =
        entries.iter().partition(|entry| entry.kind == Kind::Abs32);
    let mut table = Vec::new();
    list(&mut table, &pointers, POINTER_UNIT);
    list(&mut table, &halves, HALF_UNIT);
    table.resize(table.len().next_multiple_of(4), 0);
    table
}

fn list(table: &mut Vec<u8>, entries: &[Entry], unit: u32) {
    let mut place = 0;
    for entry in entries {
        let mut distance = (entry.offset - place) / unit;
        while distance > u32::from(LONGEST) {
            table.push(FAR);
            distance -= u32::from(LONGEST);
        }
        table.extend(u8::try_from(distance));
        if entry.kind == Kind::Movt {
            table.extend(entry.linked.to_le_bytes().iter().take(2));
        }
        place = entry.offset;
    }
    table.push(END);
}
