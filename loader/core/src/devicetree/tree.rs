//! The tree being worked on: parsed once, edited in place, written once.
//!
//! The blob stays as it came, in one buffer; nodes and properties are indices into it, linked in
//! tree order. An edit appends a finished record to the buffer and relinks. So serialising is a
//! walk that joins neighbouring records: an unchanged tree is one copy, and each edit adds two
//! slices. (dtoolkit's maps of strings took 930 000 instructions for QEMU's virt tree, load and
//! write; the whole way to a kernel has 1 500 000.)

use alloc::{string::String, vec::Vec};

use platform_api::PhysAddr;

use super::{
    TreeError,
    check::{
        BEGIN_NODE, CheckedTree, END, END_NODE, MAX_DEPTH, PROPERTY, PropertyName, Visitor,
        check_with, until_nul,
    },
    header::{HEADER_SIZE, Header, LAST_COMPATIBLE, VERSION},
};

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

struct Builder<'t> {
    tree: &'t mut WorkingTree,
    base: usize,
    current: u32,
}

impl Builder<'_> {
    fn offset(&self, bytes: &[u8], header: u32) -> u32 {
        narrow(bytes.as_ptr() as usize - self.base).wrapping_sub(header)
    }
}

impl<'a> Visitor<'a> for Builder<'_> {
    fn begin(&mut self, _: usize, name: &'a [u8]) -> Result<(), TreeError> {
        let record = self.offset(name, NODE_HEADER);
        self.current = self
            .tree
            .link_node(self.current, record, narrow(name.len()));
        Ok(())
    }

    fn property(
        &mut self,
        _: usize,
        name: PropertyName<'a>,
        value: &'a [u8],
    ) -> Result<(), TreeError> {
        let record = self.offset(value, PROPERTY_HEADER);
        let length = narrow(value.len());
        self.tree
            .link_property(self.current, record, length, name.offset);
        Ok(())
    }

    fn end(&mut self, _: usize, offset: usize) -> Result<(), TreeError> {
        if let Some(node) = self.tree.node_mut(self.current) {
            node.end = narrow(offset);
            self.current = node.parent;
        }
        Ok(())
    }
}

impl WorkingTree {
    /// Checks a blob and takes a copy of it, without its padding.
    ///
    /// # Errors
    /// As [`super::check()`].
    pub fn load(blob: &[u8]) -> Result<Self, TreeError> {
        Self::load_checked(blob).map(|(tree, _)| tree)
    }

    /// As [`Self::load`], and lends the checked blob to others: [`super::discover_checked`].
    ///
    /// # Errors
    /// As [`super::check()`].
    pub fn load_checked(blob: &[u8]) -> Result<(Self, CheckedTree<'_>), TreeError> {
        let size = wide(Header::parse(blob)?.size_dt_struct).min(blob.len());
        let mut tree = Self {
            bytes: Vec::new(),
            strings: Vec::new(),
            // The averages of 899 trees, so that nothing is moved on the way.
            nodes: Vec::with_capacity(size / 100),
            properties: Vec::with_capacity(size / 24),
            reservations: Vec::new(),
            boot_cpu: 0,
            padding: 0,
            source: None,
        };
        let mut builder = Builder {
            tree: &mut tree,
            base: blob.as_ptr() as usize,
            current: NONE,
        };
        let checked = check_with(blob, &mut builder)?;
        // Room for the fixups of a boot, so that they do not move the whole tree.
        tree.bytes.reserve(checked.used_size() + 1024);
        tree.bytes.extend_from_slice(checked.used());
        tree.strings = checked.strings().to_vec();
        tree.reservations = checked.reservations().collect();
        tree.boot_cpu = checked.header().boot_cpuid_phys;
        Ok((tree, checked))
    }

    fn node_ref(&self, index: u32) -> Option<&Node> {
        self.nodes.get(wide(index))
    }

    fn node_mut(&mut self, index: u32) -> Option<&mut Node> {
        self.nodes.get_mut(wide(index))
    }

    fn property_at(&self, index: u32) -> Option<&Property> {
        self.properties.get(wide(index))
    }

