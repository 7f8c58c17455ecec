//! Every rule with the state that keeps it and one value that breaks it.

use std::collections::BTreeMap;

use super::*;
use crate::survey::{GicState, VirtioState};

/// Collects the verdicts: "PASS", "SKIP", or what failed.
#[derive(Default)]
struct Verdicts(BTreeMap<String, String>);

impl Sink for Verdicts {
    fn line(&mut self, line: Line<'_>) {
        if let Line::Rule { name, verdict } = line {
            let text = match verdict {
                Verdict::Skip { .. } => "SKIP".to_owned(),
                other => other.to_string(),
            };
            assert!(
                self.0.insert(name.to_owned(), text).is_none(),
                "{name} twice"
            );
        }
    }
}

fn verdicts(evidence: &Evidence<'_>) -> BTreeMap<String, String> {
    let mut verdicts = Verdicts::default();
    judge(evidence, &mut verdicts);
    verdicts.0
}

/// A Cortex-A15 entered in HYP as it is owed.
fn good_state() -> EntryState {
    let mut state = EntryState {
        base: 0x4800_0000,
        cpsr: 0x6000_01da,
        image_crc: 0x1234_abcd,
        midr: 0x414f_c0f0,
        mpidr: 0x8000_0000,
        id_pfr1: 0x0001_1001,
        id_dfr0: 0x0201_0505,
        sctlr: 0x00c5_0078,
        pmcr: 0x410f_3000,
        cntfrq: 62_500_000,
        hsctlr: 0x30c5_0878,
        hdcr: 6,
        hcptr: 0x33ff,
        hvbar: 0x5fff_0000,
        vpidr: 0x414f_c0f0,
        vmpidr: 0x8000_0000,
        cnthctl: 3,
        ..EntryState::default()
    };
    state.general = [7; 15];
    state.general[..3].copy_from_slice(&[0, u32::MAX, 0x4900_0000]);
    state
}

fn good_facts() -> TreeFacts<'static> {
    TreeFacts {
        size: 0x1_0000,
        memory: [Range::sized(0x4000_0000, 0x2000_0000)]
            .into_iter()
            .collect(),
        // Loaders protect the tree and the initrd so; that is no intrusion.
        reservations: [
            Range::sized(0x4900_0000, 0x1_0000),
            Range::sized(0x4a00_0000, 0x10_0000),
        ]
        .into_iter()
        .collect(),
        reserved_memory: [Range::sized(0x5f00_0000, 0x1000)].into_iter().collect(),
        cpus: [0, 1].into_iter().collect(),
        bootargs: Some("report.image=1234abcd"),
        initrd_start: Some(0x4a00_0000),
        initrd_end: Some(0x4a0f_0000),
        stdout: Some("/pl011@9000000"),
        ..TreeFacts::default()
    }
}

fn good<'a>(facts: &'a TreeFacts<'a>) -> Evidence<'a> {
    Evidence {
        state: good_state(),
        image: ImageFacts {
            length: 0xd000,
            word_after: 0,
        },
        tree: Ok(facts),
        arguments: Arguments {
            image: Some(0x1234_abcd),
            initrd: Some(0xcafe),
            ..Arguments::default()
        },
        argument_error: None,
        initrd_crc: Some(0xcafe),
        survey: Survey {
            gic: Some(GicState {
                words: 9,
                gich_hcr: Some(0),
                ..GicState::default()
            }),
            virtio: [virtio(0)].into_iter().collect(),
            cpus: [(1, Some(1))].into_iter().collect(),
        },
        uart_flags: Some(0x90),
    }
}

fn virtio(status: u32) -> VirtioState {
    VirtioState {
        address: 0x0a00_3e00,
        device: 2,
        status,
    }
}

/// Breaks the state, and expects that this rule fails so, and no other rule.
fn state_breaks(rule: &str, breakage: impl FnOnce(&mut EntryState), failure: &str) {
    evidence_breaks(&[rule], |evidence| breakage(&mut evidence.state), failure);
}

