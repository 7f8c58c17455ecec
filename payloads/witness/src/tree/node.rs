//! Nodes and properties.

use super::{Token, Tree, cells, text, word};
use crate::Range;

/// A node of a checked tree.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    tree: Tree<'a>,
    name: &'a str,
    /// Offset of the token after the node's name: what tells two nodes apart.
    body: usize,
}

/// A property: its name and its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property<'a> {
    /// The name.
    pub name: &'a str,
    /// The value.
    pub value: &'a [u8],
}

impl<'a> Node<'a> {
    pub(super) fn new(tree: Tree<'a>, name: &'a str, body: usize) -> Self {
        Self { tree, name, body }
    }

    /// Returns where the node's properties begin.
    pub(super) fn body(&self) -> usize {
        self.body
    }

    /// Returns the name with its unit address.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// Tells whether the two are the same node.
    pub fn is(&self, other: &Node<'_>) -> bool {
        self.body == other.body
    }

    /// Iterates over the properties.
    pub fn properties(&self) -> Properties<'a> {
        Properties {
            tree: self.tree,
            at: self.body,
        }
    }

    /// Iterates over the direct children.
    pub fn children(&self) -> Children<'a> {
        Children {
            tree: self.tree,
            at: self.body,
            depth: 0,
        }
    }

    /// Returns a property's bytes.
    pub fn property(&self, name: &str) -> Option<&'a [u8]> {
        self.properties()
            .find(|property| property.name == name)
            .map(|property| property.value)
    }

    /// Returns a property of one cell.
    pub fn cell(&self, name: &str) -> Option<u32> {
        self.property(name)
            .filter(|value| value.len() == 4)
            .and_then(|value| word(value, 0))
    }

    /// Returns a property of one or two cells.
    pub fn number(&self, name: &str) -> Option<u64> {
        self.property(name).and_then(cells)
    }

    /// Returns a property's text, up to its first NUL.
    pub fn text(&self, name: &str) -> Option<&'a str> {
        self.property(name).and_then(text)
    }

    /// Tells whether `compatible` holds one of `names`.
    pub fn compatible(&self, names: &[&str]) -> bool {
        self.property("compatible").is_some_and(|value| {
            value
                .split(|byte| *byte == 0)
                .any(|entry| names.iter().any(|name| name.as_bytes() == entry))
        })
    }

    /// Tells whether `status` is absent or okay.
    pub fn enabled(&self) -> bool {
        self.text("status")
            .is_none_or(|status| matches!(status, "okay" | "ok"))
    }
}

/// The properties of a node: they come before its children.
#[derive(Clone, Debug)]
pub struct Properties<'a> {
    tree: Tree<'a>,
    at: usize,
}

impl<'a> Iterator for Properties<'a> {
    type Item = Property<'a>;

    fn next(&mut self) -> Option<Property<'a>> {
        loop {
            let (token, next) = self.tree.token(self.at)?;
            match token {
                Token::Property(property) => {
                    self.at = next;
                    return Some(property);
                }
                Token::Nop => self.at = next,
                _ => return None,
            }
        }
    }
}

/// The direct children of a node.
#[derive(Clone, Debug)]
pub struct Children<'a> {
    tree: Tree<'a>,
    at: usize,
    depth: u32,
}

impl<'a> Iterator for Children<'a> {
    type Item = Node<'a>;

    fn next(&mut self) -> Option<Node<'a>> {
        loop {
            let (token, next) = self.tree.token(self.at)?;
            match token {
                Token::Begin(name) => {
                    self.at = next;
                    self.depth += 1;
                    if self.depth == 1 {
                        return Some(Node::new(self.tree, name, next));
                    }
                }
                Token::End => {
                    self.depth = self.depth.checked_sub(1)?;
                    self.at = next;
                }
                Token::Finish => return None,
                Token::Property(_) | Token::Nop => self.at = next,
            }
        }
    }
}

/// The bus a node sits on: how its `reg` is written, and where its addresses lie.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bus<'a, 'p> {
    address_cells: usize,
    size_cells: usize,
    /// `ranges` of the bus's own node; `None` if it has none: its addresses are not ours.
    ranges: Option<&'a [u8]>,
    parent: Option<&'p Bus<'a, 'p>>,
}

impl<'a, 'p> Bus<'a, 'p> {
    /// Makes the bus that `node`, itself on `parent`, is to its children.
    pub(super) fn of(node: &Node<'a>, parent: Option<&'p Bus<'a, 'p>>) -> Self {
        // The defaults are the specification's (2.3.5). More than 4 cells is nonsense.
        let count = |name, default| node.cell(name).unwrap_or(default).min(4) as usize;
        Self {
            address_cells: count("#address-cells", 2),
            size_cells: count("#size-cells", 1),
            ranges: node.property("ranges"),
            parent,
        }
    }

    /// Reads the `index`th entry of a node's `reg`, in the processor's addresses.
    pub(super) fn reg(&self, node: &Node<'_>, index: usize) -> Option<Range> {
        self.entries(node.property("reg")?).nth(index).flatten()
    }

    /// Iterates over the entries of a `reg`; `None` for one the processor cannot address.
    pub(super) fn entries<'b>(&'b self, reg: &'b [u8]) -> impl Iterator<Item = Option<Range>> + 'b {
        let width = (self.address_cells + self.size_cells).max(1) * 4;
        reg.chunks_exact(width).map(|entry| {
            let (address, size) = entry.split_at_checked(self.address_cells * 4)?;
            let address = self.translate(cells(address)?)?;
            Some(Range::sized(address, cells(size).unwrap_or(0)))
        })
    }

    /// Translates an address on this bus to the processor's.
    fn translate(&self, address: u64) -> Option<u64> {
        let Some(parent) = self.parent else {
            return Some(address);
        };
        let ranges = self.ranges?;
        if ranges.is_empty() {
            return parent.translate(address);
        }
        let (child, up) = (self.address_cells * 4, parent.address_cells * 4);
        let width = (child + up + self.size_cells * 4).max(1);
        ranges.chunks_exact(width).find_map(|entry| {
            let (start, entry) = entry.split_at_checked(child)?;
            let (target, size) = entry.split_at_checked(up)?;
            let offset = address.checked_sub(cells(start)?)?;
            let inside = offset < cells(size)?;
            inside
                .then(|| cells(target)?.checked_add(offset))
                .flatten()
                .and_then(|address| parent.translate(address))
        })
    }
}
