//! The device tree, read by the witness's own walker (Devicetree Specification v0.4, chapter 5).

mod edit;
mod facts;
mod node;

use core::fmt;

pub use facts::{Conduit, Gic, TreeFacts, Uart};
pub use node::{Children, Node, Properties, Property};

use crate::Range;

/// The first word of a flattened tree.
pub const MAGIC: u32 = 0xd00d_feed;

/// How deep nodes may nest: no real tree comes near.
const MAX_DEPTH: u32 = 16;

const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROPERTY: u32 = 3;
const NOP: u32 = 4;
const END: u32 = 9;

/// A tree whose header and structure were found sound.
#[derive(Clone, Copy, Debug)]
pub struct Tree<'a> {
    total_size: u32,
    boot_cpu: u32,
    reservations: &'a [u8],
    structure: &'a [u8],
    strings: &'a [u8],
}

/// What is wrong with a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TreeError {
    /// The first word is not [`MAGIC`].
    Magic(u32),
    /// The header promises more bytes than there are.
    Size(u32),
    /// The version is one nobody here can read.
    Version(u32),
    /// A block lies outside the tree, or is not aligned; its offset.
    Block(u32),
    /// The reservations do not end.
    Reservations,
    /// The structure breaks at this offset in its block.
    Structure(usize),
    /// There is more of something than the witness has room for.
    TooMany,
}

impl TreeError {
    /// Returns the offending value, and the word that names the error.
    pub fn parts(self) -> (u64, &'static str) {
        match self {
            Self::Magic(word) => (u64::from(word), "magic"),
            Self::Size(size) => (u64::from(size), "totalsize"),
            Self::Version(version) => (u64::from(version), "version"),
            Self::Block(offset) => (u64::from(offset), "block"),
            Self::Reservations => (0, "reservations"),
            Self::Structure(offset) => (offset as u64, "structure"),
            Self::TooMany => (0, "too-many"),
        }
    }
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (value, word) = self.parts();
        write!(f, "the tree's {word} is wrong ({value:#x})")
    }
}

impl core::error::Error for TreeError {}

