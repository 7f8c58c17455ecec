//! The page that Baton's log survives in, as a node of /reserved-memory, and the log itself in
//! /chosen, where Linux shows it. Nodes of earlier boots are replaced, not added to.

use alloc::vec::Vec;

use super::{FixupFacts, NodeId, TreeError, WorkingTree, reserved::reserve};
use crate::log::COMPATIBLE;

pub(super) fn apply(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<(), TreeError> {
    let Some(log) = facts.log else {
        return Ok(());
    };
    let (parent, own) = match reserve(tree, "baton-log", COMPATIBLE, log.page) {
        // No boot is refused for want of a log: a tree that cannot say where it is goes without.
        Err(TreeError::CellWidth { .. }) => return Ok(()),
        reserved => reserved?,
    };
    let ours = |node: &NodeId| {
        let compatible = tree.property(*node, "compatible").unwrap_or_default();
        compatible
            .split(|&byte| byte == 0)
            .any(|one| one == COMPATIBLE.as_bytes())
    };
    let others: Vec<NodeId> = tree
        .children(parent)
        .filter(|node| ours(node) && *node != own)
        .collect();
    for other in others {
        tree.remove_node(other)?;
    }
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
