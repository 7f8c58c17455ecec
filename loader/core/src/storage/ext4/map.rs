//! Where a file's blocks are: trees of extents, or ext2's maps of blocks.

use alloc::vec::Vec;

use super::{
    Ext4Error, Ext4Volume, StorageError, StorageProblem,
    checksum::crc32c,
    half,
    inode::{Inode, MAP, MAP_OFFSET},
    superblock::Sums,
    word,
};
use crate::storage::Extent;

/// Pieces of a file that are kept, as for FAT.
const MAX_EXTENTS: usize = 1 << 16;
/// Blocks of a map that are read for one file: as many entries as no file on a card has.
const MAX_NODES: u32 = 1 << 14;
/// Bytes in an entry of an extent tree, and in the header before them.
const ENTRY: usize = 12;
/// The magic number of an extent tree's block.
const MAGIC: u16 = 0xf30a;
/// Levels of an extent tree below the root.
const MAX_DEPTH: u16 = 5;
/// Lengths above are of blocks that were given to the file and never written: they read as zeros.
const UNWRITTEN: u16 = 0x8000;
/// Where blocks are that are nowhere: ext2's own word for it.
const HOLE: u32 = 0;
/// Blocks that an inode of ext2 names itself.
const DIRECT: usize = 12;

/// A file's pieces, as far as they are known.
struct Pieces {
    /// Which file's.
    inode: u32,
    extents: Vec<Extent>,
    /// Blocks of the file that are known.
    done: u32,
    /// Blocks that its size takes.
    needed: u32,
    /// Blocks of the map that may still be read.
    nodes: u32,
}

impl Pieces {
    /// Counts a block of the map.
    fn count_node(&mut self) -> Result<(), StorageError> {
        self.nodes = self.nodes.checked_sub(1).ok_or(Ext4Error::TooFragmented)?;
        Ok(())
    }

    fn is_done(&self) -> bool {
        self.done >= self.needed
    }

    /// Adds what is at `offset` of the device, or a hole.
    fn push(&mut self, offset: u64, length: u64) -> Result<(), StorageError> {
        let last = self.extents.last_mut();
        if let Some(last) = last
            && (last.is_hole() && offset == Extent::HOLE
                || !last.is_hole() && last.offset.checked_add(last.length) == Some(offset))
        {
            last.length = last.length.saturating_add(length);
            return Ok(());
        }
        if self.extents.len() >= MAX_EXTENTS {
            return Err(Ext4Error::TooFragmented.into());
        }
        let bytes = (self.extents.len() + 1) * size_of::<Extent>();
        self.extents
            .try_reserve(1)
            .map_err(|_| StorageProblem::OutOfMemory(bytes))?;
        self.extents.push(Extent { offset, length });
        Ok(())
    }
}

