//! From a blob to the working tree, in the pass that checks it.

use alloc::vec::Vec;

use super::{
    super::{
        TreeError,
        check::{CheckedTree, PropertyName, Visitor, check_with},
        header::Header,
    },
    NODE_HEADER, NONE, Node, PROPERTY_HEADER, Property, WorkingTree, narrow, wide,
};

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
    /// As [`crate::devicetree::check()`].
    pub fn load(blob: &[u8]) -> Result<Self, TreeError> {
        Self::load_checked(blob).map(|(tree, _)| tree)
    }

    /// As [`Self::load`], and lends the checked blob to others: [`crate::devicetree::discover_checked`].
    ///
    /// # Errors
    /// As [`crate::devicetree::check()`].
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
            in_place: false,
            loaded: 0,
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
        tree.loaded = tree.bytes.len();
        tree.strings = checked.strings().to_vec();
        tree.reservations = checked.reservations().collect();
        tree.boot_cpu = checked.header().boot_cpuid_phys;
        Ok((tree, checked))
    }

    /// Appends a node behind the last child of `parent`.
    pub(super) fn link_node(&mut self, parent: u32, record: u32, name_length: u32) -> u32 {
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
    pub(super) fn link_property(&mut self, node: u32, record: u32, length: u32, name: u32) {
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
}
