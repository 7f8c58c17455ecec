//! The page that Baton's log survives in, as a node of /reserved-memory, and the log itself in
//! /chosen, where Linux shows it. Nodes of earlier boots are replaced, not added to.

use alloc::{format, vec::Vec};

use super::{CellBuffer, FixupFacts, NodeId, TreeError, WorkingTree, reserved::reserved_memory};
use crate::log::COMPATIBLE;

pub(super) fn apply(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<(), TreeError> {
    let Some(log) = facts.log else {
        return Ok(());
    };
    let (parent, cells) = reserved_memory(tree)?;
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

/// Joins texts to one NUL-terminated string.
fn text(parts: &[&str]) -> Vec<u8> {
    let mut value = parts.concat().into_bytes();
    value.push(0);
    value
}
