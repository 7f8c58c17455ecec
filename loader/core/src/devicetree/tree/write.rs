//! From the working tree to a blob: a walk that joins neighbouring records.

use alloc::vec::Vec;

use super::{
    super::{
        TreeError,
        check::END,
        header::{HEADER_SIZE, Header, LAST_COMPATIBLE, VERSION},
    },
    NODE_HEADER, NONE, NodeId, PROPERTY_HEADER, WorkingTree, narrow, padded, wide,
};

impl WorkingTree {
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

    /// Returns where a property's value lies in the blob that [`Self::write_dtb`] writes.
    ///
    /// # Errors
    /// More than 4 GiB.
    pub fn offset_when_written(
        &self,
        node: NodeId,
        name: &str,
    ) -> Result<Option<usize>, TreeError> {
        let wanted = self
            .find_property(node, name)
            .and_then(|index| self.property_at(index))
            .map(|property| property.record);
        let mut at = wide(self.header(0)?.off_dt_struct);
        let mut found = None;
        self.records(|start, length| {
            if Some(start) == wanted {
                found = Some(at + wide(PROPERTY_HEADER));
            }
            at += wide(length);
        });
        Ok(found)
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
