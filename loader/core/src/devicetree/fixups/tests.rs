//! Each fixup from `.dts` to `.dts`: `testdata/NAME.dts` must become `testdata/NAME.expected.dts`.

use alloc::string::ToString;

use platform_api::{PhysAddr, PhysRange};

use super::{
    super::{
        TreeError, WorkingTree, check,
        testing::{printed, tree},
    },
    Entropy, FIXUPS, FixupFacts, LogFacts, apply,
};

const NOTHING: FixupFacts<'static> = FixupFacts {
    bootargs: None,
    initrd: None,
    memory: &[],
    reservations: &[],
    entropy: None,
    boot_cpu: 0,
    monitor: None,
    started: &[],
    console: None,
    log: None,
};

fn range(start: u64, size: u64) -> PhysRange {
    PhysRange::from_size(PhysAddr::new(start), size).unwrap()
}

/// Applies the named fixup, or all, twice.
fn fixed(source: &str, name: &str, facts: &FixupFacts<'_>) -> WorkingTree {
    let mut tree = tree(source);
    for _ in 0..2 {
        if name == "all" {
            apply(&mut tree, facts).unwrap();
        } else {
            let fixup = FIXUPS.iter().find(|fixup| fixup.name == name).unwrap();
            (fixup.apply)(&mut tree, facts).unwrap();
        }
    }
    WorkingTree::load(&tree.to_dtb(0).unwrap()).unwrap()
}

fn compare(source: &str, expected: &str, name: &str, facts: &FixupFacts<'_>) {
    let found = fixed(source, name, facts);
    let expected = tree(expected);
    assert_eq!(printed(&found), printed(&expected));
    assert_eq!(found.reservations(), expected.reservations());
}

macro_rules! fixture {
    ($file:literal, $fixup:literal, $facts:expr) => {
        compare(
            include_str!(concat!("testdata/", $file, ".dts")),
            include_str!(concat!("testdata/", $file, ".expected.dts")),
            $fixup,
            &$facts,
        )
    };
}

#[test]
fn bootargs_are_replaced() {
    let bootargs = Some("console=ttyAMA0 root=/dev/vda2");
    fixture!(
        "bootargs",
        "bootargs",
        FixupFacts {
            bootargs,
            ..NOTHING
        }
    );
}

#[test]
fn chosen_is_made_where_there_is_none() {
    let bootargs = Some("quiet");
    fixture!(
        "no-chosen",
        "bootargs",
        FixupFacts {
            bootargs,
            ..NOTHING
        }
    );
}

#[test]
fn without_facts_only_a_stale_initrd_goes() {
    fixture!("stale-initrd", "all", NOTHING);
}

#[test]
fn initrd_in_one_cell() {
    let initrd = Some(range(0x4800_0000, 0x12_3456));
    fixture!("initrd-1-cell", "initrd", FixupFacts { initrd, ..NOTHING });
}

#[test]
fn initrd_in_two_cells() {
    let initrd = Some(range(0x1_4800_0000, 0x1000));
    fixture!("initrd-2-cells", "initrd", FixupFacts { initrd, ..NOTHING });
}

#[test]
fn an_initrd_above_4_gib_needs_two_cells() {
    let facts = FixupFacts {
        initrd: Some(range(0xffff_f000, 0x1000)),
        ..NOTHING
    };
    let mut tree = tree(include_str!("testdata/initrd-1-cell.dts"));
    let refused = apply(&mut tree, &facts);
    assert_eq!(
        refused,
        Err(TreeError::CellWidth {
            value: 0x1_0000_0000,
            cells: 1
        })
    );
    assert_eq!(
        refused.unwrap_err().to_string(),
        "0x100000000 does not fit 1 cell(s)"
    );
}

#[test]
fn memory_that_says_the_same_stays_as_it_is() {
    let memory = &[range(0x4000_0000, 0x4000_0000)];
    fixture!("memory-same", "memory", FixupFacts { memory, ..NOTHING });
}

#[test]
fn memory_that_differs_is_written_to_one_node() {
    let memory = &[
        range(0x4000_0000, 0x2000_0000),
        range(0x1_0000_0000, 0x1000_0000),
    ];
    fixture!("memory-differs", "memory", FixupFacts { memory, ..NOTHING });
}

#[test]
fn memory_is_made_where_there_is_none() {
    let memory = &[range(0x8000_0000, 0x1000_0000)];
    fixture!("memory-missing", "memory", FixupFacts { memory, ..NOTHING });
}

#[test]
fn reservations_are_added_once() {
    let reservations = &[range(0x5000_0000, 0x1000), range(0x6000_0000, 0x2000)];
    let facts = FixupFacts {
        reservations,
        ..NOTHING
    };
    fixture!("reservations", "reservations", facts);
}

