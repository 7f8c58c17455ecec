//! Why a tree was refused or an edit failed.

use alloc::string::String;
use core::fmt;

use fdt_rs::error::DevTreeError;

/// What is wrong with the structure block; the offset is from the blob's start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structure {
    /// The block ends inside a token.
    Truncated,
    /// No such token.
    Token(u32),
    /// The first token is not the root's, or something follows the root.
    Root,
    /// A node's name is empty, too long for the block, or has a character that none may have.
    NodeName,
    /// More than 64 nodes inside each other.
    Depth,
    /// A property stands behind a subnode, or outside any node.
    MisplacedProperty,
    /// A property's value of this many bytes leaves the block.
    PropertyLength(u32),
    /// A property's name offset leaves the strings block.
    PropertyName(u32),
    /// More nodes end than began.
    Unbalanced,
}

/// Why a tree was refused or an edit failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeError {
    /// Not even a header.
    TooShort {
        /// Bytes there are.
        length: usize,
        /// Bytes there should be.
        needed: usize,
    },
    /// The blob does not start with 0xd00dfeed.
    BadMagic(u32),
    /// A format we cannot read.
    Version {
        /// `version`.
        version: u32,
        /// `last_comp_version`.
        last_compatible: u32,
    },
    /// A header field that leaves the blob, or is not aligned.
    Header {
        /// The field, in the specification's words.
        field: &'static str,
        /// Its value.
        value: u32,
    },
    /// The memory reservation block has no end inside the blob.
    ReserveMap {
        /// Where it starts.
        offset: u32,
    },
    /// A property name in the strings block is not ASCII, or none of it is terminated.
    Strings,
    /// The structure block is broken.
    Structure {
        /// Bytes from the blob's start.
        offset: usize,
        /// What is wrong there.
        what: Structure,
    },
    /// A property that matters has a value that makes no sense.
    Value {
        /// The node, as far as it is known.
        node: &'static str,
        /// The property.
        property: &'static str,
        /// Bytes in its value.
        length: usize,
    },
    /// More memory banks than we can hold.
    TooManyBanks(usize),
    /// fdt-rs does not read a blob that our check accepted.
    Reader(DevTreeError),
    /// There is no such node.
    NoNode(String),
    /// There is no such property.
    NoProperty {
        /// The node's path.
        path: String,
        /// The property.
        name: String,
    },
    /// There is such a node already.
    NodeExists(String),
    /// Not a name for a node or a property.
    BadName(String),
    /// The root cannot be removed.
    RemoveRoot,
    /// An address or a size does not fit the tree's cells.
    CellWidth {
        /// The number.
        value: u64,
        /// How many 32-bit cells there are for it.
        cells: u32,
    },
    /// The tree does not fit where it should be written.
    NoRoom {
        /// Bytes it needs.
        needed: usize,
        /// Bytes there are.
        room: usize,
    },
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the structure block ends too early"),
            Self::Token(token) => write!(f, "{token:#x} is not a token"),
            Self::Root => f.write_str("there must be one root node and then FDT_END"),
            Self::NodeName => f.write_str("bad node name"),
            Self::Depth => f.write_str("more than 64 nodes inside each other"),
            Self::MisplacedProperty => f.write_str("a property must stand before all subnodes"),
            Self::PropertyLength(length) => {
                write!(f, "a value of {length:#x} bytes leaves the structure block")
            }
            Self::PropertyName(offset) => {
                write!(f, "name offset {offset:#x} leaves the strings block")
            }
            Self::Unbalanced => f.write_str("a node ends that never began"),
        }
    }
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { length, needed } => {
                write!(f, "no device tree: {length:#x} bytes, not {needed:#x}")
            }
            Self::BadMagic(found) => {
                write!(f, "no device tree: magic is {found:#010x}, not 0xd00dfeed")
            }
            Self::Version {
                version,
                last_compatible,
            } => write!(
                f,
                "device tree version {version} (compatible with {last_compatible}), not 17"
            ),
            Self::Header { field, value } => {
                write!(f, "bad device tree header: {field} is {value:#x}")
            }
            Self::ReserveMap { offset } => {
                write!(f, "the memory reservation block at {offset:#x} has no end")
            }
            Self::Strings => f.write_str("bad device tree: property names are not ASCII strings"),
            Self::Structure { offset, what } => {
                write!(f, "bad device tree at offset {offset:#x}: {what}")
            }
            Self::Value {
                node,
                property,
                length,
            } => write!(f, "{node}: {property} of {length} bytes makes no sense"),
            Self::TooManyBanks(most) => write!(f, "more than {most} memory banks"),
            Self::Reader(error) => write!(f, "fdt-rs: {error}"),
            Self::NoNode(path) => write!(f, "no such node: {path}"),
            Self::NoProperty { path, name } => write!(f, "no such property: {path} {name}"),
            Self::NodeExists(path) => write!(f, "node exists: {path}"),
            Self::BadName(name) => write!(f, "\"{name}\" cannot be a name"),
            Self::RemoveRoot => f.write_str("the root node cannot be removed"),
            Self::CellWidth { value, cells } => {
                write!(f, "{value:#x} does not fit {cells} cell(s)")
            }
            Self::NoRoom { needed, room } => {
                write!(f, "the device tree needs {needed:#x} bytes, not {room:#x}")
            }
        }
    }
}

impl core::error::Error for TreeError {}

impl From<DevTreeError> for TreeError {
    fn from(error: DevTreeError) -> Self {
        Self::Reader(error)
    }
}
