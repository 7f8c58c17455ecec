//! `psci`: the firmware that answers is our monitor, whatever the first stage's tree said. By SMC,
//! and with the standard's own function numbers.

use super::{FixupFacts, NodeId, TreeError, WorkingTree, has_compatible};

/// Every `compatible` string of the binding.
const ANY: &[&str] = &["arm,psci-1.0", "arm,psci-0.2", "arm,psci"];

pub(super) fn apply(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<(), TreeError> {
    if facts.monitor.is_none() {
        return Ok(());
    }
    let node = match known(tree) {
        Some(node) => node,
        None => tree.ensure_node(tree.root(), "psci")?,
    };
    for stale in ["status", "cpu_suspend", "cpu_off", "cpu_on", "migrate"] {
        tree.remove_property(node, stale);
    }
    tree.set_property(node, "compatible", b"arm,psci-1.0\0arm,psci-0.2\0")?;
    tree.set_property(node, "method", b"smc\0")
}

/// Finds the node where trees have it: in the root, or in /firmware.
fn known(tree: &WorkingTree) -> Option<NodeId> {
    let parents = [Some(tree.root()), tree.child(tree.root(), "firmware")];
    let mut nodes = parents
        .into_iter()
        .flatten()
        .flat_map(|parent| tree.children(parent));
    nodes.find(|&node| has_compatible(tree, node, ANY))
}
