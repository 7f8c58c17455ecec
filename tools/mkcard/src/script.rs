//! U-Boot's legacy image format, for scripts.

const MAGIC: u32 = 0x2705_1956;
const OS_LINUX: u8 = 5;
const ARCH_ARM: u8 = 2;
const TYPE_SCRIPT: u8 = 6;
const COMPRESSION_NONE: u8 = 0;
const NAME_LENGTH: usize = 32;

/// Wraps the text of a script as U-Boot's `source` expects it: a 64-byte big-endian header with
/// checksums of itself and of the data, a list of lengths that ends with 0, the text.
///
/// The time stamp is 0: the same script gives the same bytes.
pub fn boot_script(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let mut data = Vec::with_capacity(text.len() + 8);
    data.extend(length.to_be_bytes());
    data.extend([0; 4]);
    data.extend(text.as_bytes());

    let mut image = header(0, &data);
    image = header(crc32fast::hash(&image), &data);
    image.extend(data);
    image
}

fn header(header_checksum: u32, data: &[u8]) -> Vec<u8> {
    let size = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let (time, load, entry) = (0, 0, 0);
    let mut header = Vec::with_capacity(64);
    for word in [
        MAGIC,
        header_checksum,
        time,
        size,
        load,
        entry,
        crc32fast::hash(data),
    ] {
        header.extend(u32::to_be_bytes(word));
    }
    header.extend([OS_LINUX, ARCH_ARM, TYPE_SCRIPT, COMPRESSION_NONE]);
    header.extend([0; NAME_LENGTH]);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layout_is_that_of_mkimage() {
        // `printf 'echo hi\n' > s; SOURCE_DATE_EPOCH=0 mkimage -A arm -T script -d s s.scr`
        let expected = [
            0x27, 0x05, 0x19, 0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        let image = boot_script("echo hi\n");
        assert_eq!(image.len(), 64 + 16);
        assert_eq!(image[..4], expected[..4]);
        assert_eq!(image[8..24], expected[8..24]);
        assert_eq!(image[28..32], [5, 2, 6, 0]);
        assert_eq!(image[32..64], [0; 32]);
        assert_eq!(image[64..72], [0, 0, 0, 8, 0, 0, 0, 0]);
        assert_eq!(&image[72..], b"echo hi\n");
    }

    #[test]
    fn checksums_cover_header_and_data() {
        let mut image = boot_script("echo hi\n");
        let stored = |at: usize| u32::from_be_bytes(image[at..at + 4].try_into().unwrap());
        let (header, data) = (stored(4), stored(24));
        assert_eq!(data, crc32fast::hash(&image[64..]));
        image[4..8].fill(0);
        assert_eq!(header, crc32fast::hash(&image[..64]));
    }
}
