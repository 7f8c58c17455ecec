//! Why storage failed.

use alloc::{boxed::Box, string::String};
use core::fmt;

use platform_api::BlockError;

/// Why storage failed. One pointer, since all of storage hands it on at each `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StorageError(Box<StorageProblem>);

/// What a [`StorageError`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StorageProblem {
    /// The disk failed.
    Block(BlockError),
    /// No such file or directory.
    Missing(String),
    /// The path leads to a directory where a file is wanted.
    IsDirectory(String),
    /// The path leads to, or through, a file where a directory is wanted.
    NotDirectory(String),
    /// Not `DEV[:PART]` in hexadecimal.
    BadDevice(String),
    /// No such disk.
    NoDisk {
        /// The interface asked for.
        interface: String,
        /// The number asked for.
        index: u32,
    },
    /// The partition table.
    Partition(PartitionError),
    /// A FAT file system, or none.
    Fat(FatError),
    /// An ext2, ext3 or ext4 file system.
    Ext4(Ext4Error),
    /// The file system is one that is read only.
    ReadOnly,
    /// A read past the end of a file.
    PastEnd {
        /// First byte asked for.
        offset: u64,
        /// How many.
        length: u64,
        /// Bytes in the file.
        size: u64,
    },
    /// The heap has no room for this many bytes.
    OutOfMemory(usize),
    /// There is such a file or directory already.
    Exists(String),
    /// The directory holds something.
    NotEmpty(String),
    /// Not a name that a FAT file can have.
    BadName(String),
    /// A file of so many bytes is more than FAT can hold.
    TooLarge(u64),
    /// Ctrl-C, before anything of the file system was changed.
    Interrupted,
}

/// Why a partition was not found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionError {
    /// The disk has no partition table.
    NoTable,
    /// No such partition.
    Missing(u32),
    /// The table has no partition that could hold files.
    Empty,
    /// A partition does not lie on the disk.
    Outside {
        /// Its number.
        number: u32,
        /// Its first block.
        first: u64,
        /// Its blocks.
        count: u64,
        /// Blocks on the disk.
        blocks: u64,
    },
    /// The chain of extended boot records is too long, or runs off; the block it led to.
    BadExtended(u64),
    /// The chain of extended boot records leads back to this block.
    Loop(u64),
    /// Two partitions have blocks in common.
    Overlap(u32, u32),
    /// Both GPT headers are damaged; what is wrong with the first.
    BadGpt(&'static str),
}

/// Why a FAT file system was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FatError {
    /// No FAT boot sector; what is wrong with it.
    NotFat(&'static str),
    /// The boot sector claims more than the partition has.
    TooLarge {
        /// Bytes claimed.
        claimed: u64,
        /// Bytes in the partition.
        held: u64,
    },
    /// A directory entry, or the boot sector, names a cluster that there is not.
    BadStart(u32),
    /// A link to a cluster that there is not.
    BadLink {
        /// The cluster with the link.
        cluster: u32,
        /// Where it leads.
        next: u32,
    },
    /// A link to a cluster that is marked bad.
    BadCluster {
        /// The cluster with the link.
        cluster: u32,
    },
    /// A file's chain ends before its size is reached.
    ShortChain {
        /// Clusters in the chain.
        clusters: u32,
        /// Clusters that its size takes.
        needed: u32,
    },
    /// A file's chain goes on after its size is reached.
    LongChain {
        /// Where it goes on.
        next: u32,
        /// Clusters that its size takes.
        needed: u32,
    },
    /// A chain leads back into itself, to this cluster.
    Loop(u32),
    /// A directory is longer than one can be.
    LongDirectory,
    /// A file is larger than the volume.
    FileTooLarge(u32),
    /// A file is in more pieces than are kept.
    TooFragmented,
    /// A directory has more entries than are listed.
    TooManyEntries,
    /// Not enough free clusters; nothing was changed.
    NoSpace {
        /// Clusters needed at once. A file that is replaced keeps its old ones until the new ones
        /// are written.
        needed: u32,
        /// Clusters free.
        free: u32,
        /// Bytes in a cluster.
        cluster: u32,
    },
    /// A directory has no room for another entry, and cannot grow.
    DirectoryFull,
}

