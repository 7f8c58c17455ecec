//! What the entry code does with the table, in Rust: the reference for tests and for readers.

use std::fmt;

use crate::{
    bytes::{set_word, word},
    instruction,
    table::{END, FAR, HALF_UNIT, LONGEST, POINTER_UNIT},
};

/// A table that the entry code could not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadTable {
    /// It ends inside a list.
    Cut {
        /// Its length in bytes.
        length: usize,
    },
    /// A place that is not in the image.
    Outside {
        /// Index of the byte that leads there.
        index: usize,
        /// The place.
        place: u32,
    },
    /// A place in the list of instructions that is neither `movw` nor `movt`.
    NotAHalf {
        /// Index of the byte that leads there.
        index: usize,
        /// The place.
        place: u32,
        /// What is there.
        word: u32,
    },
}

impl fmt::Display for BadTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cut { length } => {
                write!(
                    f,
                    "the relocation table ends inside a list, after {length} bytes"
                )
            }
            Self::Outside { index, place } => {
                write!(
                    f,
                    "byte {index} of the table leads to {place:#x}, outside the image"
                )
            }
            Self::NotAHalf { index, place, word } => write!(
                f,
                "byte {index} of the table leads to {place:#x}, where {word:#010x} is neither \
                 movw nor movt"
            ),
        }
    }
}

impl std::error::Error for BadTable {}

/// Reads a table byte by byte.
struct Reader<'a> {
    table: &'a [u8],
    index: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, BadTable> {
        let byte = self.table.get(self.index).ok_or(BadTable::Cut {
            length: self.table.len(),
        })?;
        self.index += 1;
        Ok(*byte)
    }

    /// Goes on from `place` to the list's next one; `None` at the list's end.
    fn next(&mut self, mut place: u32, unit: u32) -> Result<Option<u32>, BadTable> {
        loop {
            match self.byte()? {
                END => return Ok(None),
                FAR => place = place.wrapping_add(u32::from(LONGEST) * unit),
                distance => return Ok(Some(place.wrapping_add(u32::from(distance) * unit))),
            }
        }
    }
}

/// Applies `table` to `image`, which lay at `old` and will lie at `new` (it was linked at 0).
///
/// # Errors
/// Names the byte of the table that leads to no place of its kind.
pub fn relocate(image: &mut [u8], table: &[u8], old: u32, new: u32) -> Result<(), BadTable> {
    let delta = new.wrapping_sub(old);
    let mut reader = Reader { table, index: 0 };
    let mut place = 0;
    while let Some(next) = reader.next(place, POINTER_UNIT)? {
        place = next;
        let outside = BadTable::Outside {
            index: reader.index - 1,
            place,
        };
        let pointer = word(image, place).ok_or(outside)?;
        if !set_word(image, place, pointer.wrapping_add(delta)) {
            return Err(outside);
        }
    }
    place = 0;
    while let Some(next) = reader.next(place, HALF_UNIT)? {
        place = next;
        let index = reader.index - 1;
        let outside = BadTable::Outside { index, place };
        let found = word(image, place).ok_or(outside)?;
        let half = instruction::immediate(found);
        let half = if instruction::is_movw(found) {
            half.wrapping_add(delta)
        } else if instruction::is_movt(found) {
            let low = u32::from(reader.byte()?) | u32::from(reader.byte()?) << 8;
            let full = half << 16 | low.wrapping_add(old) & 0xffff;
            full.wrapping_add(delta) >> 16
        } else {
            return Err(BadTable::NotAHalf {
                index,
                place,
                word: found,
            });
        };
        if !set_word(image, place, instruction::with_immediate(found, half)) {
            return Err(outside);
        }
    }
    Ok(())
}