impl Ext4Volume<'_> {
    /// Returns where a file's bytes are on the device, in order; holes among them.
    pub(super) fn extents(&mut self, inode: &Inode) -> Result<Vec<Extent>, StorageError> {
        // A block's number in a file has 32 bits.
        let blocks = inode.size.div_ceil(self.block_size() as u64);
        let needed = u32::try_from(blocks)
            .map_err(|_| Ext4Error::Damaged("size of inode", inode.number.into()))?;
        let mut pieces = Pieces {
            inode: inode.number,
            extents: Vec::new(),
            done: 0,
            needed,
            nodes: MAX_NODES,
        };
        if inode.is_inline() {
            self.add_inline(inode, &mut pieces)?;
            return Ok(pieces.extents);
        }
        if inode.has_extents() {
            self.add_tree(&inode.map, None, &mut pieces, inode.seed)?;
        } else {
            for (index, pointer) in inode.map.as_chunks::<4>().0.iter().enumerate() {
                let depth = u32::try_from((index + 1).saturating_sub(DIRECT)).unwrap_or(0);
                self.add_branch(u32::from_le_bytes(*pointer), depth, &mut pieces)?;
            }
        }
        self.add(&mut pieces, needed, HOLE, 0)?;
        Ok(pieces.extents)
    }

    /// Adds data that is in the inode itself.
    fn add_inline(&self, inode: &Inode, pieces: &mut Pieces) -> Result<(), StorageError> {
        let at = inode.at;
        let first = inode.size.min(MAP as u64);
        let (offset, length) = inode.more;
        if inode.size - first > u64::from(length) {
            return Err(Ext4Error::Damaged("inline data of inode", inode.number.into()).into());
        }
        pieces.push(at + MAP_OFFSET as u64, first)?;
        pieces.push(at + u64::from(offset), inode.size - first)
    }

    /// Adds `count` blocks of the file from its block `logical` on, which are on the volume from
    /// `block` on, or a hole; and a hole before, if there is one.
    fn add(
        &self,
        pieces: &mut Pieces,
        logical: u32,
        block: u32,
        count: u32,
    ) -> Result<(), StorageError> {
        let bytes = |count: u32| u64::from(count) << self.superblock.shift;
        let Some(gap) = logical.min(pieces.needed).checked_sub(pieces.done) else {
            // Also what an index that leads back comes to.
            let error = Ext4Error::Damaged("order of extents of inode", pieces.inode.into());
            return Err(error.into());
        };
        if gap > 0 {
            pieces.push(Extent::HOLE, bytes(gap))?;
            pieces.done += gap;
        }
        // What is behind the end was given to the file for later.
        let mut rest = count.min(pieces.needed - pieces.done);
        let mut block = block;
        while rest > 0 {
            let (offset, count) = match block {
                HOLE => (Extent::HOLE, rest),
                _ => match self.place(block, rest)? {
                    (_, _, true) => return Err(Ext4Error::Journal("has an escaped block").into()),
                    (place, count, _) => (self.offset(place), count),
                },
            };
            pieces.push(offset, bytes(count))?;
            pieces.done += count;
            rest -= count;
            if block != HOLE {
                block += count;
            }
        }
        Ok(())
    }

    /// Adds the extents of a tree's block and of those below it. `depth` is how many levels there
    /// must be; the root says it itself.
    fn add_tree(
        &mut self,
        bytes: &[u8],
        depth: Option<u16>,
        pieces: &mut Pieces,
        seed: u32,
    ) -> Result<(), StorageError> {
        let damaged = Ext4Error::Damaged("extent tree of inode", pieces.inode.into());
        let levels = half(bytes, 6);
        let count = usize::from(half(bytes, 2));
        let entries = bytes.get(ENTRY..ENTRY * (count + 1));
        let right = match depth {
            Some(depth) => levels == depth,
            None => levels <= MAX_DEPTH,
        };
        let Some(entries) = entries.filter(|_| right && half(bytes, 0) == MAGIC) else {
            return Err(damaged.into());
        };
        for entry in entries.as_chunks::<ENTRY>().0 {
            if pieces.is_done() {
                break;
            }
            let Some(below) = levels.checked_sub(1) else {
                let (block, length) = match (word(entry, 8), half(entry, 4)) {
                    (HOLE, _) | (_, 0) => return Err(damaged.into()),
                    (_, length) if half(entry, 6) != 0 => (u32::MAX, length),
                    (block, length @ ..=UNWRITTEN) => (block, length),
                    (_, length) => (HOLE, length - UNWRITTEN),
                };
                self.add(pieces, word(entry, 0), block, length.into())?;
                continue;
            };
            let block = word(entry, 4);
            if half(entry, 8) != 0 {
                return Err(damaged.into());
            }
            pieces.count_node()?;
            let node = self.node(block)?;
            if self.superblock.sums == Sums::All {
                let end = ENTRY * (usize::from(half(&node, 4)) + 1);
                let summed = node.get(..end).unwrap_or_default();
                if crc32c(seed, summed) != word(&node, end) {
                    return Err(Ext4Error::Checksum("extent block", block.into()).into());
                }
            }
            self.add_tree(&node, Some(below), pieces, seed)?;
        }
        Ok(())
    }

    /// Adds a block of a map, or the blocks that a block of pointers names, `depth` levels below.
    fn add_branch(
        &mut self,
        pointer: u32,
        depth: u32,
        pieces: &mut Pieces,
    ) -> Result<(), StorageError> {
        if pieces.is_done() {
            return Ok(());
        }
        let Some(below) = depth.checked_sub(1).filter(|_| pointer != 0) else {
            // All that the file still has, where the span has more than 32 bits.
            let bits = (self.superblock.shift - 2) * depth;
            let span = 1_u32.checked_shl(bits).unwrap_or(u32::MAX);
            return self.add(pieces, pieces.done, pointer, span);
        };
        pieces.count_node()?;
        let node = self.node(pointer)?;
        let (mut rest, _) = node.as_chunks::<4>();
        while let Some(first) = rest.first() {
            let first = u32::from_le_bytes(*first);
            if below > 0 {
                self.add_branch(first, below, pieces)?;
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            // Blocks that lie side by side, or holes.
            let step = u32::from(first != 0);
            let mut expected = first;
            let run = rest.iter().take_while(|next| {
                let follows = u32::from_le_bytes(**next) == expected;
                expected = expected.wrapping_add(step);
                follows
            });
            let run = run.count();
            let count = u32::try_from(run).unwrap_or(0);
            self.add(pieces, pieces.done, first, count)?;
            rest = rest.get(run..).unwrap_or_default();
            if pieces.is_done() {
                break;
            }
        }
        Ok(())
    }
}
