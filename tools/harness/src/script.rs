//! U-Boot scripts, wrapped as `mkimage -T script` wraps them.

/// The legacy image header's size.
const HEADER: usize = 64;

/// Wraps a U-Boot script as a legacy image: what `boot.scr` is.
///
/// The layout is that of U-Boot's `doc/usage/source_file_format` (legacy uImage): a header of
/// big-endian words with two checksums, then a list of lengths ended by 0, then the text.
pub fn boot_script(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    let mut data = Vec::with_capacity(text.len() + 8);
    data.extend(length.to_be_bytes());
    data.extend(0_u32.to_be_bytes());
    data.extend(text.as_bytes());

    let data_length = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let header = |checksum: u32| {
        let mut header = Vec::with_capacity(HEADER);
        // Magic, header checksum, time, size, load address, entry, data checksum.
        for word in [
            0x2705_1956,
            checksum,
            0,
            data_length,
            0,
            0,
            crc32fast::hash(&data),
        ] {
            header.extend(word.to_be_bytes());
        }
        // Operating system Linux, architecture ARM, type script, no compression.
        header.extend([5, 2, 6, 0]);
        header.resize(HEADER, 0);
        header
    };
    // The header's checksum is that of the header with 0 in its place.
    let mut image = header(crc32fast::hash(&header(0)));
    image.extend(data);
    image
}

#[cfg(test)]
mod tests {
    use std::{fs, process::Command};

    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn mkimage_reads_what_we_wrap() {
        let scratch = Scratch::new().unwrap();
        let path = scratch.file("boot.scr");
        fs::write(&path, boot_script("echo hello\n")).unwrap();
        let listed = Command::new("mkimage")
            .arg("-l")
            .arg(&path)
            .output()
            .unwrap();
        let text = String::from_utf8(listed.stdout).unwrap();
        assert!(listed.status.success(), "{text}");
        assert!(text.contains("ARM Linux Script (uncompressed)"), "{text}");
        assert!(text.contains("11 Bytes"), "{text}");
    }
}
