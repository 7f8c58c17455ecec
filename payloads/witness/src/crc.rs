//! CRC-32, the one of zlib and of U-Boot's `crc32`.
//!
//! The witness's own, like all it judges with; the loader sums by another library, so that a
//! wrong sum is not wrong twice. A table of 1 KiB: the image is small rather than fast.

const POLYNOMIAL: u32 = 0xedb8_8320;

static TABLE: [u32; 256] = table();

#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut index = 0_u32;
    while index < 256 {
        let mut sum = index;
        let mut bit = 0;
        while bit < 8 {
            sum = sum >> 1 ^ if sum & 1 == 1 { POLYNOMIAL } else { 0 };
            bit += 1;
        }
        table[index as usize] = sum;
        index += 1;
    }
    table
}

/// Sums bytes.
pub fn crc32(bytes: &[u8]) -> u32 {
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| {
        let index = sum.to_le_bytes()[0] ^ byte;
        // The table has an entry for every byte.
        sum >> 8 ^ TABLE.get(usize::from(index)).copied().unwrap_or(0)
    });
    !sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::crc32;

    #[test]
    fn the_check_value_is_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    proptest! {
        #[test]
        fn it_agrees_with_crc32fast(bytes in any::<Vec<u8>>()) {
            prop_assert_eq!(crc32(&bytes), crc32fast::hash(&bytes));
        }
    }
}