/// Reads the big-endian word at `offset`.
fn word(bytes: &[u8], offset: usize) -> Option<u32> {
    let end = offset.checked_add(4)?;
    let bytes = bytes.get(offset..end)?;
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

/// Reads one or two cells as a number.
fn cells(bytes: &[u8]) -> Option<u64> {
    match bytes.len() {
        4 => word(bytes, 0).map(u64::from),
        8 => Some(u64::from(word(bytes, 0)?) << 32 | u64::from(word(bytes, 4)?)),
        _ => None,
    }
}

/// Borrows a block of the tree.
fn block(blob: &[u8], offset: u32, size: usize, alignment: u32) -> Result<&[u8], TreeError> {
    let bad = TreeError::Block(offset);
    if !offset.is_multiple_of(alignment) {
        return Err(bad);
    }
    let start = usize::try_from(offset).map_err(|_| bad)?;
    let end = start.checked_add(size).ok_or(bad)?;
    blob.get(start..end).ok_or(bad)
}

impl<'a> Tree<'a> {
    /// Reads the size a tree's first eight bytes promise.
    ///
    /// # Errors
    /// [`TreeError::Magic`] if they are no tree's.
    pub fn total_size(header: &[u8]) -> Result<u32, TreeError> {
        match (word(header, 0), word(header, 4)) {
            (Some(MAGIC), Some(size)) => Ok(size),
            (magic, _) => Err(TreeError::Magic(magic.unwrap_or(0))),
        }
    }

    /// Checks a tree: header, reservations, and every token of its structure.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(blob: &'a [u8]) -> Result<Self, TreeError> {
        let total_size = Self::total_size(blob)?;
        let field = |offset| word(blob, offset).ok_or(TreeError::Size(total_size));
        let blob =
            block(blob, 0, to_usize(total_size), 1).map_err(|_| TreeError::Size(total_size))?;
        let (version, compatible) = (field(20)?, field(24)?);
        if version < 17 || compatible > 17 {
            return Err(TreeError::Version(version));
        }
        let reservations = field(16)?;
        let rest = to_usize(total_size.saturating_sub(reservations));
        let tree = Self {
            total_size,
            boot_cpu: field(28)?,
            reservations: block(blob, reservations, rest, 8)?,
            structure: block(blob, field(8)?, to_usize(field(36)?), 4)?,
            strings: block(blob, field(12)?, to_usize(field(32)?), 1)?,
        };
        tree.check_reservations()?;
        tree.check_structure()?;
        Ok(tree)
    }

    /// Returns the header's `totalsize` in bytes.
    pub fn size(&self) -> u32 {
        self.total_size
    }

    /// Returns the header's `boot_cpuid_phys`.
    pub fn boot_cpu(&self) -> u32 {
        self.boot_cpu
    }

    /// Iterates over the memory reservation block, without its last, empty entry.
    pub fn reservations(&self) -> impl Iterator<Item = Range> + use<'a> {
        self.reservations
            .chunks_exact(16)
            .map(|entry| {
                let (start, size) = entry.split_at(8);
                (cells(start).unwrap_or(0), cells(size).unwrap_or(0))
            })
            .take_while(|entry| *entry != (0, 0))
            .map(|(start, size)| Range::sized(start, size))
    }

    /// Returns the root node.
    pub fn root(&self) -> Node<'a> {
        let mut at = 0;
        while let Some((Token::Nop, next)) = self.token(at) {
            at = next;
        }
        match self.token(at) {
            Some((Token::Begin(name), body)) => Node::new(*self, name, body),
            // The check has seen a root.
            _ => Node::new(*self, "", self.structure.len()),
        }
    }

    /// Finds a node by its full path; a name without its unit address matches the first.
    pub fn find(&self, path: &str) -> Option<Node<'a>> {
        let mut node = self.root();
        for name in path
            .strip_prefix('/')?
            .split('/')
            .filter(|name| !name.is_empty())
        {
            node = node.children().find(|child| {
                child.name() == name || child.name().split('@').next() == Some(name)
            })?;
        }
        Some(node)
    }

    fn check_reservations(&self) -> Result<(), TreeError> {
        let ends = self
            .reservations
            .chunks_exact(16)
            .any(|entry| entry.iter().all(|byte| *byte == 0));
        ends.then_some(()).ok_or(TreeError::Reservations)
    }

    /// Walks every token once: nesting, names and property bounds, one root, and an end.
    fn check_structure(&self) -> Result<(), TreeError> {
        let (mut at, mut depth, mut roots) = (0, 0_u32, 0_u32);
        loop {
            let bad = TreeError::Structure(at);
            let (token, next) = self.token(at).ok_or(bad)?;
            match token {
                Token::Begin(_) if depth == MAX_DEPTH => return Err(bad),
                Token::Begin(_) => {
                    roots += u32::from(depth == 0);
                    depth += 1;
                }
                Token::End => depth = depth.checked_sub(1).ok_or(bad)?,
                Token::Property(_) if depth == 0 => return Err(bad),
                Token::Finish if depth == 0 && roots == 1 => return Ok(()),
                Token::Finish => return Err(bad),
                Token::Property(_) | Token::Nop => {}
            }
            at = next;
        }
    }

    /// Reads the token at `at`, and where the next one is.
    fn token(&self, at: usize) -> Option<(Token<'a>, usize)> {
        let body = at.checked_add(4)?;
        match word(self.structure, at)? {
            BEGIN_NODE => {
                let name = text(self.structure.get(body..)?)?;
                let end = body.checked_add(name.len())?.checked_add(1)?;
                Some((Token::Begin(name), end.checked_next_multiple_of(4)?))
            }
            END_NODE => Some((Token::End, body)),
            PROPERTY => {
                let length = to_usize(word(self.structure, body)?);
                let name = to_usize(word(self.structure, body.checked_add(4)?)?);
                let start = body.checked_add(8)?;
                let end = start.checked_add(length)?;
                let property = Property {
                    name: text(self.strings.get(name..)?)?,
                    value: self.structure.get(start..end)?,
                };
                Some((Token::Property(property), end.checked_next_multiple_of(4)?))
            }
            NOP => Some((Token::Nop, body)),
            END => Some((Token::Finish, body)),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Token<'a> {
    Begin(&'a str),
    End,
    Property(Property<'a>),
    Nop,
    Finish,
}

/// Borrows the text up to the first NUL; `None` if there is none or it is not UTF-8.
fn text(bytes: &[u8]) -> Option<&str> {
    let end = bytes.iter().position(|byte| *byte == 0)?;
    core::str::from_utf8(bytes.get(..end)?).ok()
}

/// Widens: `usize` has 32 bits at least.
fn to_usize(number: u32) -> usize {
    number as usize
}

#[cfg(test)]
mod tests;
