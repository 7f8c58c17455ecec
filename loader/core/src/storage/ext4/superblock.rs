//! The superblock: geometry, features, the seed of the checksums.
//!
//! Offsets here and beside it are those of the kernel's Documentation/filesystems/ext4.

use super::{Ext4Error, StorageError, checksum::crc32c, half, word};

/// Where it lies in the volume, in bytes, whatever the block size.
pub const OFFSET: u64 = 1024;
/// Its bytes.
pub const SIZE: usize = 1024;
/// The magic number at 0x38.
const MAGIC: u16 = 0xef53;
/// Where its checksum is: behind everything else.
const CHECKSUM: usize = 0x3fc;

/// A journal is part of the volume (`feature_compat`).
pub const COMPAT_JOURNAL: u32 = 0x4;
/// The groups with copies are in two fields of the superblock.
const COMPAT_SPARSE_SUPER2: u32 = 0x200;
/// Directory entries have a type (`feature_incompat`).
pub const INCOMPAT_FILETYPE: u32 = 0x2;
/// The journal has what the volume has not yet.
pub const INCOMPAT_RECOVER: u32 = 0x4;
const INCOMPAT_META_BG: u32 = 0x10;
const INCOMPAT_64BIT: u32 = 0x80;
const INCOMPAT_CSUM_SEED: u32 = 0x2000;
/// What can be read: also extents, mmp, flex_bg, ea_inode, largedir, inline_data, encrypt and
/// casefold; of those each file says whether it uses them. Not: compression, journal_dev, dirdata.
const INCOMPAT_KNOWN: u32 = 0x2
    | 0x4
    | 0x10
    | 0x40
    | 0x80
    | 0x100
    | 0x200
    | 0x400
    | 0x2000
    | 0x4000
    | 0x8000
    | 0x1_0000
    | 0x2_0000;
/// Only some groups have copies of the superblock (`feature_ro_compat`).
const RO_SPARSE_SUPER: u32 = 0x1;
/// Group descriptors have a CRC-16.
const RO_GDT_CSUM: u32 = 0x10;
/// All metadata has a CRC-32C.
const RO_METADATA_CSUM: u32 = 0x400;

/// How metadata is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sums {
    /// Not at all.
    None,
    /// Group descriptors alone.
    Groups,
    /// All of it.
    All,
}

/// What the superblock says.
#[derive(Clone, Copy, Debug)]
pub struct Superblock {
    /// Bits of a block's size: 10 to 16.
    pub shift: u32,
    /// Blocks in the volume: at 4 KiB, 32 bits are 16 TiB.
    pub blocks: u32,
    /// Inodes in the volume.
    pub inodes: u32,
    /// Inodes in a group.
    pub inodes_per_group: u32,
    /// Bytes in an inode: a power of two, from 128 to a block.
    pub inode_size: u32,
    /// Bytes in a group descriptor: 32, or a power of two from 64 to 1024.
    pub descriptor_size: u32,
    /// How metadata is protected.
    pub sums: Sums,
    /// Where the CRC-32C of all metadata begins.
    pub seed: u32,
    /// The volume's UUID.
    pub uuid: [u8; 16],
    /// `feature_incompat`.
    pub incompat: u32,
    /// The journal's inode, 0 if it is elsewhere; `None` without a journal.
    pub journal: Option<u32>,
    first_block: u32,
    blocks_per_group: u32,
    first_meta_group: u32,
    /// Groups with a copy of the superblock: `None` for all.
    copies: Option<Copies>,
}

#[derive(Clone, Copy, Debug)]
enum Copies {
    /// 0, 1 and the powers of 3, 5 and 7.
    Powers,
    /// 0 and these.
    These([u32; 2]),
}

