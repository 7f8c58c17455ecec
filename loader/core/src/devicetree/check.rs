//! One linear pass that decides whether a blob can be read at all.
//!
//! Everything after it (fdt-rs, the working tree, the early memory scan) relies on what it
//! proved: every block inside the blob, every token whole, every name terminated ASCII, at most
//! [`MAX_DEPTH`] nodes inside each other, properties before subnodes, one root, an END.
//! It needs neither heap nor statics: a [`Visitor`] can look at what passes by.

use super::{
    TreeError,
    error::Structure,
    header::{HEADER_SIZE, Header},
};

/// How many nodes may lie inside each other.
pub const MAX_DEPTH: usize = 64;

/// The longest node name that fdt-rs reads, in bytes.
pub(super) const LONGEST_READABLE_NAME: usize = 29;

pub(super) const BEGIN_NODE: u32 = 1;
pub(super) const END_NODE: u32 = 2;
pub(super) const PROPERTY: u32 = 3;
pub(super) const NOP: u32 = 4;
pub(super) const END: u32 = 9;

/// Sees a tree pass by, in order. The root has depth 0.
pub trait Visitor<'a> {
    /// A node begins.
    fn begin(&mut self, depth: usize, name: &'a [u8]) -> Result<(), TreeError>;
    /// A property of the node of this depth that began last.
    fn property(
        &mut self,
        depth: usize,
        name: PropertyName<'a>,
        value: &'a [u8],
    ) -> Result<(), TreeError>;
    /// A node ends; its end token lies at this offset in the blob.
    fn end(&mut self, depth: usize, offset: usize) -> Result<(), TreeError>;
}

/// A property's name inside the strings block: the bytes from there on, and the offset.
#[derive(Clone, Copy, Debug)]
pub struct PropertyName<'a> {
    tail: &'a [u8],
    /// Offset in the strings block.
    pub offset: u32,
}

impl<'a> PropertyName<'a> {
    /// Compares with a name that ends in NUL, without looking for the end.
    pub fn is(self, terminated: &[u8]) -> bool {
        self.tail.starts_with(terminated)
    }

    /// Returns the name.
    pub fn bytes(self) -> &'a [u8] {
        until_nul(self.tail)
    }
}

/// Returns the bytes before the first NUL.
pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// A blob that passed.
#[derive(Clone, Copy, Debug)]
pub struct CheckedTree<'a> {
    blob: &'a [u8],
    header: Header,
    structure: &'a [u8],
    strings: &'a [u8],
    reservations: &'a [u8],
    nodes: usize,
    properties: usize,
    long_names: bool,
}

impl<'a> CheckedTree<'a> {
    /// Returns the header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the blob up to the end of its farthest block; QEMU pads 8 KiB to 1 MiB.
    pub fn used(&self) -> &'a [u8] {
        self.blob.get(..self.used_size()).unwrap_or(self.blob)
    }

    /// Returns the end of the farthest block.
    pub fn used_size(&self) -> usize {
        let end =
            |block: &[u8]| block.as_ptr() as usize - self.blob.as_ptr() as usize + block.len();
        end(self.structure)
            .max(end(self.strings))
            .max(end(self.reservations))
    }

    /// Counts the nodes.
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    /// Counts the properties.
    pub fn properties(&self) -> usize {
        self.properties
    }

    /// Tells whether a node name is too long for fdt-rs.
    pub fn has_long_names(&self) -> bool {
        self.long_names
    }

    /// Tells whether the strings block lies behind the structure block.
    pub(super) fn strings_are_last(&self) -> bool {
        self.strings.as_ptr() as usize >= self.structure.as_ptr_range().end as usize
            && !self.strings.is_empty()
    }

    /// Returns the strings block.
    pub(super) fn strings(&self) -> &'a [u8] {
        self.strings
    }

    /// Iterates over the /memreserve/ entries: address and size.
    pub fn reservations(&self) -> impl Iterator<Item = (u64, u64)> + 'a {
        self.reservations
            .as_chunks::<16>()
            .0
            .iter()
            .filter_map(|entry| {
                let (address, size) = entry.split_first_chunk::<8>()?;
                let size = size.first_chunk::<8>()?;
                Some((u64::from_be_bytes(*address), u64::from_be_bytes(*size)))
            })
            .take_while(|&entry| entry != (0, 0))
    }

    /// Shows the tree to `visitor` once more.
    ///
    /// # Errors
    /// The visitor's.
    pub fn visit(&self, visitor: &mut dyn Visitor<'a>) -> Result<(), TreeError> {
        walk(
            self.structure,
            self.strings,
            self.structure_offset(),
            visitor,
        )
        .map(|_| ())
    }

    fn structure_offset(&self) -> usize {
        self.structure.as_ptr() as usize - self.blob.as_ptr() as usize
    }
}

