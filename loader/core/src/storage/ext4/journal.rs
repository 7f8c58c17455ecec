//! What an unclean journal holds: blocks whose newest state is in the journal alone, since power
//! was lost before they were in place. They are read from there; nothing is written.
//!
//! Block formats are those of the kernel's Documentation/filesystems/ext4/journal.rst; numbers are
//! big-endian.

use alloc::vec::Vec;

use super::{
    Ext4Error, Ext4Volume, StorageError, StorageProblem,
    checksum::crc32c,
    inode::{Inode, Kind},
};
use crate::storage::Extent;

/// What every block of the journal's own begins with.
const MAGIC: u32 = 0xc03b_3998;
const DESCRIPTOR: u32 = 1;
const COMMIT: u32 = 2;
const SUPERBLOCKS: core::ops::RangeInclusive<u32> = 3..=4;
const REVOKE: u32 = 5;

const INCOMPAT_64BIT: u32 = 0x2;
const INCOMPAT_CSUM_V2: u32 = 0x8;
const INCOMPAT_CSUM_V3: u32 = 0x10;
/// Those, and: revoke, async_commit. Of fast_commit, what is behind the last full commit is left
/// out, as if power had been lost before.
const INCOMPAT_KNOWN: u32 = 0x3f;

/// The block began with the magic number, and zeros are in its place.
const TAG_ESCAPED: u16 = 0x1;
/// No UUID follows the tag.
const TAG_SAME_UUID: u16 = 0x2;
/// The descriptor's last tag.
const TAG_LAST: u16 = 0x8;

/// Blocks that are remembered: more than a journal of 256 MiB holds.
const MAX_MOVED: usize = 1 << 16;

/// Blocks of the journal's own that are looked at.
const MAX_HEADS: u32 = 1 << 16;

/// A block whose newest state is in the journal.
struct Moved {
    block: u32,
    place: u32,
    sequence: u32,
    escaped: bool,
}

/// What is in the journal and nowhere else.
#[derive(Default)]
pub struct Replay(Vec<Moved>);

/// The journal's superblock, and where its blocks are.
struct Journal {
    extents: Vec<Extent>,
    incompat: u32,
    seed: u32,
    length: u32,
    first: u32,
}

fn bad(what: &'static str) -> StorageError {
    Ext4Error::Journal(what).into()
}

/// Reads a big-endian number; 0 behind the end.
fn word(bytes: &[u8], at: usize) -> u32 {
    super::word(bytes, at).swap_bytes()
}

impl Replay {
    /// Returns where a run of blocks is: its first block, how many from there on lie side by side
    /// (not more than `count`), and whether it is escaped.
    pub fn place(&self, block: u32, count: u32) -> (u32, u32, bool) {
        // The newest is last.
        if let Some(found) = self.0.iter().rev().find(|moved| moved.block == block) {
            return (found.place, count.min(1), found.escaped);
        }
        let ahead = self
            .0
            .iter()
            .filter_map(|moved| moved.block.checked_sub(block));
        (block, ahead.fold(count, u32::min), false)
    }

    /// Gives a block of the journal the bytes back that the magic number's place took.
    pub fn restore(bytes: &mut [u8]) {
        if let Some(first) = bytes.first_chunk_mut() {
            *first = MAGIC.to_be_bytes();
        }
    }
}

