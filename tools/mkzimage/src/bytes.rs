//! Little-endian words in a byte slice, without panics.

/// Returns the byte at `offset`, 0 where there is none.
pub(crate) fn byte(bytes: &[u8], offset: usize) -> u8 {
    bytes.get(offset).copied().unwrap_or(0)
}

/// Returns the word at byte `offset`, if all of it is there.
pub(crate) fn word(bytes: &[u8], offset: u32) -> Option<u32> {
    let start = usize::try_from(offset).ok()?;
    let word = bytes.get(start..start.checked_add(4)?)?;
    Some(u32::from_le_bytes(word.try_into().ok()?))
}

/// Writes the word at byte `offset`. Returns false where there is no room for it.
#[must_use]
pub(crate) fn set_word(bytes: &mut [u8], offset: u32, value: u32) -> bool {
    let Ok(start) = usize::try_from(offset) else {
        return false;
    };
    let slot = start
        .checked_add(4)
        .and_then(|end| bytes.get_mut(start..end));
    match slot {
        Some(slot) => {
            slot.copy_from_slice(&value.to_le_bytes());
            true
        }
        None => false,
    }
}
