//! ext2, ext3 and ext4, to read.
//!
//! The crate `ext4-view` reads them too, and is what the tests compare with. It is not used here:
//! it takes 40 KiB of the image (this takes a fifth), hands data out by the block through a cache
//! of its own where a file's extents would let it go from the disk into place, wants to own the
//! disk, and asks the heap for what a damaged superblock says.
//!
//! What is followed is bounded: blocks of maps are counted, pieces of a file too, extents must
//! ascend, directories have a largest size, links a largest number.

mod checksum;
mod directory;
mod inode;
mod journal;
mod map;
mod superblock;

use alloc::{format, string::String, vec::Vec};

use platform_api::BlockDevice;

use self::{
    inode::{Inode, Kind, ROOT},
    journal::Replay,
    superblock::{INCOMPAT_RECOVER, Superblock},
};
use super::{
    Entry, Ext4Error, Extent, StorageError, StorageProblem,
    blocks::{read_bytes, zeroed},
    file::read_extents,
    partition::Region,
};

/// Symbolic links that are followed for one path, as many as U-Boot follows.
const MAX_LINKS: u32 = 8;
/// Bytes in the target of a link.
const MAX_TARGET: u64 = 4095;

/// A volume on a device.
pub struct Ext4Volume<'a> {
    device: &'a mut dyn BlockDevice,
    /// Where the volume starts on the device, in bytes.
    base: u64,
    superblock: Superblock,
    replay: Replay,
    /// The block that was read last for an inode or a descriptor, and its number; 0 for none.
    held: (u32, Vec<u8>),
    /// The group that was looked at last, and where its inodes begin.
    group: Option<(u32, u32)>,
}

/// Reads the superblock of a volume; `None` if there is none.
pub fn probe(
    device: &mut dyn BlockDevice,
    region: Region,
) -> Result<Option<Superblock>, StorageError> {
    if region.length < superblock::OFFSET + superblock::SIZE as u64 {
        return Ok(None);
    }
    let mut bytes = [0; superblock::SIZE];
    read_bytes(device, region.offset + superblock::OFFSET, &mut bytes)?;
    let found = Superblock::parse(&bytes)?;
    if let Some(superblock) = &found {
        let claimed = u64::from(superblock.blocks) << superblock.shift;
        if claimed > region.length {
            let held = region.length;
            return Err(Ext4Error::TooLarge { claimed, held }.into());
        }
    }
    Ok(found)
}

impl<'a> Ext4Volume<'a> {
    /// Makes the volume whose superblock was read. Looks through its journal if it is unclean.
    pub fn new(
        device: &'a mut dyn BlockDevice,
        region: Region,
        superblock: Superblock,
    ) -> Result<Self, StorageError> {
        let mut volume = Self {
            device,
            base: region.offset,
            superblock,
            replay: Replay::default(),
            held: (0, Vec::new()),
            group: None,
        };
        if superblock.incompat & INCOMPAT_RECOVER != 0 {
            volume.replay = volume.replay()?;
            // What was read on the way may be older.
            volume.held.0 = 0;
            volume.group = None;
        }
        Ok(volume)
    }

    /// Finds a file: its size, and where its bytes are on the device.
    pub fn open(&mut self, path: &str) -> Result<(u64, Vec<Extent>), StorageError> {
        let inode = self.file(path)?;
        Ok((inode.size, self.extents(&inode)?))
    }

    /// Returns a file's size.
    pub fn size(&mut self, path: &str) -> Result<u64, StorageError> {
        Ok(self.file(path)?.size)
    }

    /// Lists a directory, without its `.` and `..`.
    pub fn list(&mut self, path: &str) -> Result<Vec<Entry>, StorageError> {
        let inode = self.resolve(path)?;
        if inode.kind != Kind::Directory {
            return Err(StorageProblem::NotDirectory(path.into()).into());
        }
        let inode = inode.readable()?;
        self.entries(&inode)
    }

    /// Finds a file, not a directory.
    fn file(&mut self, path: &str) -> Result<Inode, StorageError> {
        let inode = self.resolve(path)?;
        match inode.kind {
            Kind::File if path.ends_with('/') => {
                Err(StorageProblem::NotDirectory(path.into()).into())
            }
            Kind::File => inode.readable(),
            Kind::Directory => Err(StorageProblem::IsDirectory(path.into()).into()),
            _ => Err(Ext4Error::Special(inode.number).into()),
        }
    }

