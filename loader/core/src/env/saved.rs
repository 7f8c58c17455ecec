//! The saved environment: U-Boot's redundant format.
//!
//! A copy is CRC-32 over the data (four bytes, little-endian), a flag byte, and the data to the
//! file's end: the variables in a row, padded with NULs. There are two copies; each save goes to
//! the older one and gives it a flag one higher, so that the last good one always stays.

use alloc::vec::Vec;
use core::fmt;

use super::linear::{self, Form, Row};
use crate::storage::pad;

/// Bytes in a copy.
pub const SIZE: usize = 0x4000;
/// Bytes before the data: CRC-32 and flag.
pub const HEADER: usize = 5;
/// The files, in the root of the FAT partition.
pub const FILES: [&str; 2] = ["uboot.env", "uboot-redund.env"];

/// A copy that is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copy<'a> {
    /// Its number.
    pub flag: u8,
    data: &'a [u8],
}

/// Why a copy is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadCopy {
    /// It has so many bytes, and not [`SIZE`].
    Size(u64),
    /// Its checksum is wrong.
    Crc,
    /// It is good, but of U-Boot's format without a second copy.
    NotRedundant,
}

impl fmt::Display for BadCopy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size(size) => write!(f, "{size:#x} bytes, not {SIZE:#x}"),
            Self::Crc => f.write_str("bad CRC"),
            Self::NotRedundant => f.write_str(
                "another loader's environment, which has no second copy; fatrm it to use the name",
            ),
        }
    }
}

impl core::error::Error for BadCopy {}

impl<'a> Copy<'a> {
    /// Reads a copy.
    ///
    /// # Errors
    /// Why it is not good.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, BadCopy> {
        if bytes.len() != SIZE {
            return Err(BadCopy::Size(bytes.len() as u64));
        }
        let bad = || BadCopy::Crc;
        let (crc, rest) = bytes.split_first_chunk::<4>().ok_or_else(bad)?;
        let crc = u32::from_le_bytes(*crc);
        let (flag, data) = rest.split_first().ok_or_else(bad)?;
        if crc32fast::hash(data) == crc {
            Ok(Self { flag: *flag, data })
        } else if crc32fast::hash(rest) == crc {
            Err(BadCopy::NotRedundant)
        } else {
            Err(BadCopy::Crc)
        }
    }

    /// Reads a copy whose checksum was found right before.
    pub(super) fn trusted(bytes: &'a [u8]) -> Option<Self> {
        let (flag, data) = bytes.get(HEADER - 1..)?.split_first()?;
        Some(Self { flag: *flag, data })
    }

    /// Returns its variables in a row.
    pub fn row(self) -> Row<'a> {
        Row::new(self.data, Form::Binary, false)
    }
}

/// Makes a copy of `size` bytes.
///
/// # Errors
/// That is not enough; how many are.
pub fn encode<'a>(
    variables: impl Iterator<Item = (&'a str, &'a str)>,
    flag: u8,
    size: usize,
) -> Result<Vec<u8>, usize> {
    let mut row = linear::export(variables, Form::Binary);
    let needed = row.len() + HEADER;
    if needed > size {
        return Err(needed);
    }
    pad(&mut row, size - HEADER);
    let mut copy = Vec::with_capacity(size);
    copy.extend_from_slice(&crc32fast::hash(&row).to_le_bytes());
    copy.push(flag);
    copy.extend_from_slice(&row);
    Ok(copy)
}

/// Returns which of two copies, by their flags, is the newer one: 0 or 1, or `None` if neither is
/// good. Flags count up and wrap from 255 to 0; of equal ones the first counts.
pub fn newer(flags: [Option<u8>; 2]) -> Option<usize> {
    match flags {
        [None, None] => None,
        [Some(_), None] => Some(0),
        [None, Some(_)] => Some(1),
        [Some(255), Some(0)] => Some(1),
        [Some(0), Some(255)] => Some(0),
        [Some(first), Some(second)] => Some(usize::from(second > first)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::Environment;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn copy(flag: u8) -> Vec<u8> {
        let variables = [("a", "1"), ("b", "x y")];
        encode(variables.into_iter(), flag, SIZE).unwrap()
    }

    #[test]
    fn has_uboots_layout() {
        let bytes = copy(7);
        assert_eq!(bytes.len(), SIZE);
        assert_eq!(bytes[4..], {
            let mut data = b"\x07a=1\0b=x y\0\0".to_vec();
            data.resize(SIZE - 4, 0);
            data
        });
        // Python's zlib.crc32 over the data.
        assert_eq!(bytes[..4], crc32fast::hash(&bytes[5..]).to_le_bytes());
        let read = Copy::decode(&bytes).unwrap();
        assert_eq!(read.flag, 7);
        assert_eq!(read.row().count(), 2);
    }

    #[test]
    fn tells_what_is_wrong() {
        let mut bytes = copy(1);
        assert_eq!(Copy::decode(&bytes[1..]), Err(BadCopy::Size(0x3fff)));
        assert_eq!(Copy::decode(&[]), Err(BadCopy::Size(0)));
        bytes[9] ^= 1;
        assert_eq!(Copy::decode(&bytes), Err(BadCopy::Crc));
        let crc = crc32fast::hash(&bytes[4..]).to_le_bytes();
        bytes[..4].copy_from_slice(&crc);
        let error = Copy::decode(&bytes).unwrap_err();
        assert_eq!(error, BadCopy::NotRedundant);
        assert!(error.to_string().contains("another loader's"));
        let long = encode([("a", "12345")].into_iter(), 0, HEADER + 8);
        assert_eq!(long, Err(HEADER + 9));
    }

    #[test]
    fn the_newer_copy_is_uboots() {
        for (first, second, expected) in [
            (None, None, None),
            (Some(9), None, Some(0)),
            (None, Some(0), Some(1)),
            (Some(1), Some(2), Some(1)),
            (Some(2), Some(1), Some(0)),
            (Some(255), Some(0), Some(1)),
            (Some(0), Some(255), Some(0)),
            (Some(254), Some(255), Some(1)),
            (Some(5), Some(5), Some(0)),
        ] {
            assert_eq!(newer([first, second]), expected, "{first:?} {second:?}");
        }
    }

    proptest! {
        #[test]
        fn a_changed_bit_is_noticed(at in 0..SIZE * 8) {
            let mut bytes = copy(3);
            bytes[at / 8] ^= 1 << (at % 8);
            match Copy::decode(&bytes) {
                // The flag is not under the checksum: nothing is lost with it.
                Ok(read) => prop_assert!(at / 8 == 4 && read.row().count() == 2),
                Err(error) => prop_assert_eq!(error, BadCopy::Crc),
            }
        }

        #[test]
        fn junk_never_panics(mut bytes in proptest::collection::vec(any::<u8>(), SIZE - HEADER)) {
            bytes.truncate(SIZE - HEADER);
            let mut copy = crc32fast::hash(&bytes).to_le_bytes().to_vec();
            copy.push(0);
            copy.extend(bytes);
            let mut env = Environment::default();
            linear::import(&mut env, Copy::decode(&copy).unwrap().row(), &mut |_| true);
        }
    }
}
