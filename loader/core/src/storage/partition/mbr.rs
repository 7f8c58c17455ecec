//! DOS partition tables: the master boot record, and the chain of extended boot records with
//! logical partitions, numbered from 5.

use alloc::vec::Vec;

use platform_api::BlockDevice;

use super::{Kind, Partition};
use crate::storage::{PartitionError, StorageError, blocks::read_bytes};

/// Bytes of a record, whatever the block size.
const RECORD_SIZE: usize = 512;
/// Offset of the four entries, of 16 bytes each.
const ENTRIES: usize = 0x1be;
/// Offset of the disk signature.
const SIGNATURE: usize = 0x1b8;
/// Offset of the bytes 0x55 0xaa.
const MARK: usize = 0x1fe;
/// Logical partitions looked at before the chain is called endless.
const MAX_LOGICALS: usize = 64;
/// The type of the entry that covers a GPT disk.
const TYPE_PROTECTIVE: u8 = 0xee;

/// What an MBR says of a partition beyond its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DosPartition {
    /// The type byte; 0x0c is FAT32.
    pub kind: u8,
    /// The disk's signature: with the partition's number it makes the UUID.
    pub signature: u32,
}

impl DosPartition {
    /// Tells whether the partition only holds logical ones.
    pub fn is_extended(self) -> bool {
        matches!(self.kind, 0x05 | 0x0f | 0x85)
    }
}

/// One of a record's four entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    bootable: bool,
    kind: DosPartition,
    first: u32,
    count: u32,
}

/// A master or extended boot record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    entries: [Entry; 4],
}

impl Record {
    /// Reads a record from a block. `None` if it is not one: no mark at its end, or a flag byte
    /// that is neither 0 nor 0x80 (a boot sector has code there).
    pub fn parse(block: &[u8]) -> Option<Self> {
        if block.get(MARK..MARK + 2)? != [0x55, 0xaa] {
            return None;
        }
        let signature = u32::from_le_bytes(*block.get(SIGNATURE..)?.first_chunk()?);
        let entry = |index: usize| {
            let bytes: &[u8; 16] = block.get(ENTRIES + 16 * index..)?.first_chunk()?;
            let &[flag, _, _, _, kind, _, _, _, f0, f1, f2, f3, c0, c1, c2, c3] = bytes;
            (flag & 0x7f == 0).then_some(Entry {
                bootable: flag == 0x80,
                kind: DosPartition { kind, signature },
                first: u32::from_le_bytes([f0, f1, f2, f3]),
                count: u32::from_le_bytes([c0, c1, c2, c3]),
            })
        };
        Some(Self {
            entries: [entry(0)?, entry(1)?, entry(2)?, entry(3)?],
        })
    }

    /// Tells whether the disk has a GPT.
    pub fn is_protective(&self) -> bool {
        self.used()
            .any(|(_, entry)| entry.kind.kind == TYPE_PROTECTIVE)
    }

    /// Tells whether no entry is used: a file system's boot sector may look like a record.
    pub fn is_empty(&self) -> bool {
        self.used().next().is_none()
    }

    /// Returns the primary partitions, the extended one among them.
    pub fn primaries(&self) -> Vec<Partition> {
        self.used()
            .map(|(number, entry)| entry.partition(number, 0))
            .collect()
    }

    fn used(&self) -> impl Iterator<Item = (u32, &Entry)> {
        (1..)
            .zip(&self.entries)
            .filter(|(_, entry)| entry.kind.kind != 0 && entry.count != 0)
    }

    fn extended(&self) -> Option<&Entry> {
        self.used()
            .map(|(_, entry)| entry)
            .find(|entry| entry.kind.is_extended())
    }
}

impl Entry {
    /// Returns the partition, whose first block counts from `base`.
    fn partition(&self, number: u32, base: u64) -> Partition {
        Partition {
            number,
            first: base.saturating_add(u64::from(self.first)),
            count: u64::from(self.count),
            bootable: self.bootable,
            kind: Kind::Dos(self.kind),
        }
    }
}

/// Adds the logical partitions of the extended one in `record`, if it has one. Where the chain
/// of records is broken, what was found before is added and the break returned.
///
/// # Errors
/// The disk failed.
pub fn logicals(
    device: &mut dyn BlockDevice,
    record: &Record,
    partitions: &mut Vec<Partition>,
) -> Result<Option<PartitionError>, StorageError> {
    let Some(extended) = record.extended() else {
        return Ok(None);
    };
    let info = device.info();
    let start = u64::from(extended.first);
    let end = start.saturating_add(u64::from(extended.count));
    let end = end.min(info.blocks);
    let mut at = start;
    let mut seen = [0; MAX_LOGICALS];
    for number in (5..).take(MAX_LOGICALS) {
        if at < start || at >= end {
            return Ok(Some(PartitionError::BadExtended(at)));
        }
        if seen.contains(&at) {
            return Ok(Some(PartitionError::Loop(at)));
        }
        seen.rotate_right(1);
        if let Some(first) = seen.first_mut() {
            *first = at;
        }
        let mut block = [0; RECORD_SIZE];
        let offset = at.saturating_mul(u64::from(info.block_size));
        read_bytes(device, offset, &mut block)?;
        let Some(link) = Record::parse(&block) else {
            return Ok(Some(PartitionError::BadExtended(at)));
        };
        let logical = link.used().find(|(_, entry)| !entry.kind.is_extended());
        if let Some((_, entry)) = logical {
            let mut partition = entry.partition(number, at);
            partition.kind = Kind::Dos(DosPartition {
                signature: extended.kind.signature,
                ..entry.kind
            });
            partitions.push(partition);
        }
        match link.extended() {
            Some(next) => at = start.saturating_add(u64::from(next.first)),
            None => return Ok(None),
        }
    }
    Ok(Some(PartitionError::BadExtended(at)))
}