impl Ext4Volume<'_> {
    /// Looks through the journal.
    pub(super) fn replay(&mut self) -> Result<Replay, StorageError> {
        let inode = match self.superblock.journal {
            None => return Ok(Replay::default()),
            Some(0) => return Err(bad("is on another device")),
            Some(number) => self.inode(number)?,
        };
        if inode.kind != Kind::File {
            return Err(bad("is no file"));
        }
        let (journal, start, sequence) = self.journal(&inode)?;
        let mut moved: Vec<Moved> = Vec::new();
        let mut revoked: Vec<(u32, u32)> = Vec::new();
        let mut committed = (0, 0);
        let mut sequence = sequence;
        let mut at = start;
        // Every block is looked at once at most.
        let mut left = journal.length;
        let mut budget = MAX_HEADS;
        while at != 0 && left > 0 {
            budget = match budget.checked_sub(1) {
                Some(budget) => budget,
                None => return Err(bad("is too long")),
            };
            let mut block = self.journal_block(&journal, at)?;
            let kind = word(&block, 4);
            if word(&block, 0) != MAGIC || word(&block, 8) != sequence {
                break;
            }
            let before = at;
            match kind {
                DESCRIPTOR if journal.is_whole(&mut block, None) => {
                    at = self.descriptor(&journal, &block, at, sequence, &mut moved)?;
                }
                COMMIT if journal.is_whole(&mut block, Some(16)) => {
                    committed = (moved.len(), revoked.len());
                    sequence = sequence.wrapping_add(1);
                }
                REVOKE if journal.is_whole(&mut block, None) => {
                    journal.revoke(&block, sequence, &mut revoked)?;
                }
                _ => break,
            }
            let used = journal.distance(before, at) + 1;
            left = left.saturating_sub(used);
            at = journal.next(at);
        }
        moved.truncate(committed.0);
        revoked.truncate(committed.1);
        moved.retain(|moved| {
            let mut revoked = revoked.iter().filter(|(block, _)| *block == moved.block);
            // Sequence numbers wrap.
            revoked.all(|(_, at)| moved.sequence.wrapping_sub(*at).wrapping_sub(1) < 1 << 31)
        });
        Ok(Replay(moved))
    }

    /// Reads the journal's superblock; also returns where it starts, 0 for nowhere, and with which
    /// sequence number.
    fn journal(&mut self, inode: &Inode) -> Result<(Journal, u32, u32), StorageError> {
        let extents = self.extents(inode)?;
        let mut journal = Journal {
            extents,
            incompat: 0,
            seed: 0,
            length: 1,
            first: 1,
        };
        let mut head = self.journal_block(&journal, 0)?;
        let kind = word(&head, 4);
        if word(&head, 0) != MAGIC || !SUPERBLOCKS.contains(&kind) {
            return Err(bad("has no superblock"));
        }
        if kind > *SUPERBLOCKS.start() {
            journal.incompat = word(&head, 0x28);
            journal.seed = crc32c(!0, head.get(0x30..0x40).unwrap_or_default());
        }
        if journal.incompat & !INCOMPAT_KNOWN != 0 {
            return Err(bad("has features that are not known"));
        }
        let own = head.get_mut(..1024).unwrap_or_default();
        if journal.has_sums() {
            let sum = word(own, 0xfc);
            own.get_mut(0xfc..0x100).unwrap_or_default().fill(0);
            if crc32c(!0, own) != sum {
                return Err(Ext4Error::Checksum("journal's superblock", 0).into());
            }
        }
        journal.length = word(own, 0x10);
        journal.first = word(own, 0x14);
        let start = word(own, 0x1c);
        let held = inode.size >> self.superblock.shift;
        let fits = u64::from(journal.length) <= held && journal.first < journal.length;
        if word(own, 0xc) != 1 << self.superblock.shift || !fits || start >= journal.length {
            return Err(bad("has a superblock that cannot be right"));
        }
        Ok((journal, start, word(own, 0x18)))
    }

    /// Returns which block of the volume a block of the journal is.
    fn journal_place(&self, journal: &Journal, at: u32) -> Result<u32, StorageError> {
        let mut rest = u64::from(at) << self.superblock.shift;
        for extent in &journal.extents {
            match rest.checked_sub(extent.length) {
                Some(more) => rest = more,
                None if extent.is_hole() => break,
                None => {
                    let block = (extent.offset - self.base + rest) >> self.superblock.shift;
                    return Ok(u32::try_from(block).unwrap_or(0));
                }
            }
        }
        Err(bad("has a hole"))
    }

    fn journal_block(&mut self, journal: &Journal, at: u32) -> Result<Vec<u8>, StorageError> {
        self.node(self.journal_place(journal, at)?)
    }

    /// Notes the blocks that follow the descriptor at `at`; returns where the last one is.
    fn descriptor(
        &self,
        journal: &Journal,
        block: &[u8],
        at: u32,
        sequence: u32,
        moved: &mut Vec<Moved>,
    ) -> Result<u32, StorageError> {
        let wide = journal.incompat & INCOMPAT_64BIT != 0;
        let size = match journal.incompat & (INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3) {
            0 => 8 + 4 * usize::from(wide),
            INCOMPAT_CSUM_V2 => 10 + 4 * usize::from(wide),
            _ => 16,
        };
        // A checksum is at the end.
        let end = block.len() - 4 * usize::from(journal.has_sums());
        let mut rest = block.get(12..end).unwrap_or_default();
        let mut at = at;
        while let Some(tag) = rest.get(..size) {
            // Version 3 has flags of 32 bits: where the others have a checksum, they have zeros.
            let flags = u16::from_be_bytes([tag.get(6), tag.get(7)].map(|b| *b.unwrap_or(&0)));
            at = journal.next(at);
            if moved.len() >= MAX_MOVED || moved.try_reserve(1).is_err() {
                return Err(StorageProblem::OutOfMemory(size_of::<Moved>() * moved.len()).into());
            }
            // No block that is asked for has a number of more bits than 32.
            let far = wide && word(tag, 8) != 0;
            moved.push(Moved {
                block: if far { 0 } else { word(tag, 0) },
                place: self.journal_place(journal, at)?,
                sequence,
                escaped: flags & TAG_ESCAPED != 0,
            });
            if flags & TAG_LAST != 0 {
                break;
            }
            let uuid = if flags & TAG_SAME_UUID == 0 { 16 } else { 0 };
            rest = rest.get(size + uuid..).unwrap_or_default();
        }
        Ok(at)
    }
}

