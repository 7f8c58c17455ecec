//! The tree being worked on: parsed once, edited in place, written once.
//!
//! The blob stays as it came, in one buffer; nodes and properties are indices into it, linked in
//! tree order. An edit appends a finished record to the buffer and relinks. So serialising is a
//! walk that joins neighbouring records: an unchanged tree is one copy, and each edit adds two
//! slices. (dtoolkit's maps of strings took 930 000 instructions for QEMU's virt tree, load and
//! write; the whole way to a kernel has 1 500 000.)

mod edit;
mod load;
mod write;

use alloc::{string::String, vec::Vec};

use platform_api::PhysAddr;

use super::{Cells, TreeError, cell, check::until_nul};

/// Names a node of one tree. It stays valid until the node is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(u32);

const NONE: u32 = u32::MAX;
/// Bytes before a property's value in its record: token, length, name offset.
const PROPERTY_HEADER: u32 = 12;
/// Bytes before a node's name in its record.
const NODE_HEADER: u32 = 4;

#[derive(Clone, Debug)]
struct Node {
    /// Offset of the begin token.
    record: u32,
    name_length: u32,
    /// Offset of the end token.
    end: u32,
    parent: u32,
    next: u32,
    first_child: u32,
    last_child: u32,
    first_property: u32,
    last_property: u32,
}

#[derive(Clone, Copy, Debug)]
struct Property {
    /// Offset of the property token.
    record: u32,
    length: u32,
    /// Offset in the strings block.
    name: u32,
    next: u32,
}

/// The tree being worked on: the one `fdt` edits and `bootz` fixes up.
#[derive(Clone, Debug)]
pub struct WorkingTree {
    /// The blob, and behind it the records of all edits.
    bytes: Vec<u8>,
    strings: Vec<u8>,
    nodes: Vec<Node>,
    properties: Vec<Property>,
    reservations: Vec<(u64, u64)>,
    boot_cpu: u32,
    padding: usize,
    source: Option<PhysAddr>,
    in_place: bool,
    /// Bytes of the blob that was loaded, at the buffer's start.
    loaded: usize,
}

/// Rounds up to a whole cell.
fn padded(length: u32) -> u32 {
    length.saturating_add(3) & !3
}

/// Offsets and lengths inside a tree fit 32 bits: `WorkingTree::grow` and the check see to it.
fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(NONE)
}

