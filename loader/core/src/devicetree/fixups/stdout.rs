//! `/chosen/stdout-path` where the tree has none: the console that Baton talks on, so that the
//! payload has one without being told.

use alloc::vec::Vec;

use super::{FixupFacts, TreeError, WorkingTree};

pub(super) fn apply(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<(), TreeError> {
    let Some(console) = facts.console else {
        return Ok(());
    };
    let chosen = tree.ensure_node(tree.root(), "chosen")?;
    let known = ["stdout-path", "linux,stdout-path"];
    let named = known.map(|name| tree.property(chosen, name).is_some());
    // Another tree than the machine's may not have that node.
    if named.contains(&true) || tree.find(console).is_none() {
        return Ok(());
    }
    let mut value = Vec::from(console.as_bytes());
    value.push(0);
    tree.set_property(chosen, "stdout-path", &value)
}
