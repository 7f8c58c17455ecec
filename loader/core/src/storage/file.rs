//! A file as the places of its bytes.

use alloc::vec::Vec;

use platform_api::BlockDevice;

use super::{
    StorageError, StorageProblem,
    blocks::{read_bytes, write_bytes},
};
use crate::machine::Disk;

/// Bytes of a file that lie side by side on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Where on the disk, in bytes.
    pub offset: u64,
    /// How many bytes.
    pub length: u64,
}

impl Extent {
    /// The place of bytes that are nowhere, and zero.
    pub const HOLE: u64 = u64::MAX;

    /// Tells whether its bytes are nowhere.
    pub fn is_hole(&self) -> bool {
        self.offset == Self::HOLE
    }
}

/// A file, resolved: [`super::open`] makes it, and reads need the file system no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenFile {
    disk: usize,
    size: u64,
    extents: Vec<Extent>,
    read_only: bool,
}

impl OpenFile {
    /// Makes the file of `size` bytes in `extents`, in order, on disk number `disk` of the
    /// machine. The extents may hold more than `size`: the rest of the last cluster.
    pub(super) fn new(disk: usize, (size, extents): (u64, Vec<Extent>), read_only: bool) -> Self {
        Self {
            disk,
            size,
            extents,
            read_only,
        }
    }

    /// Returns its size in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Returns where its bytes lie, in the file's order.
    pub fn extents(&self) -> &[Extent] {
        &self.extents
    }

    /// Fills `dest` with the bytes from `offset` on, an extent a request where they are whole
    /// blocks. `disks` are the machine's.
    ///
    /// # Errors
    /// [`StorageProblem::PastEnd`] with nothing read if the file ends before `dest` is full, or
    /// the disk failed.
    pub fn read_at(
        &self,
        disks: &mut [Disk],
        offset: u64,
        dest: &mut [u8],
    ) -> Result<(), StorageError> {
        self.check(offset, dest.len() as u64)?;
        let Some(disk) = disks.get_mut(self.disk) else {
            return Err(StorageProblem::Missing(alloc::string::String::new()).into());
        };
        read_extents(&mut *disk.device, &self.extents, offset, dest)
    }

    /// Overwrites the bytes from `offset` on, an extent a request where they are whole blocks. The
    /// file keeps its size and its place: no other block of the disk is written.
    ///
    /// # Errors
    /// [`StorageProblem::PastEnd`] with nothing written if the file ends before, or
    /// [`StorageProblem::ReadOnly`]; or the disk failed.
    pub fn write_at(
        &self,
        disks: &mut [Disk],
        offset: u64,
        source: &[u8],
    ) -> Result<(), StorageError> {
        self.check(offset, source.len() as u64)?;
        if self.read_only {
            return Err(StorageProblem::ReadOnly.into());
        }
        match disks.get_mut(self.disk) {
            Some(disk) => write_extents(&mut *disk.device, &self.extents, offset, source),
            None => Err(StorageProblem::Missing(alloc::string::String::new()).into()),
        }
    }

    /// Checks that the file has `length` bytes from `offset` on.
    ///
    /// # Errors
    /// [`StorageProblem::PastEnd`].
    pub fn check(&self, offset: u64, length: u64) -> Result<(), StorageError> {
        match offset.checked_add(length) {
            Some(end) if end <= self.size => Ok(()),
            _ => Err(StorageProblem::PastEnd {
                offset,
                length,
                size: self.size,
            }
            .into()),
        }
    }
}

/// Fills `dest` with the bytes of `extents`, from byte `offset` of what they make on.
///
/// # Errors
/// [`StorageProblem::PastEnd`] if they end before, or the disk failed.
pub(super) fn read_extents(
    device: &mut dyn BlockDevice,
    extents: &[Extent],
    offset: u64,
    dest: &mut [u8],
) -> Result<(), StorageError> {
    let mut skip = offset;
    let mut rest = dest;
    for extent in extents {
        if rest.is_empty() {
            break;
        }
        if skip >= extent.length {
            skip -= extent.length;
            continue;
        }
        let room = extent.length - skip;
        let length = usize::try_from(room).unwrap_or(usize::MAX).min(rest.len());
        let (part, more) = rest.split_at_mut(length);
        if extent.is_hole() {
            part.fill(0);
        } else {
            read_bytes(device, extent.offset + skip, part)?;
        }
        rest = more;
        skip = 0;
    }
    // The extents hold the file's size, or it was not resolved as it should.
    all_done(extents, offset, rest.len())
}

/// Says whether `extents` held everything from byte `offset` on: nothing is `missing`.
fn all_done(extents: &[Extent], offset: u64, missing: usize) -> Result<(), StorageError> {
    match missing {
        0 => Ok(()),
        missing => Err(StorageProblem::PastEnd {
            offset,
            length: missing as u64,
            size: extents.iter().map(|extent| extent.length).sum(),
        }
        .into()),
    }
}

/// Writes `source` into `extents`, from byte `offset` of what they make on.
///
/// # Errors
/// [`StorageProblem::PastEnd`] if they end before, or the disk failed.
pub(super) fn write_extents(
    device: &mut dyn BlockDevice,
    extents: &[Extent],
    offset: u64,
    source: &[u8],
) -> Result<(), StorageError> {
    let mut skip = offset;
    let mut rest = source;
    for extent in extents {
        if skip >= extent.length {
            skip -= extent.length;
            continue;
        }
        let room = usize::try_from(extent.length - skip).unwrap_or(usize::MAX);
        let (part, more) = rest.split_at(room.min(rest.len()));
        write_bytes(device, extent.offset + skip, part)?;
        rest = more;
        skip = 0;
    }
    all_done(extents, offset, rest.len())
}
