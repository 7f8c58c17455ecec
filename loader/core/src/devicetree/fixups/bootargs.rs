//! `/chosen/bootargs`: the kernel's command line.

use alloc::vec::Vec;

use super::{FixupFacts, TreeError, WorkingTree};

pub(super) fn apply(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<(), TreeError> {
    let Some(bootargs) = facts.bootargs else {
        return Ok(());
    };
    let mut value = Vec::with_capacity(bootargs.len() + 1);
    value.extend_from_slice(bootargs.as_bytes());
    value.push(0);
    let chosen = tree.ensure_node(tree.root(), "chosen")?;
    tree.set_property(chosen, "bootargs", &value)
}