#[test]
fn the_log_has_one_node_and_two_properties() {
    let log = Some(LogFacts {
        page: range(0x4fbf_f000, 0x1000),
        count: 3,
        text: ["boot 3\n", "boot zImage\n"],
    });
    fixture!("log", "log", FixupFacts { log, ..NOTHING });
    fixture!("log-again", "log", FixupFacts { log, ..NOTHING });
}

#[test]
fn a_tree_that_cannot_tell_of_the_log_is_booted_without() {
    let facts = FixupFacts {
        log: Some(LogFacts {
            page: range(0x4fbf_f000, 0x1000),
            count: 3,
            text: ["", ""],
        }),
        ..NOTHING
    };
    let source = "/dts-v1/; / { reserved-memory { #address-cells = <3>; }; };";
    assert_eq!(
        printed(&fixed(source, "log", &facts)),
        printed(&tree(source))
    );
}

#[test]
fn the_monitor_has_a_node_that_is_not_mapped() {
    let monitor = Some(range(0x4fbf_e000, 0x2000));
    fixture!("monitor", "monitor", FixupFacts { monitor, ..NOTHING });
    // Where the tree cannot say it, no boot.
    let mut tree = tree("/dts-v1/; / { reserved-memory { #address-cells = <3>; }; };");
    let facts = FixupFacts { monitor, ..NOTHING };
    let error = apply(&mut tree, &facts);
    let wide = TreeError::CellWidth {
        value: 0x4fbf_e000,
        cells: 3,
    };
    assert_eq!(error, Err(wide));
}

#[test]
fn stdout_is_named_where_nobody_named_one() {
    let console = Some("/soc/serial@1000");
    fixture!("stdout", "stdout", FixupFacts { console, ..NOTHING });
    fixture!("stdout-named", "stdout", FixupFacts { console, ..NOTHING });
    // A tree that is not this machine's.
    let source = "/dts-v1/; / { chosen { }; };";
    let facts = FixupFacts { console, ..NOTHING };
    assert_eq!(
        printed(&fixed(source, "stdout", &facts)),
        printed(&tree(source))
    );
}

/// A monitor that starts these CPUs.
fn resident(started: &[u32]) -> FixupFacts<'_> {
    FixupFacts {
        monitor: Some(range(0x4fbf_e000, 0x2000)),
        started,
        ..NOTHING
    }
}

#[test]
fn psci_is_the_monitors_where_there_was_none() {
    fixture!("psci-missing", "psci", resident(&[0]));
}

#[test]
fn psci_is_the_monitors_where_there_was_another() {
    fixture!("psci-legacy", "psci", resident(&[0]));
    fixture!("psci-firmware", "psci", resident(&[0]));
}

#[test]
fn every_cpu_is_enabled_by_psci() {
    fixture!("cpus-soc", "cpus", resident(&[0, 1]));
    fixture!("cpus-spin-table", "cpus", resident(&[0x100, 0x101]));
}

#[test]
fn a_cpu_that_cannot_be_started_has_failed() {
    fixture!("cpus-fail", "cpus", resident(&[0]));
}

#[test]
fn what_the_monitor_does_nobody_else_does() {
    fixture!("power", "power", resident(&[0]));
}

#[test]
fn without_a_monitor_power_stays_as_it_is() {
    for source in [
        include_str!("testdata/psci-legacy.dts"),
        include_str!("testdata/cpus-soc.dts"),
        include_str!("testdata/cpus-spin-table.dts"),
        include_str!("testdata/power.dts"),
    ] {
        let found = fixed(source, "all", &NOTHING);
        assert_eq!(printed(&found), printed(&tree(source)));
    }
}

#[test]
fn seeds_are_written_only_with_entropy() {
    let entropy = Some(Entropy {
        kaslr_seed: 0x0123_4567_89ab_cdef,
        rng_seed: [0x5a; 32],
    });
    fixture!("entropy", "entropy", FixupFacts { entropy, ..NOTHING });
    let source = include_str!("testdata/entropy.dts");
    assert_eq!(
        printed(&fixed(source, "entropy", &NOTHING)),
        printed(&tree(source))
    );
}

#[test]
fn xen_modules_and_stdout_path_are_left_alone() {
    let facts = FixupFacts {
        bootargs: Some("console=dtuart"),
        memory: &[range(0x4000_0000, 0x4000_0000)],
        ..NOTHING
    };
    fixture!("xen", "all", facts);
}

#[test]
fn the_boot_cpu_is_in_the_header() {
    let facts = FixupFacts {
        boot_cpu: 0x100,
        ..NOTHING
    };
    let tree = fixed("/dts-v1/; / { };", "boot-cpu", &facts);
    let blob = tree.to_dtb(0).unwrap();
    assert_eq!(check(&blob).unwrap().header().boot_cpuid_phys, 0x100);
}