/// Why an ext2, ext3 or ext4 file system was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ext4Error {
    /// Features that are not known, as bits of `feature_incompat`.
    Features(u32),
    /// What is wrong in the superblock.
    Superblock(&'static str),
    /// The superblock claims more than the partition has.
    TooLarge {
        /// Bytes claimed.
        claimed: u64,
        /// Bytes in the partition.
        held: u64,
    },
    /// A bad checksum: of what, and its number.
    Checksum(&'static str, u64),
    /// What cannot be right, and its number.
    Damaged(&'static str, u64),
    /// An inode that is encrypted.
    Encrypted(u32),
    /// An inode that is a device, a FIFO or a socket.
    Special(u32),
    /// What is wrong with the journal of a volume that was not unmounted.
    Journal(&'static str),
    /// A path leads through too many symbolic links; the one too many.
    Links(u32),
    /// A file is in more pieces than are kept.
    TooFragmented,
    /// A directory has more entries than are listed.
    TooManyEntries,
}

impl StorageError {
    /// Returns what happened.
    #[must_use]
    pub fn problem(&self) -> &StorageProblem {
        &self.0
    }
}

impl From<StorageProblem> for StorageError {
    #[cold]
    #[inline(never)]
    fn from(problem: StorageProblem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<BlockError> for StorageError {
    #[cold]
    fn from(error: BlockError) -> Self {
        StorageProblem::Block(error).into()
    }
}

impl From<PartitionError> for StorageError {
    #[cold]
    fn from(error: PartitionError) -> Self {
        StorageProblem::Partition(error).into()
    }
}

impl From<FatError> for StorageError {
    #[cold]
    fn from(error: FatError) -> Self {
        StorageProblem::Fat(error).into()
    }
}

impl From<Ext4Error> for StorageError {
    #[cold]
    fn from(error: Ext4Error) -> Self {
        StorageProblem::Ext4(error).into()
    }
}

impl fmt::Display for StorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for StorageProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(error) => error.fmt(f),
            Self::Missing(path) => write!(f, "no such file or directory: {path}"),
            Self::IsDirectory(path) => write!(f, "{path} is a directory"),
            Self::NotDirectory(path) => write!(f, "{path} is not a directory"),
            Self::BadDevice(text) => write!(f, "Bad device specification: \"{text}\""),
            Self::NoDisk { interface, index } => write!(f, "no disk {interface} {index:x}"),
            Self::Partition(error) => error.fmt(f),
            Self::Fat(error) => error.fmt(f),
            Self::Ext4(error) => error.fmt(f),
            Self::ReadOnly => f.write_str("ext4 is not written here; write to a FAT volume"),
            Self::PastEnd {
                offset,
                length,
                size,
            } => write!(
                f,
                "{length:#x} bytes from {offset:#x} on are not in the file, which has {size:#x}"
            ),
            Self::OutOfMemory(bytes) => write!(f, "the heap has no room for {bytes} bytes"),
            Self::Exists(path) => write!(f, "{path} is there already"),
            Self::NotEmpty(path) => write!(f, "{path} is not empty; remove what it holds first"),
            Self::BadName(name) => write!(f, "\"{name}\" cannot name a file on FAT"),
            Self::TooLarge(bytes) => write!(f, "no FAT file can have {bytes:#x} bytes"),
            Self::Interrupted => f.write_str("<INTERRUPT>"),
        }
    }
}

impl fmt::Display for PartitionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoTable => f.write_str("no partition table on the disk"),
            Self::Missing(number) => write!(f, "no partition {number:x} on the disk"),
            Self::Empty => f.write_str("no partition on the disk holds files"),
            Self::Outside {
                number,
                first,
                count,
                blocks,
            } => write!(
                f,
                "partition {number:x}, {count:#x} blocks from {first:#x} on, is not on the disk, \
                 which has {blocks:#x}"
            ),
            Self::BadExtended(block) => {
                write!(f, "broken chain of logical partitions at block {block:#x}")
            }
            Self::Loop(block) => {
                write!(f, "chain of logical partitions loops at block {block:#x}")
            }
            Self::Overlap(one, other) => write!(f, "partitions {one:x} and {other:x} overlap"),
            Self::BadGpt(what) => write!(f, "broken GPT: {what}"),
        }
    }
}

