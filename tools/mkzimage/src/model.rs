//! What the entry code does with the table, in Rust: the reference for tests and for readers.

use std::fmt;

use crate::{
    bytes::{set_word, word},
    instruction,
};

/// A table that the entry code could not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadTable {
    /// The word that is wrong, counted from the table's start.
    pub index: usize,
    /// Its value; `None` where the table ends before a second word.
    pub word: Option<u32>,
}

impl fmt::Display for BadTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.word {
            Some(word) => write!(f, "bad relocation {word:#x} at word {}", self.index),
            None => write!(f, "the relocation table ends inside entry {}", self.index),
        }
    }
}

impl std::error::Error for BadTable {}

/// Applies `table` to `image`, which lay at `old` and will lie at `new` (it was linked at 0).
///
/// # Errors
/// Names the entry whose kind is unknown or whose place is not in the image.
pub fn relocate(image: &mut [u8], table: &[u32], old: u32, new: u32) -> Result<(), BadTable> {
    let delta = new.wrapping_sub(old);
    let mut entries = table.iter().copied().enumerate();
    while let Some((index, entry)) = entries.next() {
        let bad = BadTable {
            index,
            word: Some(entry),
        };
        let place = entry & !3;
        let found = word(image, place).ok_or(bad)?;
        let patched = match entry & 3 {
            0 => found.wrapping_add(delta),
            1 => {
                let low = instruction::immediate(found).wrapping_add(delta);
                instruction::with_immediate(found, low)
            }
            2 => {
                let missing = BadTable { index, word: None };
                let (_, linked) = entries.next().ok_or(missing)?;
                instruction::with_immediate(found, linked.wrapping_add(new) >> 16)
            }
            _ => return Err(bad),
        };
        if !set_word(image, place, patched) {
            return Err(bad);
        }
    }
    Ok(())
}
