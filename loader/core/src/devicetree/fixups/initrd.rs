//! `linux,initrd-start` and `linux,initrd-end` in /chosen, as wide as the root's addresses.
//! Without an initrd, those of an earlier boot would have the kernel free somebody else's memory.

use platform_api::PhysRange;

use super::{
    super::{early, number},
    CellBuffer, FixupFacts, TreeError, WorkingTree,
};

const START: &str = "linux,initrd-start";
const END: &str = "linux,initrd-end";

/// Removes the /memreserve/ entry that U-Boot makes for an initrd, where another one or none
/// follows: the kernel would lose the memory, and every kernel after it.
fn forget_reservation(tree: &mut WorkingTree, initrd: Option<PhysRange>) {
    let number = |name| {
        let chosen = tree.child(tree.root(), "chosen")?;
        tree.property(chosen, name).and_then(number)
    };
    let old = early::initrd([number(START), number(END)]);
    if let Some(old) = old.filter(|_| old != initrd) {
        tree.unreserve(old.start().as_u64(), old.size());
    }
}

pub(super) fn apply(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<(), TreeError> {
    forget_reservation(tree, facts.initrd);
    let Some(initrd) = facts.initrd else {
        if let Some(chosen) = tree.child(tree.root(), "chosen") {
            tree.remove_property(chosen, START);
            tree.remove_property(chosen, END);
        }
        return Ok(());
    };
    let cells = tree.cells(tree.root()).address;
    let start = CellBuffer::new(initrd.start().as_u64(), cells)?;
    let end = CellBuffer::new(initrd.end().as_u64(), cells)?;
    let chosen = tree.ensure_node(tree.root(), "chosen")?;
    tree.set_property(chosen, START, start.bytes())?;
    tree.set_property(chosen, END, end.bytes())
}
