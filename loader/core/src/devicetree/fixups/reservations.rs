//! /memreserve/ entries for what outlives the handoff and no node of the tree covers.

use super::{FixupFacts, TreeError, WorkingTree};

pub(super) fn apply(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<(), TreeError> {
    for range in facts.reservations {
        tree.add_reservation(range.start().as_u64(), range.size());
    }
    Ok(())
}
