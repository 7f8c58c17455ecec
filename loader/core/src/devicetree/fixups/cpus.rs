//! `enable-method` of every CPU: by our monitor's PSCI, and no longer by registers that are secure
//! state's now. One that the monitor cannot start is `fail`: no kernel is to wait for it.

use alloc::vec::Vec;

use super::{
    super::{early::is_enabled, number},
    FixupFacts, NodeId, TreeError, WorkingTree,
};

pub(super) fn apply(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<(), TreeError> {
    if facts.monitor.is_none() {
        return Ok(());
    }
    let Some(cpus) = tree.child(tree.root(), "cpus") else {
        return Ok(());
    };
    tree.remove_property(cpus, "enable-method");
    let all: Vec<NodeId> = tree.children(cpus).collect();
    for cpu in all {
        if !is_cpu(tree, cpu) {
            continue;
        }
        let affinity = tree.property(cpu, "reg").and_then(number);
        let startable = facts
            .started
            .iter()
            .any(|&one| Some(u64::from(one)) == affinity);
        tree.remove_property(cpu, "cpu-release-addr");
        if startable {
            tree.set_property(cpu, "enable-method", b"psci\0")?;
        } else {
            tree.remove_property(cpu, "enable-method");
            tree.set_property(cpu, "status", b"fail\0")?;
        }
    }
    Ok(())
}

/// Tells whether it is a CPU, and one that is in use.
fn is_cpu(tree: &WorkingTree, node: NodeId) -> bool {
    let name = tree.name(node);
    let named = name == "cpu" || name.starts_with("cpu@");
    named && tree.property(node, "status").is_none_or(is_enabled)
}
