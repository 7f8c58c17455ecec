//! The header of a flattened device tree (Devicetree Specification 0.4, section 5.2).

use super::TreeError;

/// The first word of every blob.
pub const MAGIC: u32 = 0xd00d_feed;
/// Bytes of a version 17 header.
pub const HEADER_SIZE: usize = 40;
/// The version we read and write.
pub const VERSION: u32 = 17;
/// The oldest version that a reader of what we write may know.
pub const LAST_COMPATIBLE: u32 = 16;

/// The ten words, in host order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the whole blob, padding included.
    pub totalsize: u32,
    /// Offset of the structure block.
    pub off_dt_struct: u32,
    /// Offset of the strings block.
    pub off_dt_strings: u32,
    /// Offset of the memory reservation block.
    pub off_mem_rsvmap: u32,
    /// Format version.
    pub version: u32,
    /// The oldest version it is compatible with.
    pub last_comp_version: u32,
    /// `reg` of the boot CPU.
    pub boot_cpuid_phys: u32,
    /// Bytes of the strings block.
    pub size_dt_strings: u32,
    /// Bytes of the structure block.
    pub size_dt_struct: u32,
}

impl Header {
    /// Reads the header and checks its magic and version.
    ///
    /// # Errors
    /// Too short, no magic, a version we do not know.
    pub fn parse(blob: &[u8]) -> Result<Self, TreeError> {
        let (words, _) = blob
            .split_first_chunk::<HEADER_SIZE>()
            .ok_or(TreeError::TooShort {
                length: blob.len(),
                needed: HEADER_SIZE,
            })?;
        let mut fields = words
            .as_chunks::<4>()
            .0
            .iter()
            .copied()
            .map(u32::from_be_bytes);
        let mut next = || fields.next().unwrap_or_default();
        let magic = next();
        if magic != MAGIC {
            return Err(TreeError::BadMagic(magic));
        }
        let header = Self {
            totalsize: next(),
            off_dt_struct: next(),
            off_dt_strings: next(),
            off_mem_rsvmap: next(),
            version: next(),
            last_comp_version: next(),
            boot_cpuid_phys: next(),
            size_dt_strings: next(),
            size_dt_struct: next(),
        };
        if header.version < VERSION || header.last_comp_version > VERSION {
            return Err(TreeError::Version {
                version: header.version,
                last_compatible: header.last_comp_version,
            });
        }
        Ok(header)
    }

    /// Returns the forty bytes.
    pub fn to_bytes(self) -> [u8; HEADER_SIZE] {
        let words = [
            MAGIC,
            self.totalsize,
            self.off_dt_struct,
            self.off_dt_strings,
            self.off_mem_rsvmap,
            self.version,
            self.last_comp_version,
            self.boot_cpuid_phys,
            self.size_dt_strings,
            self.size_dt_struct,
        ];
        let mut bytes = [0; HEADER_SIZE];
        for (target, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *target = word.to_be_bytes();
        }
        bytes
    }

    /// Returns `size` bytes of `blob` from `offset` on.
    pub(super) fn block<'a>(
        blob: &'a [u8],
        offset: (&'static str, u32),
        size: (&'static str, u32),
    ) -> Result<&'a [u8], TreeError> {
        let bad = |(field, value)| TreeError::Header { field, value };
        let start = usize::try_from(offset.1).map_err(|_| bad(offset))?;
        let length = usize::try_from(size.1).map_err(|_| bad(size))?;
        if start < HEADER_SIZE {
            return Err(bad(offset));
        }
        blob.get(start..)
            .ok_or_else(|| bad(offset))?
            .get(..length)
            .ok_or_else(|| bad(size))
    }
}

/// Returns a blob's total size from its first 40 bytes.
///
/// # Errors
/// Too short, no magic, a version we do not know, or a size below the header's.
pub fn blob_size(header: &[u8]) -> Result<usize, TreeError> {
    let totalsize = Header::parse(header)?.totalsize;
    usize::try_from(totalsize)
        .ok()
        .filter(|&size| size >= HEADER_SIZE)
        .ok_or(TreeError::Header {
            field: "totalsize",
            value: totalsize,
        })
}