fn wide(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

impl WorkingTree {
    fn node_ref(&self, index: u32) -> Option<&Node> {
        self.nodes.get(wide(index))
    }

    fn node_mut(&mut self, index: u32) -> Option<&mut Node> {
        self.nodes.get_mut(wide(index))
    }

    fn property_at(&self, index: u32) -> Option<&Property> {
        self.properties.get(wide(index))
    }
    fn span(&self, start: u32, length: u32) -> &[u8] {
        self.bytes
            .get(wide(start)..)
            .and_then(|tail| tail.get(..wide(length)))
            .unwrap_or_default()
    }

    /// Returns where the blob came from, if it lay in memory.
    pub fn source(&self) -> Option<PhysAddr> {
        self.source
    }

    /// Remembers where the blob came from.
    pub fn set_source(&mut self, source: Option<PhysAddr>) {
        self.source = source;
    }

    /// Tells whether the blob in memory is kept as this tree is.
    pub fn is_in_place(&self) -> bool {
        self.in_place
    }

    /// Says whether the blob in memory shall be kept as this tree is.
    pub fn set_in_place(&mut self, in_place: bool) {
        self.in_place = in_place;
    }

    /// Returns the bytes left free behind the tree when it is written.
    pub fn padding(&self) -> usize {
        self.padding
    }

    /// Sets the bytes left free behind the tree when it is written.
    pub fn set_padding(&mut self, padding: usize) {
        self.padding = padding;
    }

    /// Returns `boot_cpuid_phys`.
    pub fn boot_cpu(&self) -> u32 {
        self.boot_cpu
    }

    /// Sets `boot_cpuid_phys`, the `reg` of the CPU that enters the kernel.
    pub fn set_boot_cpu(&mut self, affinity: u32) {
        self.boot_cpu = affinity;
    }

    /// Returns the /memreserve/ entries: address and size.
    pub fn reservations(&self) -> &[(u64, u64)] {
        &self.reservations
    }

    /// Adds a /memreserve/ entry; one of no bytes would end the list and is left out.
    pub fn add_reservation(&mut self, address: u64, size: u64) {
        if size != 0 && !self.reservations.contains(&(address, size)) {
            self.reservations.push((address, size));
        }
    }

    /// Removes the /memreserve/ entries of exactly this range.
    pub fn unreserve(&mut self, address: u64, size: u64) {
        self.reservations.retain(|entry| *entry != (address, size));
    }

    /// Removes a /memreserve/ entry; tells whether there was one.
    pub fn remove_reservation(&mut self, index: usize) -> bool {
        let there = index < self.reservations.len();
        if there {
            self.reservations.remove(index);
        }
        there
    }

    /// Returns where a property's value lies in the blob that was loaded; `None` if there is no
    /// such property, or it was edited since.
    pub fn offset_in_blob(&self, node: NodeId, name: &str) -> Option<usize> {
        let property = self.property_at(self.find_property(node, name)?)?;
        let offset = wide(property.record.saturating_add(PROPERTY_HEADER));
        (offset < self.loaded).then_some(offset)
    }

    /// Returns the root.
    pub fn root(&self) -> NodeId {
        NodeId(0)
    }

    /// Returns a node's name with its unit address; the root's is empty.
    pub fn name(&self, node: NodeId) -> &str {
        core::str::from_utf8(self.name_bytes(node)).unwrap_or_default()
    }

    /// The same without looking at every byte: what looks for a node compares many names.
    fn name_bytes(&self, node: NodeId) -> &[u8] {
        self.node_ref(node.0).map_or(&[][..], |node| {
            self.span(node.record.saturating_add(NODE_HEADER), node.name_length)
        })
    }

    /// Returns a node's parent; the root has none.
    pub fn parent(&self, node: NodeId) -> Option<NodeId> {
        let parent = self.node_ref(node.0)?.parent;
        (parent != NONE).then_some(NodeId(parent))
    }

    /// Returns a node's full path.
    pub fn path(&self, node: NodeId) -> String {
        let mut names = Vec::new();
        let mut at = node;
        while let Some(parent) = self.parent(at) {
            names.push(self.name(at));
            at = parent;
        }
        if names.is_empty() {
            return String::from("/");
        }
        let mut path = String::new();
        for name in names.iter().rev() {
            path.push('/');
            path.push_str(name);
        }
        path
    }

    /// Iterates over a node's children.
    pub fn children(&self, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let first = self.node_ref(node.0).map(|node| node.first_child);
        core::iter::successors(first, |&at| self.node_ref(at).map(|node| node.next))
            .take_while(|&at| at != NONE)
            .map(NodeId)
    }

    fn property_links(&self, node: NodeId) -> impl Iterator<Item = (u32, &Property)> + '_ {
        let first = self.node_ref(node.0).map(|node| node.first_property);
        core::iter::successors(first, |&at| {
            self.property_at(at).map(|property| property.next)
        })
        .map_while(|at| Some((at, self.property_at(at)?)))
    }

    /// Iterates over a node's properties: names and values.
    pub fn properties(&self, node: NodeId) -> impl Iterator<Item = (&str, &[u8])> + '_ {
        self.property_links(node)
            .map(|(_, property)| (self.property_name(property), self.value(property)))
    }

    fn value(&self, property: &Property) -> &[u8] {
        self.span(
            property.record.saturating_add(PROPERTY_HEADER),
            property.length,
        )
    }

    fn property_name(&self, property: &Property) -> &str {
        let tail = self.strings.get(wide(property.name)..).unwrap_or_default();
        core::str::from_utf8(until_nul(tail)).unwrap_or_default()
    }

    fn has_name(&self, property: &Property, name: &str) -> bool {
        self.strings
            .get(wide(property.name)..)
            .and_then(|tail| tail.strip_prefix(name.as_bytes()))
            .is_some_and(|rest| rest.first() == Some(&0))
    }

    fn find_property(&self, node: NodeId, name: &str) -> Option<u32> {
        self.property_links(node)
            .find(|(_, property)| self.has_name(property, name))
            .map(|(index, _)| index)
    }

    /// Returns a property's value.
    pub fn property(&self, node: NodeId, name: &str) -> Option<&[u8]> {
        let index = self.find_property(node, name)?;
        Some(self.value(self.property_at(index)?))
    }

    /// Returns how wide addresses and sizes of a node's children are.
    pub fn cells(&self, node: NodeId) -> Cells {
        let default = Cells::default();
        let width = |name, default| self.property(node, name).and_then(cell).unwrap_or(default);
        Cells {
            address: width("#address-cells", default.address),
            size: width("#size-cells", default.size),
        }
    }

    /// Returns the first string of a property.
    pub fn text(&self, node: NodeId, name: &str) -> Option<&str> {
        core::str::from_utf8(until_nul(self.property(node, name)?)).ok()
    }

    /// Returns a child by its name; without a unit address, the first of that name (as libfdt).
    pub fn child(&self, node: NodeId, name: &str) -> Option<NodeId> {
        let name = name.as_bytes();
        let mut without_address = None;
        for child in self.children(node) {
            match self.name_bytes(child).strip_prefix(name) {
                Some([]) => return Some(child),
                Some([b'@', ..]) if without_address.is_none() => without_address = Some(child),
                _ => {}
            }
        }
        without_address
    }

    /// Finds a node by its path, or by an alias and the path from there.
    pub fn find(&self, path: &str) -> Option<NodeId> {
        let (start, rest) = if path.starts_with('/') {
            (self.root(), path)
        } else {
            let (alias, rest) = path.split_once('/').unwrap_or((path, ""));
            let target = self.text(self.child(self.root(), "aliases")?, alias)?;
            // An alias is a full path; one that is not would lead here for ever.
            (self.find(target.starts_with('/').then_some(target)?)?, rest)
        };
        rest.split('/')
            .filter(|component| !component.is_empty())
            .try_fold(start, |node, component| self.child(node, component))
    }

    /// As [`Self::find`].
    ///
    /// # Errors
    /// [`TreeError::NoNode`].
    pub fn node(&self, path: &str) -> Result<NodeId, TreeError> {
        self.find(path)
            .ok_or_else(|| TreeError::NoNode(String::from(path)))
    }
}