impl Superblock {
    /// Reads and checks a superblock; `None` if it is none.
    pub fn parse(bytes: &[u8; SIZE]) -> Result<Option<Self>, StorageError> {
        if half(bytes, 0x38) != MAGIC {
            return Ok(None);
        }
        let bad = |what| Err(Ext4Error::Superblock(what).into());
        let (incompat, ro_compat) = (word(bytes, 0x60), word(bytes, 0x64));
        let sums = if ro_compat & RO_METADATA_CSUM != 0 {
            Sums::All
        } else if ro_compat & RO_GDT_CSUM != 0 {
            Sums::Groups
        } else {
            Sums::None
        };
        let summed = bytes.get(..CHECKSUM).unwrap_or_default();
        if sums == Sums::All && crc32c(!0, summed) != word(bytes, CHECKSUM) {
            return Err(Ext4Error::Checksum("superblock", 0).into());
        }
        if incompat & !INCOMPAT_KNOWN != 0 {
            return Err(Ext4Error::Features(incompat & !INCOMPAT_KNOWN).into());
        }
        let old = word(bytes, 0x4c) == 0;
        let mut uuid = [0; 16];
        uuid.copy_from_slice(bytes.get(0x68..0x78).unwrap_or(&[0; 16]));
        let wide = incompat & INCOMPAT_64BIT != 0;
        if wide && word(bytes, 0x150) != 0 {
            return bad("2^32 blocks or more");
        }
        let found = Self {
            shift: word(bytes, 0x18).saturating_add(10),
            blocks: word(bytes, 4),
            inodes: word(bytes, 0),
            inodes_per_group: word(bytes, 0x28),
            inode_size: if old { 128 } else { half(bytes, 0x58).into() },
            descriptor_size: if wide { half(bytes, 0xfe).into() } else { 32 },
            sums,
            seed: if incompat & INCOMPAT_CSUM_SEED != 0 {
                word(bytes, 0x270)
            } else {
                crc32c(!0, &uuid)
            },
            uuid,
            incompat,
            journal: (word(bytes, 0x5c) & COMPAT_JOURNAL != 0).then(|| word(bytes, 0xe0)),
            first_block: word(bytes, 0x14),
            blocks_per_group: word(bytes, 0x20),
            first_meta_group: if incompat & INCOMPAT_META_BG != 0 {
                word(bytes, 0x104)
            } else {
                u32::MAX
            },
            copies: if word(bytes, 0x5c) & COMPAT_SPARSE_SUPER2 != 0 {
                Some(Copies::These([word(bytes, 0x24c), word(bytes, 0x250)]))
            } else {
                (ro_compat & RO_SPARSE_SUPER != 0).then_some(Copies::Powers)
            },
        };
        if found.shift > 16 {
            return bad("block size");
        }
        let block = 1_u32 << found.shift;
        if !found.inode_size.is_power_of_two() || !(128..=block).contains(&found.inode_size) {
            return bad("inode size");
        }
        let descriptor = if wide { 64..=1024 } else { 32..=32 };
        if !descriptor.contains(&found.descriptor_size) || !found.descriptor_size.is_power_of_two()
        {
            return bad("size of group descriptors");
        }
        if found.inodes_per_group == 0 || found.blocks_per_group == 0 {
            return bad("size of groups");
        }
        Ok(Some(found))
    }

    /// Returns where the descriptor of a group is: its block, and the offset in it.
    pub fn descriptor(&self, group: u32) -> (u32, u32) {
        let in_block = (1 << self.shift) / self.descriptor_size;
        let table = group / in_block;
        // The block of the superblock itself, which is not the first where blocks are small.
        let own = u32::from(self.shift == 10);
        let (start, behind) = if table < self.first_meta_group {
            (own + 1, table)
        } else {
            // A group of groups has its descriptors in its first one.
            let first = table.saturating_mul(in_block);
            let odd = first == 0 && own == 1 && self.first_block == 0;
            let start = first.saturating_mul(self.blocks_per_group);
            (
                start.saturating_add(self.first_block),
                u32::from(self.has_copy(first)) + u32::from(odd),
            )
        };
        let within = group % in_block * self.descriptor_size;
        (start.saturating_add(behind), within)
    }

    /// Tells whether a group begins with a copy of the superblock.
    fn has_copy(&self, group: u32) -> bool {
        let power = |base: u32| {
            let mut rest = group;
            while rest.is_multiple_of(base) {
                rest /= base;
            }
            rest == 1
        };
        match self.copies {
            _ if group == 0 => true,
            None => true,
            Some(Copies::These(groups)) => groups.contains(&group),
            Some(Copies::Powers) => power(3) || power(5) || power(7),
        }
    }
}
