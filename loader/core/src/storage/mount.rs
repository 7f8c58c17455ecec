//! Which file system a volume has.

use alloc::vec::Vec;

use platform_api::BlockDevice;

use super::{
    Extent, FatError, StorageError, StorageProblem,
    ext4::{self, Ext4Volume},
    fat::{self, FatVolume},
    partition::Region,
};

/// A volume of a known file system.
pub enum FileSystem<'m> {
    /// FAT12, FAT16 or FAT32.
    Fat(FatVolume<'m>),
    /// ext2, ext3 or ext4.
    Ext4(Ext4Volume<'m>),
}

/// Looks which file system a volume has: FAT first, as U-Boot does.
///
/// # Errors
/// None that is known; what is wrong with it; or the disk failed.
pub fn mount(device: &mut dyn BlockDevice, region: Region) -> Result<FileSystem<'_>, StorageError> {
    let error = match fat::probe(device, region) {
        Ok(geometry) => return Ok(FileSystem::Fat(FatVolume::new(device, region, geometry))),
        Err(error) => error,
    };
    if !matches!(error.problem(), StorageProblem::Fat(FatError::NotFat(_))) {
        return Err(error);
    }
    match ext4::probe(device, region)? {
        Some(found) => Ext4Volume::new(device, region, found).map(FileSystem::Ext4),
        None => Err(error),
    }
}

/// As [`mount`], for a volume that is to be written to.
///
/// # Errors
/// As [`mount`], or [`StorageProblem::ReadOnly`].
pub fn writable(
    device: &mut dyn BlockDevice,
    region: Region,
) -> Result<FatVolume<'_>, StorageError> {
    match mount(device, region)? {
        FileSystem::Fat(fat) => Ok(fat),
        FileSystem::Ext4(_) => Err(StorageProblem::ReadOnly.into()),
    }
}

impl FileSystem<'_> {
    /// Finds a file: its size, and where its bytes are on the device.
    pub fn open(&mut self, path: &str) -> Result<(u64, Vec<Extent>), StorageError> {
        match self {
            Self::Fat(fat) => fat.open(path),
            Self::Ext4(ext4) => ext4.open(path),
        }
    }

    /// Tells whether files can only be read.
    pub fn is_read_only(&self) -> bool {
        matches!(self, Self::Ext4(_))
    }
}
