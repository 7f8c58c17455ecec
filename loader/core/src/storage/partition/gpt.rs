//! EFI partition tables (UEFI specification 2.10, chapter 5).

use alloc::{string::String, vec::Vec};
use core::fmt;

use platform_api::BlockDevice;

use super::{Kind, Partition};
use crate::storage::{PartitionError, StorageError, StorageProblem, blocks::buffer};

/// Bytes in a header that are defined.
const HEADER_SIZE: usize = 92;
/// The largest table that is read, in bytes; the standard's own is 16 KiB.
const MAX_TABLE: u64 = 64 << 10;
/// Attribute bit 2: "legacy BIOS bootable".
const ATTRIBUTE_BOOTABLE: u64 = 1 << 2;

/// A GUID as it lies on the disk: three little-endian fields, then bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guid(pub [u8; 16]);

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a0, a1, a2, a3, b0, b1, c0, c1, d0, d1, rest @ ..] = self.0;
        let first = u32::from_le_bytes([a0, a1, a2, a3]);
        let second = u16::from_le_bytes([b0, b1]);
        let third = u16::from_le_bytes([c0, c1]);
        write!(f, "{first:08x}-{second:04x}-{third:04x}-{d0:02x}{d1:02x}-")?;
        rest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What a GPT says of a partition beyond its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EfiPartition {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub type_guid: Guid,
    /// Its own.
    pub guid: Guid,
    /// Attribute bits.
    pub attributes: u64,
}

/// Reads the partitions from the primary table, or where that is damaged from its copy at the
/// end of the disk; then what is wrong with the first one is returned too.
///
/// # Errors
/// Both are damaged, or the disk failed.
pub fn read(
    device: &mut dyn BlockDevice,
) -> Result<(Vec<Partition>, Option<PartitionError>), StorageError> {
    let first = match read_at(device, 1) {
        Ok(partitions) => return Ok((partitions, None)),
        Err(error) => error,
    };
    let StorageProblem::Partition(broken) = *first.problem() else {
        return Err(first);
    };
    let last = device.info().blocks.saturating_sub(1);
    let partitions = read_at(device, last).map_err(|_| first)?;
    Ok((partitions, Some(broken)))
}

/// Reads the table whose header is block `at`.
fn read_at(device: &mut dyn BlockDevice, at: u64) -> Result<Vec<Partition>, StorageError> {
    let info = device.info();
    let block_size = usize::try_from(info.block_size).unwrap_or(0);
    let mut block: Vec<u8> = buffer(block_size)?;
    device.read_blocks(at, &mut block)?;
    let header = Header::parse(&block, at).map_err(PartitionError::BadGpt)?;
    let bytes = u64::from(header.entries) * u64::from(header.entry_size);
    let end = header
        .table
        .checked_add(bytes >> info.block_size.trailing_zeros());
    if bytes > MAX_TABLE || end.is_none_or(|end| end > info.blocks) {
        return Err(PartitionError::BadGpt("table size").into());
    }
    let bytes = usize::try_from(bytes).unwrap_or(0);
    let mut table: Vec<u8> = buffer(bytes.next_multiple_of(block_size.max(1)))?;
    device.read_blocks(header.table, &mut table)?;
    let table = table.get(..bytes).unwrap_or_default();
    if crc32fast::hash(table) != header.table_crc {
        return Err(PartitionError::BadGpt("table CRC").into());
    }
    let size = usize::try_from(header.entry_size).unwrap_or(0).max(1);
    let entries = (1..).zip(table.chunks_exact(size));
    Ok(entries
        .filter_map(|(number, entry)| partition(number, entry))
        .collect())
}

/// What a header says about the table.
struct Header {
    table: u64,
    entries: u32,
    entry_size: u32,
    table_crc: u32,
}

impl Header {
    /// Reads the header in `block`, which is block `at`; or says what is wrong with it.
    fn parse(block: &[u8], at: u64) -> Result<Self, &'static str> {
        if !block.starts_with(b"EFI PART") {
            return Err("header signature");
        }
        let size = usize::try_from(word(block, 12).ok_or("header size")?).unwrap_or(0);
        let header = block.get(..size).ok_or("header size")?;
        if size < HEADER_SIZE {
            return Err("header size");
        }
        let mut crc = crc32fast::Hasher::new();
        crc.update(header.get(..16).unwrap_or_default());
        crc.update(&[0; 4]);
        crc.update(header.get(20..).unwrap_or_default());
        if word(header, 16) != Some(crc.finalize()) {
            return Err("header CRC");
        }
        if double(header, 24) != Some(at) {
            return Err("header place");
        }
        let found = Self {
            table: double(header, 72).ok_or("header size")?,
            entries: word(header, 80).ok_or("header size")?,
            entry_size: word(header, 84).ok_or("header size")?,
            table_crc: word(header, 88).ok_or("header size")?,
        };
        if found.entry_size < 128 || !found.entry_size.is_multiple_of(8) {
            return Err("entry size");
        }
        Ok(found)
    }
}

/// Reads a table entry; `None` if it is not used.
fn partition(number: u32, entry: &[u8]) -> Option<Partition> {
    let type_guid: [u8; 16] = *entry.first_chunk()?;
    if type_guid == [0; 16] {
        return None;
    }
    let first = double(entry, 32)?;
    let last = double(entry, 40)?;
    let attributes = double(entry, 48)?;
    let units = entry.get(56..128)?.chunks_exact(2);
    let units = units
        .filter_map(|unit| Some(u16::from_le_bytes(*unit.first_chunk()?)))
        .take_while(|&unit| unit != 0);
    let name = char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    Some(Partition {
        number,
        first,
        // None, if it ends before it begins: then it is nowhere on the disk.
        count: last.saturating_add(1).saturating_sub(first),
        bootable: attributes & ATTRIBUTE_BOOTABLE != 0,
        kind: Kind::Efi(alloc::boxed::Box::new(EfiPartition {
            name,
            type_guid: Guid(type_guid),
            guid: Guid(*entry.get(16..)?.first_chunk()?),
            attributes,
        })),
    })
}

fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}

fn double(bytes: &[u8], offset: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(offset..)?.first_chunk()?))
}
