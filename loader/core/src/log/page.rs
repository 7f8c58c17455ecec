//! The page's format, little-endian:
//!
//! | offset | bytes | is |
//! |---|---|---|
//! | 0 | 8 | `BATONLOG` |
//! | 8 | 4 | version, 1 |
//! | 12 | 4 | boot counter |
//! | 16 | 4 | bytes of text |
//! | 20 | 4 | CRC-32 of bytes 8 to 19 and the text |
//! | 24 | 4072 | text: lines of printable ASCII |

use alloc::string::String;
use core::fmt;

/// Bytes of the page.
pub const SIZE: usize = 4096;
/// Bytes of text that fit.
pub const TEXT_SIZE: usize = SIZE - HEADER;

const HEADER: usize = 24;
const MAGIC: &[u8; 8] = b"BATONLOG";
const VERSION: u32 = 1;
/// Where the numbers that are summed up begin, and where the sum is.
const NUMBERS: usize = 8;
const SUM: usize = 20;

/// Why a page holds no log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageError {
    /// Nobody wrote one: the first bytes are others.
    NoMagic,
    /// Of another format.
    Version(u32),
    /// More text than fits.
    Length(u32),
    /// The checksum is another.
    Sum {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// The text has a byte that no log has, at this offset.
    Text(usize),
}

impl fmt::Display for PageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMagic => f.write_str("no log"),
            Self::Version(version) => write!(f, "version {version}, not {VERSION}"),
            Self::Length(length) => write!(f, "{length:#x} bytes do not fit a page"),
            Self::Sum { stored, computed } => {
                write!(f, "its crc32 is {computed:08x}, not {stored:08x}")
            }
            Self::Text(offset) => write!(f, "byte {offset:#x} is not text"),
        }
    }
}

impl core::error::Error for PageError {}

fn word(page: &[u8; SIZE], offset: usize) -> u32 {
    let bytes = page.get(offset..).and_then(|rest| rest.first_chunk());
    u32::from_le_bytes(bytes.copied().unwrap_or_default())
}

fn sum(page: &[u8; SIZE], text: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(page.get(NUMBERS..SUM).unwrap_or_default());
    hasher.update(text);
    hasher.finalize()
}

/// Reads the counter and the text.
///
/// # Errors
/// Whatever makes it no log of ours.
pub(super) fn read(page: &[u8; SIZE]) -> Result<(u32, String), PageError> {
    if !page.starts_with(MAGIC) {
        return Err(PageError::NoMagic);
    }
    let (version, count, length) = (word(page, 8), word(page, 12), word(page, 16));
    if version != VERSION {
        return Err(PageError::Version(version));
    }
    let text = usize::try_from(length)
        .ok()
        .and_then(|length| page.get(HEADER..)?.get(..length))
        .ok_or(PageError::Length(length))?;
    let (stored, computed) = (word(page, SUM), sum(page, text));
    if stored != computed {
        return Err(PageError::Sum { stored, computed });
    }
    let odd = |byte: &u8| !matches!(byte, b'\n' | b' '..=b'~');
    if let Some(offset) = text.iter().position(odd) {
        return Err(PageError::Text(offset));
    }
    let text = core::str::from_utf8(text).map_err(|error| PageError::Text(error.valid_up_to()))?;
    Ok((count, String::from(text)))
}

/// Writes a log. `text` fits by the log's own bound; what would not is left out.
pub(super) fn write(page: &mut [u8; SIZE], count: u32, text: &str) {
    let text = text.as_bytes();
    let text = text.get(..text.len().min(TEXT_SIZE)).unwrap_or_default();
    let length = u32::try_from(text.len()).unwrap_or(0);
    let mut put = |offset: usize, bytes: &[u8]| {
        let place = page
            .get_mut(offset..)
            .and_then(|rest| rest.get_mut(..bytes.len()));
        if let Some(place) = place {
            place.copy_from_slice(bytes);
        }
    };
    put(0, MAGIC);
    put(8, &VERSION.to_le_bytes());
    put(12, &count.to_le_bytes());
    put(16, &length.to_le_bytes());
    put(HEADER, text);
    let sum = sum(page, text).to_le_bytes();
    if let Some(place) = page.get_mut(SUM..HEADER) {
        place.copy_from_slice(&sum);
    }
}