    /// Walks a path from the root, through links.
    fn resolve(&mut self, path: &str) -> Result<Inode, StorageError> {
        let mut links = 0;
        let mut rest = String::from(path);
        let mut here = self.inode(ROOT)?;
        // The directories above.
        let mut parents: Vec<u32> = Vec::new();
        loop {
            let trimmed = rest.trim_start_matches('/');
            let (name, tail) = trimmed.split_once('/').unwrap_or((trimmed, ""));
            if name.is_empty() {
                return Ok(here);
            }
            if here.kind != Kind::Directory {
                return Err(StorageProblem::NotDirectory(path.into()).into());
            }
            match name {
                "." => {}
                ".." => here = self.inode(parents.pop().unwrap_or(ROOT))?,
                name => {
                    here = here.readable()?;
                    let found = self.find(&here, name)?;
                    let found = found.ok_or_else(|| StorageProblem::Missing(path.into()))?;
                    let found = self.inode(found)?;
                    if found.kind == Kind::Link {
                        links += 1;
                        if links > MAX_LINKS {
                            return Err(Ext4Error::Links(found.number).into());
                        }
                        let target = self.target(found)?;
                        if target.starts_with('/') {
                            parents.clear();
                            here = self.inode(ROOT)?;
                        }
                        rest = format!("{target}/{tail}");
                        continue;
                    }
                    parents.push(here.number);
                    here = found;
                }
            }
            rest = tail.into();
        }
    }

    /// Reads where a link leads.
    fn target(&mut self, link: Inode) -> Result<String, StorageError> {
        let link = link.readable()?;
        let length = usize::try_from(link.size.min(MAX_TARGET)).unwrap_or(0);
        let mut bytes = zeroed(length)?;
        if link.is_short_link() {
            bytes.copy_from_slice(link.map.get(..length).unwrap_or_default());
        } else {
            let extents = self.extents(&link)?;
            read_extents(self.device, &extents, 0, &mut bytes)?;
        }
        String::from_utf8(bytes).map_err(|_| Ext4Error::Damaged("link", link.number.into()).into())
    }

    /// Returns a block's bytes.
    fn block_size(&self) -> usize {
        1 << self.superblock.shift
    }

    /// Returns where blocks are on the volume, if they are all there: the first, how many of
    /// `count` lie side by side, and whether it is escaped.
    fn place(&self, block: u32, count: u32) -> Result<(u32, u32, bool), StorageError> {
        let right = |block: u32| {
            let end = block.checked_add(count);
            block != 0 && end.is_some_and(|end| end <= self.superblock.blocks)
        };
        match self.replay.place(block, count) {
            found if right(block) => Ok(found),
            _ => Err(Ext4Error::Damaged("pointer to block", block.into()).into()),
        }
    }

    /// Reads a block.
    fn node(&mut self, block: u32) -> Result<Vec<u8>, StorageError> {
        let mut bytes = zeroed(self.block_size())?;
        self.read(block, &mut bytes)?;
        Ok(bytes)
    }

    /// Reads a block, unless it was the last one.
    fn held(&mut self, block: u32) -> Result<&[u8], StorageError> {
        if self.held.0 != block || block == 0 {
            let mut bytes = core::mem::take(&mut self.held.1);
            self.held.0 = 0;
            if bytes.is_empty() {
                bytes = zeroed(self.block_size())?;
            }
            self.read(block, &mut bytes)?;
            self.held = (block, bytes);
        }
        Ok(&self.held.1)
    }

    /// Returns where a block is on the device, in bytes.
    fn offset(&self, block: u32) -> u64 {
        self.base + (u64::from(block) << self.superblock.shift)
    }

    fn read(&mut self, block: u32, bytes: &mut [u8]) -> Result<(), StorageError> {
        let (place, _, escaped) = self.place(block, 1)?;
        let offset = self.offset(place);
        read_bytes(self.device, offset, bytes)?;
        if escaped {
            Replay::restore(bytes);
        }
        Ok(())
    }
}

/// Reads a number of 16 bits; 0 behind the end.
fn half(bytes: &[u8], at: usize) -> u16 {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u16::from_le_bytes(*bytes))
}

/// Reads a number of 32 bits; 0 behind the end.
fn word(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}
