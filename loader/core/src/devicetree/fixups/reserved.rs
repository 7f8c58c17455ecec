//! /reserved-memory, where pages that outlive the boot have their nodes.

use alloc::format;

use platform_api::PhysRange;

use super::{super::Cells, CellBuffer, NodeId, TreeError, WorkingTree};

/// Finds or makes the node of a page of ours, `NAME@START`, and returns its parent and it.
///
/// # Errors
/// [`TreeError::CellWidth`] if the tree cannot say where the page is.
pub(super) fn reserve(
    tree: &mut WorkingTree,
    name: &str,
    compatible: &str,
    page: PhysRange,
) -> Result<(NodeId, NodeId), TreeError> {
    let (parent, cells) = reserved_memory(tree)?;
    let start = CellBuffer::new(page.start().as_u64(), cells.address)?;
    let size = CellBuffer::new(page.size(), cells.size)?;
    let name = format!("{name}@{:x}", page.start().as_u64());
    let node = tree.ensure_node(parent, &name)?;
    tree.set_property(node, "compatible", format!("{compatible}\0").as_bytes())?;
    tree.set_property(node, "reg", &[start.bytes(), size.bytes()].concat())?;
    Ok((parent, node))
}

/// Finds /reserved-memory, or makes it, and returns it with its cells.
fn reserved_memory(tree: &mut WorkingTree) -> Result<(NodeId, Cells), TreeError> {
    let parent = match tree.child(tree.root(), "reserved-memory") {
        Some(parent) => parent,
        None => make(tree)?,
    };
    Ok((parent, tree.cells(parent)))
}

/// Makes /reserved-memory as wide as the root, which the binding asks for.
fn make(tree: &mut WorkingTree) -> Result<NodeId, TreeError> {
    let Cells { address, size } = tree.cells(tree.root());
    let parent = tree.make_node(tree.root(), "reserved-memory")?;
    tree.set_property(parent, "#address-cells", &address.to_be_bytes())?;
    tree.set_property(parent, "#size-cells", &size.to_be_bytes())?;
    tree.set_property(parent, "ranges", &[])?;
    Ok(parent)
}