    /// Appends a node behind the last child of `parent`.
    fn link_node(&mut self, parent: u32, record: u32, name_length: u32) -> u32 {
        let index = narrow(self.nodes.len());
        self.nodes.push(Node {
            record,
            name_length,
            end: 0,
            parent,
            next: NONE,
            first_child: NONE,
            last_child: NONE,
            first_property: NONE,
            last_property: NONE,
        });
        let Some(above) = self.node_mut(parent) else {
            return index;
        };
        let last = core::mem::replace(&mut above.last_child, index);
        if last == NONE {
            above.first_child = index;
        } else if let Some(last) = self.node_mut(last) {
            last.next = index;
        }
        index
    }

    /// Appends a property behind the last one of `node`.
    fn link_property(&mut self, node: u32, record: u32, length: u32, name: u32) {
        let index = narrow(self.properties.len());
        self.properties.push(Property {
            record,
            length,
            name,
            next: NONE,
        });
        let Some(node) = self.nodes.get_mut(wide(node)) else {
            return;
        };
        let last = core::mem::replace(&mut node.last_property, index);
        if last == NONE {
            node.first_property = index;
        } else if let Some(last) = self.properties.get_mut(wide(last)) {
            last.next = index;
        }
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

    /// Appends bytes to the buffer, padded to a cell, and returns their offset.
    fn grow(&mut self, parts: &[&[u8]]) -> Result<u32, TreeError> {
        let start = self.bytes.len().next_multiple_of(4);
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let end = start.saturating_add(length).next_multiple_of(4);
        let limit = usize::try_from(i32::MAX).unwrap_or(usize::MAX);
        if end > limit {
            return Err(TreeError::NoRoom {
                needed: end,
                room: limit,
            });
        }
        self.bytes.resize(start, 0);
        for part in parts {
            self.bytes.extend_from_slice(part);
        }
        self.bytes.resize(end, 0);
        Ok(narrow(start))
    }

    /// Returns the offset of `name` in the strings block, adding it if need be.
    fn intern(&mut self, name: &str) -> u32 {
        let mut offset = 0;
        // A name may be the end of a longer one, but looking at whole strings is enough.
        for known in self.strings.split(|&byte| byte == 0) {
            if known == name.as_bytes() {
                return narrow(offset);
            }
            offset += known.len() + 1;
        }
        let offset = self.strings.len();
        self.strings.extend_from_slice(name.as_bytes());
        self.strings.push(0);
        narrow(offset)
    }

    /// Sets a property, adding it behind the others if it is new.
    ///
    /// # Errors
    /// A name that cannot be one; a tree beyond 2 GiB.
    pub fn set_property(
        &mut self,
        node: NodeId,
        name: &str,
        value: &[u8],
    ) -> Result<(), TreeError> {
        if let Some(index) = self.find_property(node, name) {
            return self.replace(index, value);
        }
        if !is_name(name, b",._+-?#") {
            return Err(TreeError::BadName(String::from(name)));
        }
        let offset = self.intern(name);
        let length = narrow(value.len());
        let record = self.property_record(offset, value)?;
        self.link_property(node.0, record, length, offset);
        Ok(())
    }

    fn property_record(&mut self, name: u32, value: &[u8]) -> Result<u32, TreeError> {
        self.grow(&[
            &PROPERTY.to_be_bytes(),
            &narrow(value.len()).to_be_bytes(),
            &name.to_be_bytes(),
            value,
        ])
    }

    fn replace(&mut self, index: u32, value: &[u8]) -> Result<(), TreeError> {
        let Some(&property) = self.property_at(index) else {
            return Ok(());
        };
        let length = narrow(value.len());
        let start = wide(property.record.saturating_add(PROPERTY_HEADER));
        if length == property.length {
            if let Some(old) = self.bytes.get_mut(start..start.saturating_add(value.len())) {
                old.copy_from_slice(value);
            }
            return Ok(());
        }
        let record = self.property_record(property.name, value)?;
        if let Some(property) = self.properties.get_mut(wide(index)) {
            property.record = record;
            property.length = length;
        }
        Ok(())
    }

    /// Removes a property; tells whether there was one.
    pub fn remove_property(&mut self, node: NodeId, name: &str) -> bool {
        let Some(index) = self.find_property(node, name) else {
            return false;
        };
        let next = self
            .property_at(index)
            .map_or(NONE, |property| property.next);
        let before = self
            .property_links(node)
            .find(|(_, property)| property.next == index)
            .map(|(before, _)| before);
        if let Some(before) = before
            && let Some(property) = self.properties.get_mut(wide(before))
        {
            property.next = next;
        }
        if let Some(node) = self.node_mut(node.0) {
            if before.is_none() {
                node.first_property = next;
            }
            if next == NONE {
                node.last_property = before.unwrap_or(NONE);
            }
        }
        true
    }

    fn depth(&self, node: NodeId) -> usize {
        core::iter::successors(Some(node), |&at| self.parent(at)).count()
    }

    /// Makes a node behind the other children of `parent`.
    ///
    /// # Errors
    /// It exists; the name cannot be one; it would lie too deep.
    pub fn make_node(&mut self, parent: NodeId, name: &str) -> Result<NodeId, TreeError> {
        if !is_name(name, b",._+-@") {
            return Err(TreeError::BadName(String::from(name)));
        }
        if self
            .children(parent)
            .any(|child| self.name_bytes(child) == name.as_bytes())
        {
            let mut path = self.path(parent);
            if !path.ends_with('/') {
                path.push('/');
            }
            path.push_str(name);
            return Err(TreeError::NodeExists(path));
        }
        if self.depth(parent) >= MAX_DEPTH {
            return Err(TreeError::BadName(self.path(parent)));
        }
        let record = self.grow(&[&BEGIN_NODE.to_be_bytes(), name.as_bytes(), &[0]])?;
        let end = self.grow(&[&END_NODE.to_be_bytes()])?;
        let index = self.link_node(parent.0, record, narrow(name.len()));
        if let Some(node) = self.node_mut(index) {
            node.end = end;
        }
        Ok(NodeId(index))
    }

    /// Returns the child of this name, making it if need be.
    ///
    /// # Errors
    /// As [`Self::make_node`].
    pub fn ensure_node(&mut self, parent: NodeId, name: &str) -> Result<NodeId, TreeError> {
        match self.child(parent, name) {
            Some(child) => Ok(child),
            None => self.make_node(parent, name),
        }
    }

    /// Removes a node and everything in it.
    ///
    /// # Errors
    /// The root cannot be removed.
    pub fn remove_node(&mut self, node: NodeId) -> Result<(), TreeError> {
        let parent = self.parent(node).ok_or(TreeError::RemoveRoot)?;
        let next = self.node_ref(node.0).map_or(NONE, |node| node.next);
        let before = self.children(parent).find(|&child| {
            self.node_ref(child.0)
                .is_some_and(|child| child.next == node.0)
        });
        if let Some(before) = before
            && let Some(before) = self.node_mut(before.0)
        {
            before.next = next;
        }
        if let Some(parent) = self.node_mut(parent.0) {
            if before.is_none() {
                parent.first_child = next;
            }
            if next == NONE {
                parent.last_child = before.map_or(NONE, |before| before.0);
            }
        }
        if let Some(removed) = self.node_mut(node.0) {
            removed.parent = NONE;
        }
        Ok(())
    }

    /// Calls `emit` with every record, in the order of the blob: offset and length.
    fn records(&self, mut emit: impl FnMut(u32, u32)) {
        let mut at = 0;
        while let Some(node) = self.node_ref(at) {
            emit(
                node.record,
                NODE_HEADER + padded(node.name_length.saturating_add(1)),
            );
            for (_, property) in self.property_links(NodeId(at)) {
                emit(property.record, PROPERTY_HEADER + padded(property.length));
            }
            if node.first_child != NONE {
                at = node.first_child;
                continue;
            }
            // Close nodes until one has a next sibling.
            let mut closing = node;
            loop {
                emit(closing.end, 4);
                if closing.parent == NONE {
                    return;
                }
                if closing.next != NONE {
                    at = closing.next;
                    break;
                }
                match self.node_ref(closing.parent) {
                    Some(parent) => closing = parent,
                    None => return,
                }
            }
        }
    }

    fn header(&self, padding: usize) -> Result<Header, TreeError> {
        let mut structure = 4;
        self.records(|_, length| structure += wide(length));
        let off_dt_struct = HEADER_SIZE + (self.reservations.len() + 1) * 16;
        let off_dt_strings = off_dt_struct + structure;
        let total = (off_dt_strings + self.strings.len())
            .checked_next_multiple_of(8)
            .and_then(|used| used.checked_add(padding.next_multiple_of(8)))
            .filter(|&total| u32::try_from(total).is_ok())
            .ok_or(TreeError::NoRoom {
                needed: padding,
                room: wide(u32::MAX),
            })?;
        Ok(Header {
            totalsize: narrow(total),
            off_dt_struct: narrow(off_dt_struct),
            off_dt_strings: narrow(off_dt_strings),
            off_mem_rsvmap: narrow(HEADER_SIZE),
            version: VERSION,
            last_comp_version: LAST_COMPATIBLE,
            boot_cpuid_phys: self.boot_cpu,
            size_dt_strings: narrow(self.strings.len()),
            size_dt_struct: narrow(structure),
        })
    }

    /// Returns the header that a blob with `padding` free bytes would have.
    ///
    /// # Errors
    /// More than 4 GiB.
    pub fn dtb_header(&self, padding: usize) -> Result<Header, TreeError> {
        self.header(padding)
    }

    /// Returns the bytes of a blob with `padding` free bytes behind the tree.
    ///
    /// # Errors
    /// More than 4 GiB.
    pub fn dtb_size(&self, padding: usize) -> Result<usize, TreeError> {
        Ok(wide(self.header(padding)?.totalsize))
    }

    /// Writes the blob to where it shall lie and returns its size, `padding` free bytes
    /// included; they are zeroed. The address must be a multiple of 8.
    ///
    /// # Errors
    /// [`TreeError::NoRoom`]; nothing has been written.
    pub fn write_dtb(&self, target: &mut [u8], padding: usize) -> Result<usize, TreeError> {
        let header = self.header(padding)?;
        let needed = wide(header.totalsize);
        let room = target.len();
        let target = target
            .get_mut(..needed)
            .ok_or(TreeError::NoRoom { needed, room })?;
        let mut out = Output { rest: target };
        out.put(&header.to_bytes());
        for (address, size) in self.reservations.iter().chain([&(0, 0)]) {
            out.put(&address.to_be_bytes());
            out.put(&size.to_be_bytes());
        }
        // Records that follow each other in the buffer are copied in one go.
        let mut run = 0..0;
        self.records(|start, length| {
            let start = wide(start);
            let end = start + wide(length);
            if run.end == start {
                run.end = end;
            } else {
                let finished = core::mem::replace(&mut run, start..end);
                out.put(self.bytes.get(finished).unwrap_or_default());
            }
        });
        out.put(self.bytes.get(run).unwrap_or_default());
        out.put(&END.to_be_bytes());
        out.put(&self.strings);
        out.rest.fill(0);
        Ok(needed)
    }

    /// Returns the blob with `padding` free bytes behind the tree.
    ///
    /// # Errors
    /// More than 4 GiB.
    pub fn to_dtb(&self, padding: usize) -> Result<Vec<u8>, TreeError> {
        let mut blob = alloc::vec![0; self.dtb_size(padding)?];
        self.write_dtb(&mut blob, padding)?;
        Ok(blob)
    }
}

/// What is left of the target; its size was computed, so everything fits.
struct Output<'a> {
    rest: &'a mut [u8],
}

impl Output<'_> {
    fn put(&mut self, bytes: &[u8]) {
        let rest = core::mem::take(&mut self.rest);
        if let Some((head, tail)) = rest.split_at_mut_checked(bytes.len()) {
            head.copy_from_slice(bytes);
            self.rest = tail;
        }
    }
}

/// Tells whether a name has only letters, digits and `others` (section 2.2). Its length is not
/// limited: a fifth of Debian's trees have names beyond the specification's 31 characters.
fn is_name(name: &str, others: &[u8]) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}