impl Journal {
    fn has_sums(&self) -> bool {
        self.incompat & (INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3) != 0
    }

    /// Returns the place behind `at`: the end is followed by the beginning.
    fn next(&self, at: u32) -> u32 {
        match at + 1 {
            next if next >= self.length => self.first,
            next => next,
        }
    }

    /// Counts the blocks from one place to another.
    fn distance(&self, from: u32, to: u32) -> u32 {
        match to.checked_sub(from) {
            Some(distance) => distance,
            None => self.length - from + to - self.first,
        }
    }

    /// Checks the checksum in a block, at its end if not elsewhere; it is cleared.
    fn is_whole(&self, block: &mut [u8], at: Option<usize>) -> bool {
        if !self.has_sums() {
            return true;
        }
        let at = at.unwrap_or(block.len().saturating_sub(4));
        let sum = word(block, at);
        block.get_mut(at..at + 4).unwrap_or_default().fill(0);
        crc32c(self.seed, block) == sum
    }

    /// Notes the blocks whose earlier states are void.
    fn revoke(
        &self,
        block: &[u8],
        sequence: u32,
        revoked: &mut Vec<(u32, u32)>,
    ) -> Result<(), StorageError> {
        let used = usize::try_from(word(block, 12)).unwrap_or(0).max(16);
        let entries = block.get(16..used).unwrap_or_default();
        let size = if self.incompat & INCOMPAT_64BIT != 0 {
            8
        } else {
            4
        };
        for entry in entries.chunks_exact(size) {
            if revoked.len() >= MAX_MOVED || revoked.try_reserve(1).is_err() {
                return Err(StorageProblem::OutOfMemory(8 * revoked.len()).into());
            }
            revoked.push((word(entry, size - 4), sequence));
        }
        Ok(())
    }
}
