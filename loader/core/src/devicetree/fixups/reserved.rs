//! /reserved-memory, where pages that outlive the boot have their nodes.

use super::{super::Cells, NodeId, TreeError, WorkingTree, cell, root_cells};

/// Finds /reserved-memory, or makes it, and returns it with its cells.
pub(super) fn reserved_memory(tree: &mut WorkingTree) -> Result<(NodeId, Cells), TreeError> {
    let parent = match tree.child(tree.root(), "reserved-memory") {
        Some(parent) => parent,
        None => make(tree)?,
    };
    let default = Cells::default();
    let cells = |name, default| {
        tree.property(parent, name)
            .and_then(cell)
            .unwrap_or(default)
    };
    let cells = Cells {
        address: cells("#address-cells", default.address),
        size: cells("#size-cells", default.size),
    };
    Ok((parent, cells))
}

/// Makes /reserved-memory as wide as the root, which the binding asks for.
fn make(tree: &mut WorkingTree) -> Result<NodeId, TreeError> {
    let address = root_cells(tree, "#address-cells", 2);
    let size = root_cells(tree, "#size-cells", 1);
    let parent = tree.make_node(tree.root(), "reserved-memory")?;
    tree.set_property(parent, "#address-cells", &address.to_be_bytes())?;
    tree.set_property(parent, "#size-cells", &size.to_be_bytes())?;
    tree.set_property(parent, "ranges", &[])?;
    Ok(parent)
}
