//! `boot_cpuid_phys`: dtc and most first stages leave 0 there, whichever CPU boots.

use super::{FixupFacts, TreeError, WorkingTree};

pub(super) fn apply(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<(), TreeError> {
    tree.set_boot_cpu(facts.boot_cpu);
    Ok(())
}
