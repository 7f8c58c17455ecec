//! The pages of our monitor, as a node of /reserved-memory that no kernel maps. A kernel that knew
//! nothing of them would write over the firmware it calls: a tree that cannot tell is not booted.

use alloc::format;

use super::{CellBuffer, FixupFacts, TreeError, WorkingTree, reserved::reserved_memory};

pub(super) fn apply(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<(), TreeError> {
    let Some(pages) = facts.monitor else {
        return Ok(());
    };
    let (parent, cells) = reserved_memory(tree)?;
    let start = CellBuffer::new(pages.start().as_u64(), cells.address)?;
    let size = CellBuffer::new(pages.size(), cells.size)?;
    let name = format!("baton-monitor@{:x}", pages.start().as_u64());
    let node = tree.ensure_node(parent, &name)?;
    tree.set_property(node, "compatible", b"baton,monitor\0")?;
    tree.set_property(node, "reg", &[start.bytes(), size.bytes()].concat())?;
    tree.set_property(node, "no-map", &[])
}
