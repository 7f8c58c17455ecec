//! Partitions and file systems on block devices.
//!
//! A file is resolved once, by [`open`]: path to directory entry to the whole cluster chain,
//! which becomes a list of extents. Reads go from the device straight into their destination,
//! an extent a request.

mod blocks;
mod error;
mod ext4;
mod fat;
mod file;
mod mount;
pub mod partition;
mod transfer;
mod volume;

#[cfg(test)]
pub(crate) mod testing;

use alloc::{string::String, vec::Vec};

pub use self::{
    error::{Ext4Error, FatError, PartitionError, StorageError, StorageProblem},
    fat::GoOn,
    file::{Extent, OpenFile},
    transfer::{ReadTime, read_into},
    volume::{VolumeName, default_volume, disk},
};

pub(crate) use self::blocks::{pad, zeroed};
use self::{mount::FileSystem, volume::Opened};
use crate::machine::{Disk, Machine};

/// One directory entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Bytes; 0 for what is no file.
    pub size: u64,
    /// It is a directory.
    pub directory: bool,
    /// It is a symbolic link.
    pub link: bool,
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
    open_on(&mut machine.disks, volume, path)
}

/// As [`open`], for who has the machine's disks alone.
///
/// # Errors
/// As [`open`].
pub fn open_on(
    disks: &mut [Disk],
    volume: VolumeName<'_>,
    path: &str,
) -> Result<OpenFile, StorageError> {
    let Opened {
        disk,
        device,
        region,
    } = volume::open(disks, volume)?;
    let mut mounted = mount::mount(device, region)?;
    Ok(OpenFile::new(
        disk,
        mounted.open(path)?,
        mounted.is_read_only(),
    ))
}

/// As [`open_on`], for files in the root directory, which is looked through once.
///
/// # Errors
/// What is wrong with the volume; what is wrong with a file is in its place.
pub fn open_each<const N: usize>(
    disks: &mut [Disk],
    volume: VolumeName<'_>,
    names: [&str; N],
) -> Result<[Result<OpenFile, StorageError>; N], StorageError> {
    let Opened {
        disk,
        device,
        region,
    } = volume::open(disks, volume)?;
    let mut mounted = mount::mount(device, region)?;
    let read_only = mounted.is_read_only();
    let files = match &mut mounted {
        FileSystem::Fat(fat) => fat.open_each(names)?,
        FileSystem::Ext4(ext4) => names.map(|name| ext4.open(name)),
    };
    Ok(files.map(|file| file.map(|content| OpenFile::new(disk, content, read_only))))
}

/// Lists a directory, without its `.` and `..`.
///
/// # Errors
/// As [`open`], or it is not a directory.
pub fn list(
    disks: &mut [Disk],
    volume: VolumeName<'_>,
    path: &str,
) -> Result<Vec<Entry>, StorageError> {
    let Opened { device, region, .. } = volume::open(disks, volume)?;
    match mount::mount(device, region)? {
        FileSystem::Fat(mut fat) => fat.list(path),
        FileSystem::Ext4(mut ext4) => ext4.list(path),
    }
}

/// Returns the name of a volume's file system, as U-Boot's `fstype` has it.
///
/// # Errors
/// No such disk or partition, none that we read, or the disk failed.
pub fn file_system(
    disks: &mut [Disk],
    volume: VolumeName<'_>,
) -> Result<&'static str, StorageError> {
    let Opened { device, region, .. } = volume::open(disks, volume)?;
    Ok(match mount::mount(device, region)? {
        FileSystem::Fat(_) => "fat",
        FileSystem::Ext4(_) => "ext4",
    })
}

/// Returns a file's size in bytes.
///
/// # Errors
/// As [`open`]; but what leads to its data is not looked at.
pub fn size(disks: &mut [Disk], volume: VolumeName<'_>, path: &str) -> Result<u64, StorageError> {
    let Opened { device, region, .. } = volume::open(disks, volume)?;
    match mount::mount(device, region)? {
        FileSystem::Fat(mut fat) => fat.size(path),
        FileSystem::Ext4(mut ext4) => ext4.size(path),
    }
}

/// On FAT, makes `source` the content of a file from byte `offset` on; makes the file if there is none.
/// Power may be lost at any time: the file is the old or the new one, others stay as they are.
/// `disks` are the machine's; `go_on` is asked now and then, and stops it before any change.
///
/// # Errors
/// No such disk, partition, file system or directory; a directory of that name; `offset` behind
/// the file's end; no space; not a FAT volume; damage: nothing is changed. Or the disk failed.
pub fn write(
    disks: &mut [Disk],
    volume: VolumeName<'_>,
    path: &str,
    offset: u64,
    source: &[u8],
    go_on: &mut GoOn<'_>,
) -> Result<(), StorageError> {
    let Opened { device, region, .. } = volume::open(disks, volume)?;
    mount::writable(device, region)?.write(path, offset, source, go_on)
}

/// Makes a directory.
///
/// # Errors
/// As [`write()`], or there is something of that name.
pub fn create_directory(
    disks: &mut [Disk],
    volume: VolumeName<'_>,
    path: &str,
) -> Result<(), StorageError> {
    let Opened { device, region, .. } = volume::open(disks, volume)?;
    mount::writable(device, region)?.create_directory(path)
}

/// Removes a file, or a directory that is empty.
///
/// # Errors
/// As [`write()`], or there is none, or it is not empty.
pub fn remove(disks: &mut [Disk], volume: VolumeName<'_>, path: &str) -> Result<(), StorageError> {
    let Opened { device, region, .. } = volume::open(disks, volume)?;
    mount::writable(device, region)?.remove(path)
}
