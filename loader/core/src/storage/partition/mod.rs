//! Partition tables: DOS (MBR) and EFI (GPT).

mod gpt;
mod mbr;

use alloc::{boxed::Box, vec::Vec};

use platform_api::{BlockDevice, BlockInfo};

pub use self::gpt::{EfiPartition, Guid};
pub use self::mbr::DosPartition;
use super::{PartitionError, StorageError, blocks::buffer};

/// Which part of a disk is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// The partition with this number, from 1.
    Number(u32),
    /// The first bootable partition, else the first; the whole disk if it has no table.
    Default,
}

/// A part of a disk, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Where it starts.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u64,
}

/// What a table says of a partition beyond its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An entry of an MBR or an extended boot record.
    Dos(DosPartition),
    /// An entry of a GPT.
    Efi(Box<EfiPartition>),
}

/// A partition as its table has it; not checked against the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    /// Its number, from 1.
    pub number: u32,
    /// Its first block.
    pub first: u64,
    /// How many blocks.
    pub count: u64,
    /// It is marked bootable.
    pub bootable: bool,
    /// The rest.
    pub kind: Kind,
}

/// A disk's partition table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// The partitions, in the order of their numbers.
    pub partitions: Vec<Partition>,
    /// It is a GPT; else an MBR.
    pub efi: bool,
    /// It is the copy at the disk's end, since this is wrong with the first.
    pub backup: Option<PartitionError>,
    /// What is wrong with it: it goes on but what follows is broken, or partitions cannot be where
    /// it says.
    pub broken: Option<PartitionError>,
}

/// Reads a disk's whole partition table.
///
/// # Errors
/// [`PartitionError::NoTable`], a broken GPT, or the disk failed.
pub fn list(device: &mut dyn BlockDevice) -> Result<Table, StorageError> {
    let block = first_block(device)?;
    let Some(record) = mbr::Record::parse(&block) else {
        return Err(PartitionError::NoTable.into());
    };
    if record.is_protective() {
        let (partitions, backup) = gpt::read(device)?;
        let lie = |partition| inside(device.info(), &partitions, partition).err();
        return Ok(Table {
            broken: partitions.iter().find_map(lie),
            partitions,
            efi: true,
            backup,
        });
    }
    if record.is_empty() {
        return Err(PartitionError::NoTable.into());
    }
    let mut table = Table {
        partitions: record.primaries(),
        ..Table::default()
    };
    let broken = mbr::logicals(device, &record, &mut table.partitions)?;
    let lie = |partition| inside(device.info(), &table.partitions, partition).err();
    table.broken = broken.or_else(|| table.partitions.iter().find_map(lie));
    Ok(table)
}

/// Finds the part of the disk that is wanted, reading no more than that takes: one block for a
/// primary partition.
pub(super) fn find(device: &mut dyn BlockDevice, wanted: Wanted) -> Result<Region, StorageError> {
    let info = device.info();
    if wanted == Wanted::Whole {
        return Ok(whole(info));
    }
    let block = first_block(device)?;
    let record = match mbr::Record::parse(&block) {
        Some(record) if !record.is_empty() => record,
        _ if wanted == Wanted::Default => return Ok(whole(info)),
        _ => return Err(PartitionError::NoTable.into()),
    };
    let mut broken = None;
    let partitions = if record.is_protective() {
        gpt::read(device)?.0
    } else {
        let mut partitions = record.primaries();
        if choose(&partitions, wanted).is_none() {
            broken = mbr::logicals(device, &record, &mut partitions)?;
        }
        partitions
    };
    match (choose(&partitions, wanted), broken, wanted) {
        (Some(found), ..) => Ok(inside(info, &partitions, found)?),
        (None, Some(error), _) => Err(error.into()),
        (None, None, Wanted::Number(number)) => Err(PartitionError::Missing(number).into()),
        (None, ..) => Err(PartitionError::Empty.into()),
    }
}

/// Picks a partition that can hold files.
fn choose(partitions: &[Partition], wanted: Wanted) -> Option<&Partition> {
    let number = match wanted {
        Wanted::Number(number) => Some(number),
        _ => None,
    };
    let mut usable = partitions
        .iter()
        .filter(|partition| !partition.is_extended());
    match number {
        Some(number) => usable.find(|partition| partition.number == number),
        None => usable
            .clone()
            .find(|partition| partition.bootable)
            .or_else(|| usable.next()),
    }
}

impl Partition {
    /// Tells whether it only holds logical partitions.
    pub fn is_extended(&self) -> bool {
        matches!(&self.kind, Kind::Dos(dos) if dos.is_extended())
    }
}

/// Returns all of a disk.
fn whole(info: BlockInfo) -> Region {
    Region {
        offset: 0,
        length: info.blocks.saturating_mul(u64::from(info.block_size)),
    }
}

/// Returns a partition's bytes, if it lies on the disk and apart from the others that are known.
fn inside(
    info: BlockInfo,
    partitions: &[Partition],
    partition: &Partition,
) -> Result<Region, PartitionError> {
    let outside = PartitionError::Outside {
        number: partition.number,
        first: partition.first,
        count: partition.count,
        blocks: info.blocks,
    };
    let size = u64::from(info.block_size);
    let end = partition.first.checked_add(partition.count);
    let end = end.filter(|end| *end <= info.blocks && partition.count != 0);
    let end = end.ok_or(outside)?;
    let overlaps = |other: &&Partition| {
        // Logical partitions, from 5 on, are in the extended one.
        let holds = |one: &Partition, other: &Partition| one.is_extended() && other.number > 4;
        other.number != partition.number
            && !holds(other, partition)
            && !holds(partition, other)
            && other.first < end
            && other.first.saturating_add(other.count) > partition.first
    };
    if let Some(other) = partitions.iter().find(overlaps) {
        let (one, other) = (partition.number, other.number);
        return Err(PartitionError::Overlap(one.min(other), one.max(other)));
    }
    let bytes = |blocks: u64| blocks.checked_mul(size).ok_or(outside);
    Ok(Region {
        offset: bytes(partition.first)?,
        length: bytes(partition.count)?,
    })
}

/// Reads the first block.
fn first_block(device: &mut dyn BlockDevice) -> Result<Vec<u8>, StorageError> {
    let size = device.info().block_size;
    let mut block: Vec<u8> = buffer(usize::try_from(size).unwrap_or(0))?;
    device.read_blocks(0, &mut block)?;
    Ok(block)
}

#[cfg(test)]
mod tests;
