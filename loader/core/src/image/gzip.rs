//! gzip (RFC 1952): the header, the inflated bytes piece by piece, and the trailer's CRC-32 and
//! size, which miniz_oxide leaves to its caller.

use alloc::{boxed::Box, vec, vec::Vec};
use core::fmt;

use miniz_oxide::inflate::{
    TINFLStatus,
    core::{DecompressorOxide, TINFL_LZ_DICT_SIZE, decompress},
};

/// The first two bytes.
pub const MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Bytes behind the compressed data: CRC-32 and size.
pub const TRAILER_SIZE: usize = 8;

const METHOD_DEFLATE: u8 = 8;
const FIXED_HEADER: usize = 10;
const FLAG_HEADER_CRC: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;
const FLAGS_RESERVED: u8 = 0xe0;

/// Why data was not inflated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GzipError {
    /// The first bytes are not gzip's.
    BadMagic([u8; 2]),
    /// Not deflate.
    Method(u8),
    /// Flags that RFC 1952 does not know.
    Flags(u8),
    /// The input ends too early.
    Truncated,
    /// The compressed data are broken, near this byte of the output.
    BadData(u64),
    /// The trailer's checksum is another one.
    Crc {
        /// The trailer's.
        expected: u32,
        /// The data's.
        found: u32,
    },
    /// The trailer's size is another one.
    Size {
        /// The trailer's, modulo 2^32.
        expected: u32,
        /// The data's.
        found: u64,
    },
}

impl fmt::Display for GzipError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadMagic([first, second]) => {
                write!(f, "not gzip: it starts with {first:02x} {second:02x}")
            }
            Self::Method(method) => write!(f, "compressed by method {method}, not by deflate"),
            Self::Flags(flags) => write!(f, "unknown flags {flags:#04x} in the gzip header"),
            Self::Truncated => f.write_str("the gzip data end too early: were they loaded whole?"),
            Self::BadData(at) => write!(f, "broken gzip data near byte {at:#x} of the output"),
            Self::Crc { expected, found } => {
                write!(f, "crcs == {expected:#010x}/{found:#010x}")
            }
            Self::Size { expected, found } => {
                write!(f, "uncompressed {found} of {expected}")
            }
        }
    }
}

impl core::error::Error for GzipError {}

/// Returns the length of the header that `input` starts with.
///
/// # Errors
/// It is none, or the input ends in it.
pub fn header_size(input: &[u8]) -> Result<usize, GzipError> {
    let (fixed, _) = input
        .split_first_chunk::<FIXED_HEADER>()
        .ok_or(GzipError::Truncated)?;
    let [first, second, method, flags, ..] = *fixed;
    if [first, second] != MAGIC {
        return Err(GzipError::BadMagic([first, second]));
    }
    if method != METHOD_DEFLATE {
        return Err(GzipError::Method(method));
    }
    if flags & FLAGS_RESERVED != 0 {
        return Err(GzipError::Flags(flags));
    }
    let mut size = FIXED_HEADER;
    let rest = |size: usize| input.get(size..).ok_or(GzipError::Truncated);
    if flags & FLAG_EXTRA != 0 {
        let length = rest(size)?.first_chunk().ok_or(GzipError::Truncated)?;
        size += 2 + usize::from(u16::from_le_bytes(*length));
    }
    for text in [FLAG_NAME, FLAG_COMMENT] {
        if flags & text != 0 {
            let end = rest(size)?.iter().position(|&byte| byte == 0);
            size += end.ok_or(GzipError::Truncated)? + 1;
        }
    }
    if flags & FLAG_HEADER_CRC != 0 {
        size += 2;
    }
    rest(size).map(|_| size)
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Bytes of the input used up.
    pub consumed: usize,
    /// Bytes put out: [`Inflater::output`].
    pub produced: usize,
    /// The compressed data are at their end; the trailer is next in the input.
    pub finished: bool,
}

/// Inflates what is behind the header.
pub struct Inflater {
    state: Box<DecompressorOxide>,
    /// The last 32 KiB put out, around which the format's references wrap.
    window: Vec<u8>,
    at: usize,
    produced: usize,
    crc: crc32fast::Hasher,
    size: u64,
}

impl Default for Inflater {
    fn default() -> Self {
        Self {
            state: Box::default(),
            window: vec![0; TINFL_LZ_DICT_SIZE],
            at: 0,
            produced: 0,
            crc: crc32fast::Hasher::new(),
            size: 0,
        }
    }
}

impl Inflater {
    /// Inflates up to 32 KiB; `input` is all that is left of it.
    ///
    /// # Errors
    /// The data are broken, or end too early.
    pub fn step(&mut self, input: &[u8]) -> Result<Step, GzipError> {
        self.at = (self.at + self.produced) % self.window.len().max(1);
        self.produced = 0;
        let (status, consumed, produced) =
            decompress(&mut self.state, input, &mut self.window, self.at, 0);
        self.produced = produced;
        let finished = match status {
            TINFLStatus::Done => true,
            TINFLStatus::HasMoreOutput => false,
            TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput => {
                return Err(GzipError::Truncated);
            }
            _ => return Err(GzipError::BadData(self.size + produced as u64)),
        };
        let output = self.window.get(self.at..self.at + produced);
        self.crc.update(output.unwrap_or_default());
        self.size += produced as u64;
        Ok(Step {
            consumed,
            produced,
            finished,
        })
    }

    /// Returns what the last step put out.
    pub fn output(&self) -> &[u8] {
        let output = self.window.get(self.at..self.at + self.produced);
        output.unwrap_or_default()
    }

    /// Returns how many bytes were put out.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Compares what was put out with the trailer, which `input` starts with; returns the CRC-32.
    ///
    /// # Errors
    /// They differ, or there is no whole trailer.
    pub fn verify(&self, input: &[u8]) -> Result<u32, GzipError> {
        let (expected, size) = trailer(input).ok_or(GzipError::Truncated)?;
        let found = self.crc.clone().finalize();
        if found != expected {
            return Err(GzipError::Crc { expected, found });
        }
        if u64::from(size) != self.size & 0xffff_ffff {
            return Err(GzipError::Size {
                expected: size,
                found: self.size,
            });
        }
        Ok(found)
    }
}

/// Reads a trailer: CRC-32, and the size modulo 2^32.
pub fn trailer(input: &[u8]) -> Option<(u32, u32)> {
    let (crc, rest) = input.split_first_chunk()?;
    Some((
        u32::from_le_bytes(*crc),
        u32::from_le_bytes(*rest.first_chunk()?),
    ))
}

#[cfg(test)]
#[path = "gzip_tests.rs"]
mod tests;
