//! Devices that would reset the machine or turn it off beside the monitor's PSCI: they have one
//! owner now, in secure state, and are `disabled` for everybody else.

use alloc::vec::Vec;

use super::{FixupFacts, NodeId, TreeError, WorkingTree, has_compatible};

/// Those of the Versatile Express' configuration bus. (A watchdog is not among them: it has other
/// uses.)
const OWNED: &[&str] = &[
    "arm,vexpress-reset",
    "arm,vexpress-reboot",
    "arm,vexpress-shutdown",
];

pub(super) fn apply(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<(), TreeError> {
    if facts.monitor.is_none() {
        return Ok(());
    }
    let mut open: Vec<NodeId> = Vec::from([tree.root()]);
    while let Some(node) = open.pop() {
        open.extend(tree.children(node));
        if has_compatible(tree, node, OWNED) {
            tree.set_property(node, "status", b"disabled\0")?;
        }
    }
    Ok(())
}
