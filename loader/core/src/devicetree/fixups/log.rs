//! The page that Baton's log survives in, as a node of /reserved-memory, and the log itself in
//! /chosen, where Linux shows it. Nodes of earlier boots are replaced, not added to.

use alloc::{format, vec::Vec};

use super::{
    super::Cells, CellBuffer, FixupFacts, NodeId, TreeError, WorkingTree, cell, root_cells,
};
use crate::log::COMPATIBLE;

pub(super) fn apply(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<(), TreeError> {
    let Some(log) = facts.log else {
        return Ok(());
    };
    let parent = match tree.child(tree.root(), "reserved-memory") {
        Some(parent) => parent,
        None => make_parent(tree)?,
    };
    let cells = own_cells(tree, parent);
    let number = |value, cells| CellBuffer::new(value, cells).ok();
    let start = number(log.page.start().as_u64(), cells.address);
    let (Some(start), Some(size)) = (start, number(log.page.size(), cells.size)) else {
        // No boot is refused for want of a log: a tree that cannot say where it is goes without.
        return Ok(());
    };
    let name = format!("baton-log@{:x}", log.page.start().as_u64());
    let ours = |node: &NodeId| {
        let compatible = tree.property(*node, "compatible").unwrap_or_default();
        compatible
            .split(|&byte| byte == 0)
            .any(|one| one == COMPATIBLE.as_bytes())
    };
    let others: Vec<NodeId> = tree
        .children(parent)
        .filter(|node| ours(node) && tree.name(*node) != name)
        .collect();
    for other in others {
        tree.remove_node(other)?;
    }
    let node = tree.ensure_node(parent, &name)?;
    tree.set_property(node, "compatible", &text(&[COMPATIBLE]))?;
    tree.set_property(node, "reg", &[start.bytes(), size.bytes()].concat())?;

    let chosen = tree.ensure_node(tree.root(), "chosen")?;
    tree.set_property(chosen, "baton,boot-count", &log.count.to_be_bytes())?;
    tree.set_property(chosen, "baton,log", &text(&log.text))
}

/// Makes /reserved-memory as wide as the root, which the binding asks for.
fn make_parent(tree: &mut WorkingTree) -> Result<NodeId, TreeError> {
    let address = root_cells(tree, "#address-cells", 2);
    let size = root_cells(tree, "#size-cells", 1);
    let parent = tree.make_node(tree.root(), "reserved-memory")?;
    tree.set_property(parent, "#address-cells", &address.to_be_bytes())?;
    tree.set_property(parent, "#size-cells", &size.to_be_bytes())?;
    tree.set_property(parent, "ranges", &[])?;
    Ok(parent)
}

fn own_cells(tree: &WorkingTree, parent: NodeId) -> Cells {
    let default = Cells::default();
    let cells = |name, default| {
        tree.property(parent, name)
            .and_then(cell)
            .unwrap_or(default)
    };
    Cells {
        address: cells("#address-cells", default.address),
        size: cells("#size-cells", default.size),
    }
}

/// Joins texts to one NUL-terminated string.
fn text(parts: &[&str]) -> Vec<u8> {
    let mut value = parts.concat().into_bytes();
    value.push(0);
    value
}