/// Checks a blob; bytes behind its `totalsize` are ignored.
///
/// # Errors
/// What is wrong, and where.
pub fn check(blob: &[u8]) -> Result<CheckedTree<'_>, TreeError> {
    check_with(blob, &mut Nothing)
}

/// Checks a blob and shows it to `visitor` in the same pass. What the visitor saw counts only if
/// the whole check succeeds.
///
/// # Errors
/// What is wrong, and where; or the visitor's own.
pub fn check_with<'a>(
    blob: &'a [u8],
    visitor: &mut dyn Visitor<'a>,
) -> Result<CheckedTree<'a>, TreeError> {
    let header = Header::parse(blob)?;
    let total = super::blob_size(blob)?;
    let blob = blob.get(..total).ok_or(TreeError::TooShort {
        length: blob.len(),
        needed: total,
    })?;
    for (field, value) in [
        ("off_dt_struct", header.off_dt_struct),
        ("off_mem_rsvmap", header.off_mem_rsvmap),
    ] {
        if value % 4 != 0 {
            return Err(TreeError::Header { field, value });
        }
    }
    let structure = Header::block(
        blob,
        ("off_dt_struct", header.off_dt_struct),
        ("size_dt_struct", header.size_dt_struct),
    )?;
    let strings = whole_strings(Header::block(
        blob,
        ("off_dt_strings", header.off_dt_strings),
        ("size_dt_strings", header.size_dt_strings),
    )?)?;
    let reservations = reserve_map(blob, header.off_mem_rsvmap)?;
    let offset = usize::try_from(header.off_dt_struct).unwrap_or(HEADER_SIZE);
    let counts = walk(structure, strings, offset, visitor)?;
    Ok(CheckedTree {
        blob,
        header,
        structure,
        strings,
        reservations,
        nodes: counts.nodes,
        properties: counts.properties,
        long_names: counts.longest_name > LONGEST_READABLE_NAME,
    })
}

/// Cuts the strings block behind its last NUL, so that every offset inside is a whole string.
fn whole_strings(strings: &[u8]) -> Result<&[u8], TreeError> {
    if !strings.is_ascii() {
        return Err(TreeError::Strings);
    }
    let length = strings
        .iter()
        .rposition(|&byte| byte == 0)
        .map_or(0, |last| last + 1);
    Ok(strings.get(..length).unwrap_or_default())
}

/// Returns the memory reservation block with its terminator.
fn reserve_map(blob: &[u8], offset: u32) -> Result<&[u8], TreeError> {
    let start = usize::try_from(offset)
        .ok()
        .filter(|&start| start >= HEADER_SIZE);
    let tail = start
        .and_then(|start| blob.get(start..))
        .ok_or(TreeError::Header {
            field: "off_mem_rsvmap",
            value: offset,
        })?;
    let entries = tail.as_chunks::<16>().0;
    entries
        .iter()
        .position(|entry| *entry == [0; 16])
        .and_then(|last| tail.get(..(last + 1) * 16))
        .ok_or(TreeError::ReserveMap { offset })
}

#[derive(Default)]
struct Counts {
    nodes: usize,
    properties: usize,
    longest_name: usize,
}

fn broken(offset: usize, what: Structure) -> TreeError {
    TreeError::Structure { offset, what }
}

/// The part of the structure block that is still to come.
struct Cursor<'a> {
    rest: &'a [u8],
    /// Offset of the end of the block from the start of the blob.
    end: usize,
}