/// Breaks the evidence, and expects that these rules fail, the first one so, and no others.
fn evidence_breaks(rules: &[&str], breakage: impl FnOnce(&mut Evidence<'_>), failure: &str) {
    let facts = good_facts();
    let mut evidence = good(&facts);
    breakage(&mut evidence);
    only_fail(rules, &verdicts(&evidence), failure);
}

fn facts_break(rules: &[&str], breakage: impl FnOnce(&mut TreeFacts<'_>), failure: &str) {
    let mut facts = good_facts();
    breakage(&mut facts);
    only_fail(rules, &verdicts(&good(&facts)), failure);
}

fn only_fail(rules: &[&str], found: &BTreeMap<String, String>, failure: &str) {
    let failed: Vec<&str> = found
        .iter()
        .filter(|(_, verdict)| verdict.starts_with("FAIL"))
        .map(|(rule, _)| rule.as_str())
        .collect();
    let mut expected = rules.to_vec();
    expected.sort_unstable();
    assert_eq!(failed, expected, "for {failure}");
    assert_eq!(found[rules[0]], format!("FAIL {failure}"));
}

#[test]
fn a_good_entry_passes_every_rule() {
    let facts = good_facts();
    let found = verdicts(&good(&facts));
    let others: Vec<_> = found.iter().filter(|(_, v)| *v != "PASS").collect();
    assert_eq!(others, Vec::<(&String, &String)>::new());
    assert_eq!(found.len(), 51);
}

#[test]
fn registers_and_mode() {
    state_breaks("regs.r0", |s| s.general[0] = 1, "got=1 want=0");
    state_breaks("regs.r1", |s| s.general[1] = 0, "got=0 want=ffffffff");
    // A tree that is not where r2 says is in nobody's reservation.
    let off = "got=49000004 want=nonzero-multiple-of-8";
    let found = &["regs.r2", "places.unreserved"];
    evidence_breaks(found, |e| e.state.general[2] += 4, off);
    state_breaks("mode.masks", |s| s.cpsr &= !(1 << 8), "got=c0 want=1c0");
    state_breaks("mode.masks", |s| s.cpsr &= !(1 << 7), "got=140 want=1c0");
    state_breaks("mode.masks", |s| s.cpsr &= !(1 << 6), "got=180 want=1c0");
    state_breaks("mode.arm", |s| s.cpsr |= 1 << 5, "got=20 want=0");
    state_breaks("mode.endian", |s| s.cpsr |= 1 << 9, "got=200 want=0");
    state_breaks("capture.undefined", |s| s.undefined = 1, "got=1 want=0");
    state_breaks("mode.entry", |s| s.cpsr = 0x1db, "got=1b want=hyp");
}

#[test]
fn hyp_registers() {
    let known = "want=30c50878";
    for bit in [1, 19, 21, 25, 30, 13, 31] {
        let got = 0x30c5_0878_u32 | 1 << bit;
        let failure = format!("got={got:x} {known}");
        state_breaks("hyp.hsctlr", |s| s.hsctlr = got, &failure);
    }
    state_breaks("hyp.hsctlr", |s| s.hsctlr = 0, &format!("got=0 {known}"));
    evidence_breaks(
        &["hyp.mmu_off", "hyp.hsctlr"],
        |e| e.state.hsctlr |= 1,
        "got=1 want=0",
    );
    evidence_breaks(
        &["hyp.mmu_off", "hyp.hsctlr"],
        |e| e.state.hsctlr |= 4,
        "got=4 want=0",
    );
    state_breaks("hyp.hcr", |s| s.hcr = 1 << 27, "got=8000000 want=0");
    state_breaks("hyp.hcptr", |s| s.hcptr |= 1 << 31, "got=80000000 want=0");
    state_breaks("hyp.hcptr", |s| s.hcptr |= 3 << 10, "got=c00 want=0");
    state_breaks("hyp.hstr", |s| s.hstr = 1 << 15, "got=8000 want=0");
    state_breaks("hyp.hdcr", |s| s.hdcr = 0, "got=0 want=6");
    state_breaks("hyp.hdcr", |s| s.hdcr |= 1 << 6, "got=46 want=6");
    state_breaks("hyp.cnthctl", |s| s.cnthctl = 0, "got=0 want=3");
    state_breaks("hyp.cnthctl", |s| s.cnthctl = 7, "got=7 want=3");
    let high = 1 << 32;
    state_breaks("hyp.cntvoff", |s| s.cntvoff = high, "got=100000000 want=0");
    state_breaks("hyp.vttbr", |s| s.vttbr = high, "got=100000000 want=0");
    state_breaks("hyp.vpidr", |s| s.vpidr = 0, "got=0 want=414fc0f0");
    state_breaks("hyp.vmpidr", |s| s.vmpidr = 1, "got=1 want=80000000");
    state_breaks("timer.cnthp", |s| s.cnthp_ctl = 5, "got=1 want=0");
}

#[test]
fn hvbar_lies_in_nobodys_memory() {
    for (hvbar, failure) in [
        (0x4800_0000, "got=48000000 want=outside-image"),
        (0x4800_cfe0, "got=4800cfe0 want=outside-image"),
        (0x4900_0000, "got=49000000 want=outside-tree"),
        (0x4a0e_ffe0, "got=4a0effe0 want=outside-initrd"),
    ] {
        state_breaks("hyp.hvbar", |s| s.hvbar = hvbar, failure);
    }
}

#[test]
fn pl1_registers_and_timers() {
    for (bit, failure) in [
        (1, "got=22 want=20"),
        (12, "got=1020 want=20"),
        (25, "got=2000020 want=20"),
        (30, "got=40000020 want=20"),
    ] {
        state_breaks("pl1.sctlr", |s| s.sctlr |= 1 << bit, failure);
    }
    state_breaks("pl1.sctlr", |s| s.sctlr &= !(1 << 5), "got=0 want=20");
    let mmu = &["pl1.mmu_off", "pl1.sctlr"];
    evidence_breaks(mmu, |e| e.state.sctlr |= 1, "got=1 want=0");
    evidence_breaks(mmu, |e| e.state.sctlr |= 4, "got=4 want=0");
    state_breaks("pl1.ttbcr", |s| s.ttbcr = 1 << 31, "got=80000000 want=0");
    let sane = "want=1-MHz-to-1-GHz";
    state_breaks("timer.cntfrq", |s| s.cntfrq = 0, &format!("got=0 {sane}"));
    let slow = format!("got=8000 {sane}");
    state_breaks("timer.cntfrq", |s| s.cntfrq = 32_768, &slow);
    state_breaks("timer.cntp", |s| s.cntp_ctl = 1, "got=1 want=0");
    state_breaks("timer.cntv", |s| s.cntv_ctl = 1, "got=1 want=0");
}

#[test]
fn the_machine_is_quiet() {
    let gic = |state: GicState| move |e: &mut Evidence<'_>| e.survey.gic = Some(state);
    let quiet = GicState {
        gich_hcr: Some(0),
        ..GicState::default()
    };
    let state = GicState {
        active: Some(0),
        ..quiet
    };
    evidence_breaks(&["gic.active"], gic(state), "got=0 want=none");
    let state = GicState {
        pending: Some(33),
        ..quiet
    };
    evidence_breaks(&["gic.pending"], gic(state), "got=21 want=none");
    let state = GicState {
        gich_hcr: Some(1),
        ..quiet
    };
    evidence_breaks(&["gic.gich_hcr"], gic(state), "got=1 want=0");

    let running = |e: &mut Evidence<'_>| e.survey.virtio.push(virtio(0xf));
    evidence_breaks(&["devices.virtio"], running, "got=f want=0");
    let on = |e: &mut Evidence<'_>| e.survey.cpus.push((2, Some(0)));
    evidence_breaks(&["cpus.off"], on, "got=0 want=1");
    let error = |e: &mut Evidence<'_>| e.survey.cpus.push((2, Some(-2)));
    evidence_breaks(&["cpus.off"], error, "got=fffffffe want=1");
    let busy = |e: &mut Evidence<'_>| e.uart_flags = Some(0x18);
    evidence_breaks(&["uart.drained"], busy, "got=8 want=80");
}

#[test]
fn the_tree_is_sane() {
    facts_break(
        &["tree.bootargs"],
        |f| f.bootargs = None,
        "got=absent want=present",
    );
    facts_break(
        &["tree.stdout"],
        |f| f.stdout = None,
        "got=absent want=present",
    );
    facts_break(&["tree.boot_cpu"], |f| f.boot_cpu = 1, "got=1 want=0");
    facts_break(
        &["tree.memory", "image.ram", "tree.ram", "initrd.ram"],
        |f| f.memory.clear(),
        "got=0 want=present",
    );
    let one_end = |f: &mut TreeFacts<'_>| f.initrd_end = None;
    facts_break(&["tree.initrd"], one_end, "got=one-end want=both-ends");
    let turned = |f: &mut TreeFacts<'_>| f.initrd_end = Some(0x4a00_0000);
    facts_break(&["tree.initrd"], turned, "got=4a000000 want=4a000000");
    let unreadable = |e: &mut Evidence<'_>| {
        e.argument_error = Some(ArgumentError { word: "report.x=1" });
    };
    evidence_breaks(
        &["tree.arguments"],
        unreadable,
        "got=unreadable want=readable",
    );
}

#[test]
fn what_was_promised_has_arrived() {
    evidence_breaks(
        &["image.crc"],
        |e| e.arguments.image = Some(1),
        "got=1234abcd want=1",
    );
    evidence_breaks(
        &["initrd.crc"],
        |e| e.initrd_crc = Some(2),
        "got=2 want=cafe",
    );
    evidence_breaks(
        &["initrd.crc"],
        |e| e.initrd_crc = None,
        "got=absent want=cafe",
    );
    let stale = |e: &mut Evidence<'_>| e.image.word_after = 0xd00d_feed;
    evidence_breaks(&["image.appended"], stale, "got=d00dfeed want=no-tree");
    state_breaks("image.scratch", |s| s.scratch_dirty = 9, "got=9 want=0");
    state_breaks("image.aligned", |s| s.base += 0x800, "got=800 want=0");
}

#[test]
fn a_promised_initrd_that_is_missing_fails() {
    let mut facts = good_facts();
    (facts.initrd_start, facts.initrd_end) = (None, None);
    let mut evidence = good(&facts);
    evidence.initrd_crc = None;
    let found = verdicts(&evidence);
    only_fail(
        &["tree.initrd", "initrd.crc"],
        &found,
        "got=absent want=present",
    );

    evidence.arguments.initrd = None;
    let found = verdicts(&evidence);
    assert_eq!(found["tree.initrd"], "SKIP");
    assert_eq!(found["initrd.crc"], "SKIP");
    assert_eq!(found["initrd.ram"], "SKIP");
}

#[test]
fn nothing_overlaps() {
    // The tree moves; its reservation does not, and is then somebody else's if they touch.
    let tree_at = |address| move |e: &mut Evidence<'_>| e.state.general[2] = address;
    let clash = &["places.disjoint"];
    evidence_breaks(clash, tree_at(0x4800_c000), "got=image-and-tree want=none");
    let clash = &["places.disjoint", "places.unreserved"];
    evidence_breaks(clash, tree_at(0x49ff_8000), "got=tree-and-initrd want=none");
    let image = |e: &mut Evidence<'_>| e.state.base = 0x4a00_0000;
    evidence_breaks(clash, image, "got=image-and-initrd want=none");

    let reserve =
        |start| move |f: &mut TreeFacts<'_>| f.reserved_memory.push(Range::sized(start, 8));
    let intruded = &["places.unreserved"];
    facts_break(intruded, reserve(0x4800_0800), "got=image want=none");
    facts_break(intruded, reserve(0x4900_0800), "got=tree want=none");
    facts_break(intruded, reserve(0x4a00_0800), "got=initrd want=none");
}

#[test]
fn all_of_it_lies_in_ram() {
    let base = |e: &mut Evidence<'_>| e.state.base = 0x5fff_f000;
    evidence_breaks(&["image.ram"], base, "got=5ffff000 want=in-ram");
    let tree = |e: &mut Evidence<'_>| e.state.general[2] = 0x3fff_8000;
    evidence_breaks(&["tree.ram"], tree, "got=3fff8000 want=in-ram");
    let initrd = |f: &mut TreeFacts<'_>| {
        (f.initrd_start, f.initrd_end) = (Some(0x7000_0000), Some(0x7000_1000));
    };
    facts_break(&["initrd.ram"], initrd, "got=70000000 want=in-ram");
}

