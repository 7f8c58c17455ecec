//! A device tree from the first stage or the card: checked, read in every way, fixed, written.
#![no_main]

use baton_core::devicetree::{
    CheckedTree, WorkingTree, check, discover, early,
    fixups::{self, Entropy, FixupFacts, LogFacts},
    render,
};
use baton_fuzz::machine::{check_written, range};
use fdt_rs::{base::DevTree, error::DevTreeError};
use libfuzzer_sys::fuzz_target;

/// Opens a blob with fdt-rs, as the composition root does.
fn open(blob: &[u8]) -> Result<DevTree<'_>, DevTreeError> {
    // SAFETY: `discover` hands over only blobs that its check accepted, aligned to 4 bytes and
    // not longer than their `totalsize`.
    unsafe { DevTree::new(blob) }
}

/// Reads a blob that passed the check in every way. What is written must be the same tree.
fn exercise(blob: &[u8], checked: &CheckedTree<'_>) {
    let tree = WorkingTree::load(blob).expect("what was checked can be loaded");
    let found = discover(blob, open);
    let memory = early::memory(blob);
    let written = tree.to_dtb(8).expect("a tree can be written");
    let again = check(&written).expect("what was written can be read");
    assert_eq!(again.nodes(), checked.nodes());
    assert_eq!(again.properties(), checked.properties());
    assert_eq!(discover(&written, open), found);
    let banks = |memory: early::EarlyMemory| (memory.banks, memory.reserved, memory.initrd);
    assert_eq!(early::memory(&written).map(banks), memory.map(banks));
    check_written(&tree);

    let mut text = String::new();
    render::node(&mut text, &tree, tree.root(), usize::MAX).expect("text never fails");
    assert!(!text.is_empty());
    fix(tree);
}

/// Fixes a tree twice: that changes what was to be changed, and the second time nothing.
fn fix(mut tree: WorkingTree) {
    let memory = [range(0x4000_0000, 0x1000_0000), range(0x8000_0000, 0x1000)];
    let facts = FixupFacts {
        bootargs: Some("console=ttyAMA0"),
        initrd: Some(range(0x4800_0000, 0x12_3456)),
        memory: &memory,
        reservations: &[range(0x5000_0000, 0x1000)],
        entropy: Some(Entropy {
            kaslr_seed: 7,
            rng_seed: [9; 32],
        }),
        boot_cpu: 3,
        monitor: Some(range(0x4dff_d000, 0x2000)),
        started: &[0, 1],
        console: Some("/"),
        log: Some(LogFacts {
            page: range(0x4dff_f000, 0x1000),
            count: 7,
            text: ["a line\n", "and another\n"],
        }),
    };
    if fixups::apply(&mut tree, &facts).is_err() {
        return;
    }
    check_written(&tree);
    let once = tree.to_dtb(0).expect("a fixed tree can be written");
    fixups::apply(&mut tree, &facts).expect("what was fixed can be fixed");
    assert_eq!(tree.to_dtb(0).as_ref(), Ok(&once), "not idempotent");
    if let Ok(found) = discover(&once, open) {
        assert_eq!(found.bootargs.as_deref(), facts.bootargs);
        assert_eq!(found.initrd, facts.initrd);
        assert_eq!(found.memory, facts.memory);
        assert_eq!(found.boot_cpu, facts.boot_cpu);
    }
}

fuzz_target!(|data: &[u8]| {
    // At an odd address, too: nobody aligns what `fdt addr` is given.
    let odd: Vec<u8> = [&[0], data].concat();
    let odd = &odd[1..];
    assert_eq!(discover(odd, open), discover(data, open));
    match check(data) {
        Ok(checked) => exercise(data, &checked),
        Err(error) => {
            assert_eq!(WorkingTree::load(data).map(|_| ()), Err(error.clone()));
            assert!(discover(data, open).is_err());
            assert!(early::memory(data).is_err());
            assert!(!error.to_string().is_empty());
        }
    }
});