impl<'a> Cursor<'a> {
    fn offset(&self) -> usize {
        self.end - self.rest.len()
    }

    fn error(&self, what: Structure) -> TreeError {
        broken(self.offset(), what)
    }

    fn word(&mut self) -> Result<u32, TreeError> {
        let (word, rest) = self
            .rest
            .split_first_chunk::<4>()
            .ok_or_else(|| self.error(Structure::Truncated))?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*word))
    }

    /// Takes `length` bytes and skips the padding to the next word. The last value may lack it.
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        let padding = length.wrapping_neg() & 3;
        self.rest = rest.get(padding..).unwrap_or_default();
        Some(bytes)
    }

    fn name(&mut self, root: bool) -> Result<&'a [u8], TreeError> {
        let mut length = 0;
        for &byte in self.rest {
            if byte == 0 {
                break;
            }
            if !byte.is_ascii_graphic() || byte == b'/' {
                return Err(self.error(Structure::NodeName));
            }
            length += 1;
        }
        if (length == 0) != root {
            return Err(self.error(Structure::NodeName));
        }
        let offset = self.offset();
        let terminated = self
            .take(length + 1)
            .ok_or_else(|| broken(offset, Structure::NodeName))?;
        Ok(terminated.get(..length).unwrap_or_default())
    }
}

/// Walks the structure block; `offset` is where it starts in the blob.
fn walk<'a>(
    structure: &'a [u8],
    strings: &'a [u8],
    offset: usize,
    visitor: &mut dyn Visitor<'a>,
) -> Result<Counts, TreeError> {
    let mut counts = Counts::default();
    let mut cursor = Cursor {
        rest: structure,
        end: offset + structure.len(),
    };
    // Nodes that are open; the innermost has depth `open - 1`.
    let mut open = 0;
    // Properties may come: no subnode has ended since the last node began.
    let mut in_properties = false;
    loop {
        match cursor.word()? {
            BEGIN_NODE => {
                if open == 0 && counts.nodes > 0 {
                    return Err(cursor.error(Structure::Root));
                }
                if open >= MAX_DEPTH {
                    return Err(cursor.error(Structure::Depth));
                }
                let name = cursor.name(open == 0)?;
                visitor.begin(open, name)?;
                counts.nodes += 1;
                counts.longest_name = counts.longest_name.max(name.len());
                open += 1;
                in_properties = true;
            }
            END_NODE => {
                let Some(depth) = open.checked_sub(1) else {
                    return Err(cursor.error(Structure::Unbalanced));
                };
                visitor.end(depth, cursor.offset() - 4)?;
                open = depth;
                in_properties = false;
            }
            PROPERTY => {
                if !in_properties {
                    return Err(cursor.error(Structure::MisplacedProperty));
                }
                let length = cursor.word()?;
                let name = cursor.word()?;
                let tail = usize::try_from(name)
                    .ok()
                    .and_then(|start| strings.get(start..))
                    .filter(|tail| tail.first().is_some_and(|&first| first != 0))
                    .ok_or_else(|| cursor.error(Structure::PropertyName(name)))?;
                let offset = cursor.offset();
                let value = usize::try_from(length)
                    .ok()
                    .and_then(|length| cursor.take(length))
                    .ok_or_else(|| broken(offset, Structure::PropertyLength(length)))?;
                visitor.property(
                    open.saturating_sub(1),
                    PropertyName { tail, offset: name },
                    value,
                )?;
                counts.properties += 1;
            }
            NOP => {}
            END if open == 0 && counts.nodes > 0 => return Ok(counts),
            END => return Err(cursor.error(Structure::Root)),
            token => return Err(cursor.error(Structure::Token(token))),
        }
    }
}

struct Nothing;

impl<'a> Visitor<'a> for Nothing {
    fn begin(&mut self, _: usize, _: &'a [u8]) -> Result<(), TreeError> {
        Ok(())
    }

    fn property(&mut self, _: usize, _: PropertyName<'a>, _: &'a [u8]) -> Result<(), TreeError> {
        Ok(())
    }

    fn end(&mut self, _: usize, _: usize) -> Result<(), TreeError> {
        Ok(())
    }
}
