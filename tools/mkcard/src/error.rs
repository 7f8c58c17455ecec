//! Why a card cannot be made.

use std::{fmt, io, path::PathBuf};

/// Why a card cannot be made.
#[derive(Debug)]
pub enum Error {
    /// The card has no room for the partition, is not whole sectors, or is more than an MBR can
    /// say.
    Size {
        /// Bytes asked for.
        size: u64,
    },
    /// A line of a recipe; 0 for the recipe as a whole.
    Recipe {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
    /// Two files of one name; FAT does not tell upper from lower case.
    Twice {
        /// The name.
        name: String,
    },
    /// Bytes outside any file that lie over something else.
    Raw {
        /// First byte on the card.
        offset: u64,
        /// First byte behind them.
        end: u64,
    },
    /// The file system: label, names, room.
    FileSystem {
        /// What was being done.
        what: &'static str,
        /// hadris-fat's words.
        why: String,
    },
    /// A host file.
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The command line.
    Usage(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size { size } => write!(
                f,
                "a card of {size} bytes: it must be whole sectors, more than 1 MiB and less \
                 than 2 TiB"
            ),
            Self::Recipe { line: 0, why } => write!(f, "the recipe has {why}"),
            Self::Recipe { line, why } => write!(f, "line {line}: {why}"),
            Self::Twice { name } => write!(f, "two files named {name}"),
            Self::Raw { offset, end } => write!(
                f,
                "bytes {offset:#x} to {end:#x} of the card hold something else: raw files lie \
                 between the partition table, the partition at 1 MiB, and each other"
            ),
            Self::FileSystem { what, why } => write!(f, "{what}: {why}"),
            Self::Io { path, error } => write!(f, "{}: {error}", path.display()),
            Self::Usage(why) => f.write_str(why),
        }
    }
}

impl std::error::Error for Error {}
