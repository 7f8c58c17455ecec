//! Inodes: where one is, whether it is whole, what it says.

use super::{
    Ext4Error, Ext4Volume, StorageError,
    checksum::{crc16, crc32c},
    half,
    superblock::{Sums, Superblock},
    word,
};

/// The root directory's.
pub const ROOT: u32 = 2;
/// Bytes of an inode that every one has.
const BASE: usize = 128;
/// Bytes for the map of blocks, at 0x28: or a short link's target, or a small file's data.
pub const MAP: usize = 60;
/// Where they are.
pub const MAP_OFFSET: usize = 0x28;

const FLAG_ENCRYPTED: u32 = 0x800;
const FLAG_INDEX: u32 = 0x1000;
const FLAG_EXTENTS: u32 = 0x8_0000;
const FLAG_INLINE: u32 = 0x1000_0000;

/// What an inode is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file with data.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Link,
    /// A device, a FIFO or a socket.
    Special,
}

/// An inode.
#[derive(Clone, Debug)]
pub struct Inode {
    /// Its number.
    pub number: u32,
    /// What it is.
    pub kind: Kind,
    /// Bytes in it.
    pub size: u64,
    /// Where checksums of its other blocks begin.
    pub seed: u32,
    /// The map of its blocks.
    pub map: [u8; MAP],
    /// Where it is on the device, in bytes.
    pub at: u64,
    /// Where its map ends and what there is of `system.data` begins, in bytes from `at` on, and how
    /// much that is.
    pub more: (u32, u32),
    flags: u32,
}

impl Inode {
    /// Its map is a tree of extents.
    pub fn has_extents(&self) -> bool {
        self.flags & FLAG_EXTENTS != 0
    }

    /// Its data is in the inode.
    pub fn is_inline(&self) -> bool {
        self.flags & FLAG_INLINE != 0
    }

    /// It is a directory with a tree of hashes.
    pub fn has_index(&self) -> bool {
        self.flags & FLAG_INDEX != 0
    }

    /// It is a link whose target is in the map.
    pub fn is_short_link(&self) -> bool {
        self.size < MAP as u64 && self.flags & (FLAG_EXTENTS | FLAG_INLINE) == 0
    }

    /// Refuses what cannot be read without a key.
    pub fn readable(self) -> Result<Self, StorageError> {
        match self.flags & FLAG_ENCRYPTED {
            0 => Ok(self),
            _ => Err(Ext4Error::Encrypted(self.number).into()),
        }
    }
}

