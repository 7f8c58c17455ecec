//! Scripts as `mkimage -T script` wraps them: U-Boot's legacy image, include/image.h.
//!
//! A header of 64 bytes, big-endian; behind it the sizes of the scripts, a zero, and the
//! scripts, each but the last filled up to four bytes.

use core::fmt;

/// First word of a legacy image.
pub const MAGIC: u32 = 0x2705_1956;

/// First word of a flattened tree: a FIT image is one.
pub const FIT_MAGIC: u32 = 0xd00d_feed;

/// Bytes of the header.
pub const HEADER_SIZE: usize = 64;

/// Offsets in the header.
const HEADER_CRC: usize = 4;
const DATA_SIZE: usize = 12;
const DATA_CRC: usize = 24;
const TYPE: usize = 30;

/// The type of scripts, `IH_TYPE_SCRIPT`.
const TYPE_SCRIPT: u8 = 6;

/// Why an image holds no script to run. The first five in U-Boot's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScriptError {
    /// The header's checksum.
    HeaderCrc,
    /// The data's checksum.
    DataCrc,
    /// An image of another type.
    Type(u8),
    /// The first script, or the one asked for, has no byte.
    Empty,
    /// Not a legacy image.
    Format,
    /// Shorter than it says.
    Short {
        /// Bytes it says.
        claimed: usize,
        /// Bytes there are.
        held: usize,
    },
    /// No script of this number.
    Missing(usize),
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderCrc => f.write_str("Bad header crc"),
            Self::DataCrc => f.write_str("Bad data crc"),
            Self::Type(kind) => write!(f, "Bad image type: {kind}, not {TYPE_SCRIPT}"),
            Self::Empty => f.write_str("Empty Script"),
            Self::Format => f.write_str("Wrong image format for \"source\" command"),
            Self::Short { claimed, held } => {
                write!(f, "the image is cut off: {held:#x} of {claimed:#x} bytes")
            }
            Self::Missing(number) => write!(f, "no script {number:x} in the image"),
        }
    }
}

impl core::error::Error for ScriptError {}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    bytes.try_into().ok().map(u32::from_be_bytes)
}

/// Returns the first word of an image, which tells its kind.
pub fn magic(bytes: &[u8]) -> Option<u32> {
    word(bytes, 0)
}

/// Checks a header, of which `bytes` begin with [`HEADER_SIZE`] bytes; returns the bytes of the
/// whole image.
///
/// # Errors
/// No legacy image, a wrong checksum, or no script.
pub fn check_header(bytes: &[u8]) -> Result<usize, ScriptError> {
    let header = bytes.get(..HEADER_SIZE).ok_or(ScriptError::Format)?;
    if magic(header) != Some(MAGIC) {
        return Err(ScriptError::Format);
    }
    // The checksum was made with zeros in its own place.
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(header.get(..HEADER_CRC).unwrap_or_default());
    hasher.update(&[0; 4]);
    hasher.update(header.get(HEADER_CRC + 4..).unwrap_or_default());
    if word(header, HEADER_CRC) != Some(hasher.finalize()) {
        return Err(ScriptError::HeaderCrc);
    }
    match header.get(TYPE) {
        Some(&TYPE_SCRIPT) => {}
        kind => return Err(ScriptError::Type(kind.copied().unwrap_or(0))),
    }
    let data = word(header, DATA_SIZE).and_then(|size| usize::try_from(size).ok());
    data.and_then(|size| size.checked_add(HEADER_SIZE))
        .ok_or(ScriptError::Format)
}

/// Returns a script of an image, counted from 0. The data's checksum is looked at if `verify`.
///
/// # Errors
/// As [`check_header`]; the image is cut off or damaged; no such script.
pub fn script(bytes: &[u8], number: usize, verify: bool) -> Result<&[u8], ScriptError> {
    let claimed = check_header(bytes)?;
    let data = bytes.get(HEADER_SIZE..claimed).ok_or(ScriptError::Short {
        claimed,
        held: bytes.len(),
    })?;
    if verify && word(bytes, DATA_CRC) != Some(crc32fast::hash(data)) {
        return Err(ScriptError::DataCrc);
    }
    select(data, number)
}

fn select(data: &[u8], number: usize) -> Result<&[u8], ScriptError> {
    let cut_off = ScriptError::Short {
        claimed: data.len().saturating_add(1),
        held: data.len(),
    };
    let mut skipped = 0_usize;
    let mut wanted = None;
    let mut at = 0;
    loop {
        let size = word(data, at).ok_or(cut_off)?;
        let size = usize::try_from(size).map_err(|_| cut_off)?;
        if size == 0 {
            break;
        }
        match at / 4 {
            index if index == number => wanted = Some(size),
            index if index < number => {
                let filled = size.checked_next_multiple_of(4).ok_or(cut_off)?;
                skipped = skipped.checked_add(filled).ok_or(cut_off)?;
            }
            _ => {}
        }
        at += 4;
    }
    let size = match wanted {
        Some(size) => size,
        None if number == 0 => return Err(ScriptError::Empty),
        None => return Err(ScriptError::Missing(number)),
    };
    let start = skipped.checked_add(at + 4).ok_or(cut_off)?;
    let end = start.checked_add(size).ok_or(cut_off)?;
    data.get(start..end).ok_or(ScriptError::Short {
        claimed: end,
        held: data.len(),
    })
}

#[cfg(test)]
#[path = "script_tests.rs"]
mod tests;
