//! Partitions and file systems on block devices.
//!
//! A file is resolved once, by [`open`]: path to directory entry to the whole cluster chain,
//! which becomes a list of extents. Reads go from the device straight into their destination,
//! an extent a request.

mod blocks;
mod error;
mod fat;
mod file;
pub mod partition;
mod transfer;
mod volume;

#[cfg(test)]
pub(crate) mod testing;

use alloc::{string::String, vec::Vec};

pub use self::{
    error::{FatError, PartitionError, StorageError},
    file::{Extent, OpenFile},
    transfer::{ReadTime, read_into},
    volume::{VolumeName, default_volume, disk},
};

use self::{fat::FatVolume, volume::Opened};
use crate::machine::Machine;

/// One directory entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Bytes; 0 for a directory.
    pub size: u64,
    /// It is a directory.
    pub directory: bool,
}

/// Resolves a file to the places of its bytes on the disk. Nothing of its data is read.
///
/// # Errors
/// No such disk, partition, file system or file, or a directory; damage in what leads to the
/// data; or the disk failed.
pub fn open(
    machine: &mut Machine<'_>,
    volume: VolumeName<'_>,
    path: &str,
) -> Result<OpenFile, StorageError> {
    let Opened {
        disk,
        device,
        region,
    } = volume::open(machine, volume)?;
    let (size, extents) = FatVolume::mount(device, region)?.open(path)?;
    Ok(OpenFile::new(disk, size, extents))
}

/// Lists a directory, without its `.` and `..`.
///
/// # Errors
/// As [`open`], or it is not a directory.
pub fn list(
    machine: &mut Machine<'_>,
    volume: VolumeName<'_>,
    path: &str,
) -> Result<Vec<Entry>, StorageError> {
    let Opened { device, region, .. } = volume::open(machine, volume)?;
    FatVolume::mount(device, region)?.list(path)
}

/// Returns the name of a volume's file system, as U-Boot's `fstype` has it.
///
/// # Errors
/// No such disk or partition, none that we read, or the disk failed.
pub fn file_system(
    machine: &mut Machine<'_>,
    volume: VolumeName<'_>,
) -> Result<&'static str, StorageError> {
    let Opened { device, region, .. } = volume::open(machine, volume)?;
    FatVolume::mount(device, region).map(|_| "fat")
}

/// Returns a file's size in bytes.
///
/// # Errors
/// As [`open`]; but its cluster chain is not looked at.
pub fn size(
    machine: &mut Machine<'_>,
    volume: VolumeName<'_>,
    path: &str,
) -> Result<u64, StorageError> {
    let Opened { device, region, .. } = volume::open(machine, volume)?;
    FatVolume::mount(device, region)?.size(path)
}
