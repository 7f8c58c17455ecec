//! Edits: finished records behind the blob, and other links.

use alloc::string::String;

use super::{
    super::{
        TreeError,
        check::{BEGIN_NODE, END_NODE, MAX_DEPTH, PROPERTY},
    },
    NONE, NodeId, PROPERTY_HEADER, WorkingTree, narrow, wide,
};

impl WorkingTree {
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
        // A name may be the end of a longer one, but looking at whole strings is enough.
        let mut rest = self.strings.as_slice();
        while let Some(end) = rest.iter().position(|&byte| byte == 0) {
            let (known, behind) = rest.split_at_checked(end).unwrap_or_default();
            if known == name.as_bytes() {
                return narrow(self.strings.len() - rest.len());
            }
            rest = behind.get(1..).unwrap_or_default();
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
}

/// Tells whether a name has only letters, digits and `others` (section 2.2). Its length is not
/// limited: a fifth of Debian's trees have names beyond the specification's 31 characters.
fn is_name(name: &str, others: &[u8]) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}
