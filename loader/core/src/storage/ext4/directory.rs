//! Directories: blocks of names. A tree of hashes is passed over, which a directory can be read
//! without.

use alloc::{string::String, vec::Vec};

use super::{
    Ext4Error, Ext4Volume, StorageError,
    checksum::crc32c,
    half,
    inode::{Inode, Kind, MAP},
    superblock::{INCOMPAT_FILETYPE, Sums},
    word,
};
use crate::storage::{
    Entry,
    blocks::{read_bytes, zeroed},
    file::read_extents,
};

/// Bytes of a directory that are read at once.
const PIECE: u64 = 32 << 10;
/// Bytes that a directory can have: a million names.
const MAX_DIRECTORY: u64 = 64 << 20;
/// Entries that are listed.
const MAX_LISTED: usize = 8192;
/// Bytes of the entry at a block's end that holds its checksum.
const TAIL: usize = 12;

/// A name in a directory.
struct Name<'b> {
    inode: u32,
    /// What it is: 0 if the directory does not say.
    kind: u8,
    name: &'b [u8],
}

/// Looks at a name; says whether that was enough.
type Visit<'v> = dyn FnMut(&Name<'_>) -> bool + 'v;

impl Ext4Volume<'_> {
    /// Finds a name in a directory; returns its inode's number.
    pub(super) fn find(&mut self, dir: &Inode, name: &str) -> Result<Option<u32>, StorageError> {
        let mut found = None;
        self.visit(dir, &mut |entry| {
            if entry.name == name.as_bytes() {
                found = Some(entry.inode);
            }
            found.is_some()
        })?;
        Ok(found)
    }

    /// Lists a directory.
    pub(super) fn entries(&mut self, dir: &Inode) -> Result<Vec<Entry>, StorageError> {
        let mut inodes: Vec<u32> = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        let mut all = true;
        self.visit(dir, &mut |entry| {
            if matches!(entry.name, b"." | b"..") {
                return false;
            }
            all = entries.len() < MAX_LISTED;
            let name = String::from_utf8_lossy(entry.name).into_owned();
            let (directory, link) = (entry.kind == 2, entry.kind == 7);
            // What the name says enough of needs no look at the inode.
            inodes.push(if directory || link { 0 } else { entry.inode });
            entries.push(Entry {
                name,
                size: 0,
                directory,
                link,
            });
            !all
        })?;
        if !all {
            return Err(Ext4Error::TooManyEntries.into());
        }
        let unknown = inodes.iter().zip(&mut entries);
        for (inode, entry) in unknown.filter(|(inode, _)| **inode != 0) {
            let inode = self.inode(*inode)?;
            entry.directory = inode.kind == Kind::Directory;
            entry.link = inode.kind == Kind::Link;
            if inode.kind == Kind::File {
                entry.size = inode.size;
            }
        }
        Ok(entries)
    }

    /// Shows each name to `visit`, until that has enough.
    fn visit(&mut self, dir: &Inode, visit: &mut Visit<'_>) -> Result<(), StorageError> {
        let typed = self.superblock.incompat & INCOMPAT_FILETYPE != 0;
        let damaged = Ext4Error::Damaged("directory", dir.number.into());
        if dir.size > MAX_DIRECTORY {
            return Err(damaged.into());
        }
        let extents = self.extents(dir)?;
        if dir.is_inline() {
            let mut bytes = zeroed(usize::try_from(dir.size).unwrap_or(0))?;
            read_extents(self.device, &extents, 0, &mut bytes)?;
            let (first, second) = bytes.split_at(bytes.len().min(MAP));
            // In front, the directory above.
            for part in [first.get(4..).unwrap_or_default(), second] {
                if visit_block(part, typed, damaged, visit)? {
                    break;
                }
            }
            return Ok(());
        }
        let size = self.block_size();
        let mut buffer: Vec<u8> = Vec::new();
        let mut first = true;
        for extent in extents {
            if extent.is_hole() {
                return Err(damaged.into());
            }
            let mut done = 0;
            while done < extent.length {
                let length = (extent.length - done).min(PIECE.max(size as u64));
                let length = usize::try_from(length).unwrap_or(0);
                if buffer.len() < length {
                    buffer = zeroed(length)?;
                }
                let piece = buffer.get_mut(..length).unwrap_or_default();
                read_bytes(self.device, extent.offset + done, piece)?;
                for block in piece.chunks_exact(size) {
                    if self.superblock.sums == Sums::All && !is_whole(block, dir, first) {
                        let at = (extent.offset + done - self.base) >> self.superblock.shift;
                        return Err(Ext4Error::Checksum("directory block", at).into());
                    }
                    first = false;
                    if visit_block(block, typed, damaged, visit)? {
                        return Ok(());
                    }
                    done += size as u64;
                }
            }
        }
        Ok(())
    }
}

/// Checks the checksum of a directory's block.
fn is_whole(block: &[u8], dir: &Inode, first: bool) -> bool {
    // In a tree, the first block is the root: `.`, `..` and eight bytes are before its entries. Other
    // blocks of the tree look like one empty entry.
    let entries = if !dir.has_index() {
        None
    } else if first {
        Some(0x20)
    } else {
        (word(block, 0) == 0 && length_of(block, block.len()) == block.len()).then_some(8)
    };
    let Some(entries) = entries else {
        let end = block.len().saturating_sub(TAIL);
        let summed = block.get(..end).unwrap_or_default();
        // An entry without a name, of type 0xde.
        return word(block, end) == 0
            && word(block, end + 4) == 0xde00_000c
            && crc32c(dir.seed, summed) == word(block, end + 8);
    };
    let limit = usize::from(half(block, entries));
    let count = usize::from(half(block, entries + 2));
    let tail = entries + limit * 8;
    let summed = block.get(..entries + count * 8);
    let Some((summed, tail)) = summed.zip(block.get(tail..tail + 8)) else {
        return false;
    };
    let sum = crc32c(dir.seed, summed);
    let sum = crc32c(sum, tail.get(..4).unwrap_or_default());
    crc32c(sum, &[0; 4]) == word(tail, 4)
}

/// Returns the length of an entry in a block of `size` bytes.
fn length_of(entry: &[u8], size: usize) -> usize {
    match usize::from(half(entry, 4)) {
        0 | 0xffff if size == 1 << 16 => size,
        length => length,
    }
}

/// Visits the names in a block. Returns whether that was enough.
fn visit_block(
    block: &[u8],
    typed: bool,
    damaged: Ext4Error,
    visit: &mut Visit<'_>,
) -> Result<bool, StorageError> {
    let mut rest = block;
    while !rest.is_empty() {
        let length = length_of(rest, block.len());
        let (Some(entry), true) = (rest.get(..length), length >= 8) else {
            return Err(damaged.into());
        };
        // The length of a name once had two bytes.
        let (named, kind) = match half(entry, 6).to_le_bytes() {
            [named, kind] if typed => (usize::from(named), kind & 7),
            [low, high] => (usize::from(u16::from_le_bytes([low, high])), 0),
        };
        let inode = word(entry, 0);
        if inode != 0 {
            let name = entry.get(8..8 + named).ok_or(damaged)?;
            if visit(&Name { inode, kind, name }) {
                return Ok(true);
            }
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(false)
}