impl fmt::Display for FatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotFat(what) => write!(f, "no FAT file system: {what}; nor ext4"),
            Self::TooLarge { claimed, held } => write!(
                f,
                "FAT: claims {claimed:#x} bytes of a partition that has {held:#x}"
            ),
            Self::BadStart(cluster) => write!(f, "FAT: starts at cluster {cluster:#x}"),
            Self::BadLink { cluster, next } => {
                write!(f, "FAT: cluster {cluster:#x} links to cluster {next:#x}")
            }
            Self::BadCluster { cluster } => {
                write!(f, "FAT: cluster {cluster:#x} links to a bad cluster")
            }
            Self::ShortChain { clusters, needed } => write!(
                f,
                "FAT: the file has {clusters} clusters, its size takes {needed}"
            ),
            Self::LongChain { next, needed } => write!(
                f,
                "FAT: the file goes on at cluster {next:#x}, its size takes {needed} clusters"
            ),
            Self::Loop(cluster) => write!(f, "FAT: chain loops at cluster {cluster:#x}"),
            Self::LongDirectory => f.write_str("FAT: directory does not end"),
            Self::FileTooLarge(size) => {
                write!(f, "FAT: {size:#x} bytes are more than the volume has")
            }
            Self::TooFragmented => f.write_str("FAT: the file is in too many pieces"),
            Self::TooManyEntries => f.write_str("FAT: too many directory entries to list"),
            Self::NoSpace {
                needed,
                free,
                cluster,
            } => write!(
                f,
                "FAT: no space: {needed:#x} clusters of {cluster:#x} bytes are needed, {free:#x} \
                 are free; remove a file first"
            ),
            Self::DirectoryFull => {
                f.write_str("FAT: the directory is full; remove a file, or use another directory")
            }
        }
    }
}

impl fmt::Display for Ext4Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ext4: ")?;
        match *self {
            Self::Features(bits) => write!(f, "features {bits:#x} are not known"),
            Self::Superblock(what) => write!(f, "{what} in the superblock; run e2fsck"),
            Self::TooLarge { claimed, held } => {
                write!(
                    f,
                    "claims {claimed:#x} bytes of a partition that has {held:#x}"
                )
            }
            Self::Checksum(what, at) => write!(f, "bad checksum: {what} {at:#x}; run e2fsck"),
            Self::Damaged(what, at) => write!(f, "damaged: {what} {at:#x}; run e2fsck"),
            Self::Encrypted(inode) => write!(f, "inode {inode:#x} is encrypted"),
            Self::Special(inode) => write!(f, "inode {inode:#x} is neither file nor directory"),
            Self::Journal(what) => write!(f, "unclean, and its journal {what}; run e2fsck"),
            Self::Links(inode) => write!(f, "too many symbolic links, at inode {inode:#x}"),
            Self::TooFragmented => f.write_str("the file is in too many pieces"),
            Self::TooManyEntries => f.write_str("too many directory entries to list"),
        }
    }
}

impl core::error::Error for StorageError {}
impl core::error::Error for Ext4Error {}
impl core::error::Error for PartitionError {}
impl core::error::Error for FatError {}
