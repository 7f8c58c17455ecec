//! `kaslr-seed` and `rng-seed` in /chosen, only where there is entropy: a constant seed is worse
//! than none, because the kernel credits it.

use super::{FixupFacts, TreeError, WorkingTree};

pub(super) fn apply(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<(), TreeError> {
    let Some(entropy) = facts.entropy else {
        return Ok(());
    };
    let chosen = tree.ensure_node(tree.root(), "chosen")?;
    tree.set_property(chosen, "kaslr-seed", &entropy.kaslr_seed.to_be_bytes())?;
    tree.set_property(chosen, "rng-seed", &entropy.rng_seed)
}