#[test]
fn in_svc_the_rules_of_hyp_are_skipped_and_the_icache_is_free() {
    let facts = good_facts();
    let mut evidence = good(&facts);
    evidence.state.cpsr = 0x1d3;
    evidence.state.hcr = 1;
    evidence.state.sctlr |= 1 << 12;
    let found = verdicts(&evidence);
    for (rule, verdict) in &found {
        let expected = match rule.as_str() {
            "mode.hyp" | "timer.cnthp" => "SKIP",
            rule if rule.starts_with("hyp.") => "SKIP",
            _ => "PASS",
        };
        assert_eq!(verdict, expected, "{rule}");
    }
}

#[test]
fn without_a_tree_its_rules_are_skipped_and_it_fails() {
    let facts = good_facts();
    let mut evidence = good(&facts);
    evidence.tree = Err(TreeError::Magic(0xdead));
    evidence.survey = Survey::default();
    evidence.uart_flags = None;
    evidence.initrd_crc = None;
    evidence.arguments = Arguments::default();
    let found = verdicts(&evidence);
    only_fail(&["tree.valid"], &found, "got=dead want=magic");
    assert_eq!(found.len(), 51, "the same rules are always judged");
}

#[test]
fn registers_a_processor_has_not_are_excused() {
    let old = |timer: u32, monitors: u32, undefined: u32| EntryState {
        cpsr: 0x1d3,
        id_pfr1: timer << 16,
        id_dfr0: monitors << 24,
        undefined,
        ..EntryState::default()
    };
    for (state, passes) in [
        (old(1, 2, 0), true),
        (old(1, 2, 1), false),
        (old(0, 2, 5), true),
        (old(0, 2, 6), false),
        (old(1, 0xf, 1), true),
        (old(1, 0, 2), false),
    ] {
        let facts = good_facts();
        let mut evidence = good(&facts);
        evidence.state = state;
        let found = &verdicts(&evidence)["capture.undefined"];
        assert_eq!(found == "PASS", passes, "{state:?}");
    }
}
