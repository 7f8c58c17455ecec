//! Every rule with the state that keeps it and one value that breaks it.

mod places;
mod processors;
mod registers;

use std::collections::BTreeMap;

use super::*;
use crate::survey::{GicState, Refusals, SecondaryState, Started, VirtioState};

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

/// What firmware answers to what it must refuse.
const REFUSALS: Refusals = Refusals {
    unknown: 0xffff_ffff,
    nobody: 0xffff_fffe,
    already_on: 0xffff_fffc,
    changed: 0,
};

/// What evidence is made of.
struct Case {
    state: EntryState,
    image: ImageFacts,
    facts: TreeFacts<'static>,
    tree_error: Option<TreeError>,
    arguments: Arguments,
    argument_error: Option<ArgumentError<'static>>,
    initrd_crc: Option<u32>,
    survey: Survey,
    uart_flags: Option<u32>,
}

impl Case {
    fn good() -> Self {
        Self {
            state: good_state(),
            image: ImageFacts {
                length: 0xd000,
                word_after: 0,
            },
            facts: good_facts(),
            tree_error: None,
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
                refusals: Some(REFUSALS),
                started: [(1, started(1))].into_iter().collect(),
            },
            uart_flags: Some(0x90),
        }
    }

    /// Has the other CPUs come in the mode this one was entered in.
    fn same_mode_everywhere(&mut self) {
        for (_, started) in &mut self.survey.started {
            if let Some(state) = &mut started.state {
                state.cpsr = state.cpsr & !0x1f | self.state.cpsr & 0x1f;
            }
        }
    }

    /// Returns every rule's verdict: "PASS", "SKIP", or what failed.
    fn judge(&self) -> BTreeMap<String, String> {
        let evidence = Evidence {
            state: &self.state,
            image: self.image,
            tree: self.tree_error.map_or(Ok(&self.facts), Err),
            arguments: self.arguments,
            argument_error: self.argument_error,
            initrd_crc: self.initrd_crc,
            survey: &self.survey,
            uart_flags: self.uart_flags,
        };
        let mut verdicts = Verdicts::default();
        judge(&evidence, &mut verdicts);
        verdicts.0
    }
}

fn virtio(status: u32) -> VirtioState {
    VirtioState {
        address: 0x0a00_3e00,
        device: 2,
        status,
    }
}

/// A CPU that came as it is owed, and went.
fn started(affinity: u32) -> Started {
    Started {
        answer: 0,
        state: Some(SecondaryState {
            r0: !affinity,
            cpsr: 0x1da,
            mpidr: 0x8000_0000 | affinity,
            sctlr: 0x00c5_0078,
            hsctlr: 0x30c5_0878,
            hcr: 0,
        }),
        after: 1,
    }
}

/// Breaks the state, and expects that this rule fails so, and no other rule.
fn state_breaks(rule: &str, breakage: impl FnOnce(&mut EntryState), failure: &str) {
    let break_state = |case: &mut Case| {
        breakage(&mut case.state);
        case.same_mode_everywhere();
    };
    breaks(&[rule], break_state, failure);
}

/// Breaks the tree's facts, and expects that these rules fail, the first one so, and no others.
fn facts_break(rules: &[&str], breakage: impl FnOnce(&mut TreeFacts<'_>), failure: &str) {
    breaks(rules, |case| breakage(&mut case.facts), failure);
}

/// Breaks anything, and expects the same.
fn breaks(rules: &[&str], breakage: impl FnOnce(&mut Case), failure: &str) {
    let mut case = Case::good();
    breakage(&mut case);
    only_fail(rules, &case.judge(), failure);
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
    let found = Case::good().judge();
    let others: Vec<_> = found.iter().filter(|(_, v)| *v != "PASS").collect();
    assert_eq!(others, Vec::<(&String, &String)>::new());
    assert_eq!(found.len(), 64);
}

#[test]
fn firmware_refuses_what_it_must() {
    let with = |refusals: Refusals| move |case: &mut Case| case.survey.refusals = Some(refusals);
    let refusals = Refusals {
        unknown: 0,
        ..REFUSALS
    };
    breaks(&["firmware.unknown"], with(refusals), "got=0 want=ffffffff");
    let refusals = Refusals {
        nobody: 1,
        ..REFUSALS
    };
    breaks(&["firmware.nobody"], with(refusals), "got=1 want=fffffffe");
    let refusals = Refusals {
        already_on: 0xffff_fffb,
        ..REFUSALS
    };
    let failure = "got=fffffffb want=fffffffc";
    breaks(&["firmware.already_on"], with(refusals), failure);
    let refusals = Refusals {
        changed: 0x10,
        ..REFUSALS
    };
    breaks(&["firmware.registers"], with(refusals), "got=10 want=0");
    let mut case = Case::good();
    case.survey.refusals = None;
    let found = case.judge();
    let skipped = found.iter().filter(|(_, verdict)| *verdict == "SKIP");
    assert!(
        skipped
            .clone()
            .all(|(rule, _)| rule.starts_with("firmware."))
    );
    assert_eq!(skipped.count(), 4);
}

#[test]
fn the_machine_is_quiet() {
    let gic = |state: GicState| move |e: &mut Case| e.survey.gic = Some(state);
    let quiet = GicState {
        gich_hcr: Some(0),
        ..GicState::default()
    };
    let state = GicState {
        active: Some(0),
        ..quiet
    };
    breaks(&["gic.active"], gic(state), "got=0 want=none");
    let state = GicState {
        pending: Some(33),
        ..quiet
    };
    breaks(&["gic.pending"], gic(state), "got=21 want=none");
    let state = GicState {
        gich_hcr: Some(1),
        ..quiet
    };
    breaks(&["gic.gich_hcr"], gic(state), "got=1 want=0");

    let running = |e: &mut Case| e.survey.virtio.push(virtio(0xf));
    breaks(&["devices.virtio"], running, "got=f want=0");
    let on = |e: &mut Case| e.survey.cpus.push((2, Some(0)));
    breaks(&["cpus.off"], on, "got=0 want=1");
    let error = |e: &mut Case| e.survey.cpus.push((2, Some(-2)));
    breaks(&["cpus.off"], error, "got=fffffffe want=1");
    let busy = |e: &mut Case| e.uart_flags = Some(0x18);
    breaks(&["uart.drained"], busy, "got=8 want=80");
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
    let unreadable = |e: &mut Case| {
        e.argument_error = Some(ArgumentError { word: "report.x=1" });
    };
    breaks(
        &["tree.arguments"],
        unreadable,
        "got=unreadable want=readable",
    );
}

#[test]
fn without_a_tree_its_rules_are_skipped_and_it_fails() {
    let mut case = Case::good();
    case.tree_error = Some(TreeError::Magic(0xdead));
    case.survey = Survey::default();
    case.uart_flags = None;
    case.initrd_crc = None;
    case.arguments = Arguments::default();
    let found = case.judge();
    only_fail(&["tree.valid"], &found, "got=dead want=magic");
    assert_eq!(found.len(), 64, "the same rules are always judged");
}
