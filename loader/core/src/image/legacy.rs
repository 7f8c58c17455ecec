//! U-Boot's legacy image format: a header of 64 bytes, and data.

use alloc::{string::String, vec::Vec};

use crate::devicetree::cell;

/// The first word, most significant byte first as all of them.
pub const MAGIC: u32 = 0x2705_1956;
/// Bytes of the header.
pub const HEADER_SIZE: usize = 64;
/// Several images in one.
pub const TYPE_MULTI: u8 = 4;
/// A script: laid out as several images in one, of which the first is the script.
pub const TYPE_SCRIPT: u8 = 6;

/// The header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyHeader {
    /// The header's own CRC-32, with this field taken as 0.
    pub header_crc: u32,
    /// When it was made, seconds since 1970.
    pub time: u32,
    /// Bytes of data.
    pub size: u32,
    /// Where it wants to be.
    pub load: u32,
    /// Where it wants to be entered.
    pub entry: u32,
    /// The data's CRC-32.
    pub data_crc: u32,
    /// Operating system.
    pub os: u8,
    /// Processor.
    pub architecture: u8,
    /// What it is.
    pub kind: u8,
    /// How it is compressed.
    pub compression: u8,
    /// Its name.
    pub name: String,
}

impl LegacyHeader {
    /// Reads a header; `None` without the magic word, or if it is cut short.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let header: &[u8; HEADER_SIZE] = bytes.first_chunk()?;
        let word = |index: usize| cell(header.get(4 * index..4 * index + 4)?);
        if word(0)? != MAGIC {
            return None;
        }
        let &[os, architecture, kind, compression] = header.get(28..)?.first_chunk()?;
        let name = header.get(32..)?.split(|&byte| byte == 0).next()?;
        Some(Self {
            header_crc: word(1)?,
            time: word(2)?,
            size: word(3)?,
            load: word(4)?,
            entry: word(5)?,
            data_crc: word(6)?,
            os,
            architecture,
            kind,
            compression,
            name: String::from_utf8_lossy(name).into_owned(),
        })
    }

    /// Tells whether the header is as it was made.
    pub fn is_intact(&self, bytes: &[u8]) -> bool {
        let mut crc = crc32fast::Hasher::new();
        crc.update(bytes.get(..4).unwrap_or_default());
        crc.update(&[0; 4]);
        crc.update(bytes.get(8..HEADER_SIZE).unwrap_or_default());
        crc.finalize() == self.header_crc
    }

    /// Returns the offset in the data and the size of each image in a multi-file image or a
    /// script; what lies outside of the data ends the list.
    pub fn parts(&self, data: &[u8]) -> Vec<(usize, usize)> {
        if !matches!(self.kind, TYPE_MULTI | TYPE_SCRIPT) {
            return Vec::new();
        }
        let sizes = data.as_chunks::<4>().0.iter();
        let sizes: Vec<usize> = sizes
            .map(|size| usize::try_from(u32::from_be_bytes(*size)).unwrap_or(usize::MAX))
            .take_while(|&size| size != 0)
            .collect();
        let mut offset = 4 * (sizes.len() + 1);
        let mut parts = Vec::new();
        for size in sizes {
            let end = offset.saturating_add(size);
            if end > data.len() {
                break;
            }
            parts.push((offset, size));
            offset = end.next_multiple_of(4);
        }
        parts
    }
}

/// A number of the header, its short name and its long one.
pub type Names = &'static [(u8, &'static str, &'static str)];

/// Operating systems.
pub const SYSTEMS: Names = &[
    (0, "invalid", "Invalid OS"),
    (2, "netbsd", "NetBSD"),
    (5, "linux", "Linux"),
    (14, "vxworks", "VxWorks"),
    (16, "qnx", "QNX"),
    (17, "u-boot", "U-Boot"),
    (18, "rtems", "RTEMS"),
    (21, "integrity", "INTEGRITY"),
    (23, "plan9", "Plan 9"),
    (25, "arm-trusted-firmware", "ARM Trusted Firmware"),
    (26, "tee", "Trusted Execution Environment"),
    (28, "efi", "EFI Firmware"),
];

/// Processors.
pub const ARCHITECTURES: Names = &[
    (0, "invalid", "Invalid ARCH"),
    (2, "arm", "ARM"),
    (3, "x86", "Intel x86"),
    (5, "mips", "MIPS"),
    (7, "powerpc", "PowerPC"),
    (22, "arm64", "AArch64"),
    (24, "x86_64", "AMD x86_64"),
    (26, "riscv", "RISC-V"),
];

/// Kinds of image.
pub const KINDS: Names = &[
    (0, "invalid", "Invalid Image"),
    (1, "standalone", "Standalone Program"),
    (2, "kernel", "Kernel Image"),
    (3, "ramdisk", "RAMDisk Image"),
    (TYPE_MULTI, "multi", "Multi-File Image"),
    (5, "firmware", "Firmware"),
    (TYPE_SCRIPT, "script", "Script"),
    (7, "filesystem", "Filesystem Image"),
    (8, "flat_dt", "Flat Device Tree"),
    (14, "kernel_noload", "Kernel Image (no loading done)"),
];

/// Compressions.
pub const COMPRESSIONS: Names = &[
    (0, "none", "uncompressed"),
    (1, "gzip", "gzip compressed"),
    (2, "bzip2", "bzip2 compressed"),
    (3, "lzma", "lzma compressed"),
    (4, "lzo", "lzo compressed"),
    (5, "lz4", "lz4 compressed"),
    (6, "zstd", "zstd compressed"),
];

fn find(names: Names, number: u8, unknown: &'static str) -> &'static str {
    let found = names.iter().find(|(known, ..)| *known == number);
    found.map_or(unknown, |(.., name)| name)
}

/// Returns the long name of what a FIT calls `short`.
pub fn long_name(names: Names, short: Option<&str>) -> &'static str {
    let found = names.iter().find(|(_, known, _)| Some(*known) == short);
    found.map_or("Unknown", |(.., name)| name)
}

impl LegacyHeader {
    /// Returns the names of architecture, operating system, kind and compression, in the order
    /// in which U-Boot prints them.
    pub fn names(&self) -> [&'static str; 4] {
        [
            find(ARCHITECTURES, self.architecture, "Unknown Architecture"),
            find(SYSTEMS, self.os, "Unknown OS"),
            find(KINDS, self.kind, "Unknown Image"),
            find(COMPRESSIONS, self.compression, "Unknown Compression"),
        ]
    }
}
