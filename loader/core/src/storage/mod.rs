//! Partitions and file systems on block devices.

use alloc::{string::String, vec::Vec};
use core::fmt;

use platform_api::BlockError;

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

/// Names a volume as U-Boot's commands do: `virtio 0:1`. Partition 0 is the whole disk; no
/// partition means the first bootable one, else the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VolumeName<'a> {
    /// The interface, `virtio`.
    pub interface: &'a str,
    /// `DEV[:PART]`, in hexadecimal.
    pub device: &'a str,
}

/// Lists a directory.
///
/// # Errors
/// No such disk, partition, file system or directory; or the disk failed.
pub fn list(
    _machine: &mut Machine<'_>,
    _volume: VolumeName<'_>,
    _path: &str,
) -> Result<Vec<Entry>, StorageError> {
    Err(StorageError::Missing(String::new()))
}

/// Returns a file's size in bytes.
///
/// # Errors
/// As [`list`].
pub fn size(
    _machine: &mut Machine<'_>,
    _volume: VolumeName<'_>,
    _path: &str,
) -> Result<u64, StorageError> {
    Err(StorageError::Missing(String::new()))
}

/// Why storage failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageError {
    /// The disk failed.
    Block(BlockError),
    /// No such file or directory.
    Missing(String),
}

impl From<BlockError> for StorageError {
    fn from(error: BlockError) -> Self {
        Self::Block(error)
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(error) => error.fmt(f),
            Self::Missing(path) => write!(f, "no such file: {path}"),
        }
    }
}

impl core::error::Error for StorageError {}