impl Ext4Volume<'_> {
    /// Reads an inode.
    pub(super) fn inode(&mut self, number: u32) -> Result<Inode, StorageError> {
        let damaged = || StorageError::from(Ext4Error::Damaged("inode", number.into()));
        let index = number.checked_sub(1).ok_or_else(damaged)?;
        if number > self.superblock.inodes {
            return Err(damaged());
        }
        let group = index / self.superblock.inodes_per_group;
        let index = index % self.superblock.inodes_per_group;
        let table = self.inode_table(group)?;
        let size = self.superblock.inode_size;
        let in_block = (1 << self.superblock.shift) / size;
        let block = table.saturating_add(index / in_block);
        let within = index % in_block * size;
        let (place, _, _) = self.place(block, 1)?;
        let at = self.offset(place) + u64::from(within);
        let (start, length) = (within as usize, size as usize);
        let bytes = self.held(block)?.get(start..start + length);
        let mut bytes = bytes.ok_or_else(damaged)?.to_vec();
        let seed = crc32c(self.superblock.seed, &number.to_le_bytes());
        let seed = crc32c(seed, bytes.get(0x64..0x68).unwrap_or_default());
        if self.superblock.sums == Sums::All {
            check(&mut bytes, seed).map_err(|()| Ext4Error::Checksum("inode", number.into()))?;
        }
        let kind = match half(&bytes, 0) >> 12 {
            // Nobody has it: a name that leads here leads nowhere.
            0 => return Err(damaged()),
            4 => Kind::Directory,
            8 => Kind::File,
            10 => Kind::Link,
            _ => Kind::Special,
        };
        let high = match kind {
            Kind::File => word(&bytes, 0x6c),
            _ => 0,
        };
        let mut map = [0; MAP];
        map.copy_from_slice(bytes.get(MAP_OFFSET..MAP_OFFSET + MAP).unwrap_or(&[0; MAP]));
        let flags = word(&bytes, 0x20);
        let more = match flags & FLAG_INLINE {
            0 => (0, 0),
            _ => system_data(&bytes),
        };
        Ok(Inode {
            number,
            kind,
            size: u64::from(high) << 32 | u64::from(word(&bytes, 4)),
            seed,
            map,
            at,
            more,
            flags,
        })
    }

    /// Returns where a group's inodes begin, in blocks.
    fn inode_table(&mut self, group: u32) -> Result<u32, StorageError> {
        if let Some((known, table)) = self.group
            && known == group
        {
            return Ok(table);
        }
        let (block, start) = self.superblock.descriptor(group);
        let (start, length) = (start as usize, self.superblock.descriptor_size as usize);
        let Superblock {
            sums, seed, uuid, ..
        } = self.superblock;
        let bytes = self.held(block)?;
        let bytes = bytes.get(start..start + length).unwrap_or_default();
        let parts = (bytes.get(..0x1e), bytes.get(0x20..));
        let (head, tail) = (parts.0.unwrap_or_default(), parts.1.unwrap_or_default());
        let number = group.to_le_bytes();
        let sum = half(bytes, 0x1e);
        let right = match sums {
            Sums::None => true,
            Sums::Groups => {
                let parts: [&[u8]; 4] = [&uuid, &number, head, tail];
                parts.iter().fold(!0, |sum, part| crc16(sum, part)) == sum
            }
            Sums::All => {
                let parts: [&[u8]; 4] = [&number, head, &[0; 2], tail];
                let found = parts.iter().fold(seed, |sum, part| crc32c(sum, part));
                found & 0xffff == u32::from(sum)
            }
        };
        if !right {
            return Err(Ext4Error::Checksum("group", group.into()).into());
        }
        let table = word(bytes, 8);
        self.group = Some((group, table));
        Ok(table)
    }
}

/// Checks an inode's checksum, which is cleared.
fn check(bytes: &mut [u8], seed: u32) -> Result<(), ()> {
    let wide = bytes.len() > BASE && half(bytes, 0x80) >= 4;
    let mut sum = u32::from(half(bytes, 0x7c));
    let mut mask = 0xffff;
    if wide {
        sum |= u32::from(half(bytes, 0x82)) << 16;
        mask = !0;
        bytes.get_mut(0x82..0x84).unwrap_or_default().fill(0);
    }
    bytes.get_mut(0x7c..0x7e).unwrap_or_default().fill(0);
    match crc32c(seed, bytes) & mask == sum {
        true => Ok(()),
        false => Err(()),
    }
}

/// Finds the extended attribute `system.data` in an inode: the rest of data that is kept inline.
/// Returns its offset and length; nothing if there is none that lies in the inode.
fn system_data(bytes: &[u8]) -> (u32, u32) {
    const MAGIC: u32 = 0xea02_0000;
    const SYSTEM: u8 = 7;
    let start = BASE + usize::from(half(bytes, 0x80));
    if bytes.len() <= BASE || word(bytes, start) != MAGIC {
        return (0, 0);
    }
    let first = start + 4;
    let mut at = first;
    // An entry is 16 bytes and its name; the last one is followed by zeros.
    while let Some(entry) = bytes.get(at..).filter(|_| word(bytes, at) != 0) {
        let Some((&length, name)) = entry.first().zip(entry.get(16..)) else {
            break;
        };
        if entry.get(1) == Some(&SYSTEM) && length == 4 && name.starts_with(b"data") {
            let size = word(entry, 8);
            let value = first + usize::from(half(entry, 2));
            let end = value.checked_add(usize::try_from(size).unwrap_or(usize::MAX));
            return match (u32::try_from(value), end) {
                (Ok(value), Some(end)) if end <= bytes.len() => (value, size),
                _ => (0, 0),
            };
        }
        at += 16 + usize::from(length).next_multiple_of(4);
    }
    (0, 0)
}
