//! The pages of our monitor, as a node of /reserved-memory that no kernel maps. A kernel that knew
//! nothing of them would write over the firmware it calls: a tree that cannot tell is not booted.

use super::{FixupFacts, TreeError, WorkingTree, reserved::reserve};

pub(super) fn apply(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<(), TreeError> {
    let Some(pages) = facts.monitor else {
        return Ok(());
    };
    let (_, node) = reserve(tree, "baton-monitor", "baton,monitor", pages)?;
    tree.set_property(node, "no-map", &[])
}
