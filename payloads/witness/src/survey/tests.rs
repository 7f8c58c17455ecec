use std::collections::BTreeMap;

use super::*;

/// Registers in a map; what is not there reads as 0, and no CPU is off unless it is said to be.
#[derive(Default)]
struct Fake {
    registers: BTreeMap<u32, u32>,
    power: BTreeMap<u32, i32>,
    asked: Vec<(Conduit, u32)>,
    started: Vec<u32>,
}

impl Machine for Fake {
    fn read(&mut self, address: u32) -> u32 {
        self.registers.get(&address).copied().unwrap_or(0)
    }

    fn affinity_info(&mut self, conduit: Conduit, affinity: u32) -> i32 {
        self.asked.push((conduit, affinity));
        self.power.get(&affinity).copied().unwrap_or(0)
    }

    fn call(&mut self, _: Conduit, function: u32, [affinity, ..]: [u32; 3]) -> (u32, u32) {
        match (function, affinity) {
            (AFFINITY_INFO, NOBODY) => (0xffff_fffe, 0),
            (CPU_ON, 5) => (0xffff_fffc, 1 << 4),
            _ => (u32::MAX, 1),
        }
    }

    fn start(&mut self, _: Conduit, affinity: u32) -> Started {
        self.started.push(affinity);
        Started::default()
    }
}

fn fake(registers: &[(u32, u32)]) -> Fake {
    Fake {
        registers: registers.iter().copied().collect(),
        ..Fake::default()
    }
}

const GICD: u32 = 0x0800_0000;
const GICC: u32 = 0x0801_0000;
const GICH: u32 = 0x0803_0000;
const GICR: u32 = 0x080a_0000;

fn gic_v2(registers: &[(u32, u32)]) -> GicState {
    let gic = Gic::V2 {
        distributor: u64::from(GICD),
        cpu: u64::from(GICC),
        hypervisor: Some(u64::from(GICH)),
    };
    gic_state(&mut fake(registers), gic, &EntryState::default()).unwrap()
}

#[test]
fn a_quiet_gic_v2_has_nothing_active_or_pending() {
    let state = gic_v2(&[(GICD + 4, 8), (GICC + 0x14, 0xff)]);
    assert_eq!((state.active, state.pending), (None, None));
    assert_eq!(state.words, 9);
    assert_eq!(state.gich_hcr, Some(0));
    assert_eq!(state.gicc_rpr, Some(0xff));
}

#[test]
fn an_active_interrupt_is_found_by_its_number() {
    let state = gic_v2(&[(GICD + 4, 8), (GICD + 0x304, 1 << 3)]);
    assert_eq!(state.active, Some(35));
    let state = gic_v2(&[(GICD + 4, 8), (GICD + 0x320, 1 << 31)]);
    assert_eq!(state.active, Some(287));
    // Beyond the last word there is nothing to look at.
    let state = gic_v2(&[(GICD + 4, 0), (GICD + 0x304, 1 << 3)]);
    assert_eq!(state.active, None);
}

#[test]
fn a_pending_interrupt_counts_only_if_enabled() {
    let pending = (GICD + 0x200, 1 << 27);
    assert_eq!(gic_v2(&[pending]).pending, None);
    assert_eq!(
        gic_v2(&[pending, (GICD + 0x100, 1 << 27)]).pending,
        Some(27)
    );
}

#[test]
fn a_gic_v3_is_asked_in_this_cpus_redistributor() {
    let gic = Gic::V3 {
        distributor: u64::from(GICD),
        redistributors: Range::sized(u64::from(GICR), 0x4_0000),
    };
    let mut machine = fake(&[
        (GICD + 4, 1),
        // CPU 1's frame comes second, and is the last.
        (GICR + 0x2_0008, 1 << 4),
        (GICR + 0x2_000c, 1),
        (GICR + 0x1_0300, 1 << 9),
        (GICR + 0x3_0300, 1 << 26),
        // The distributor's first word is nobody's when redistributors exist.
        (GICD + 0x300, 1),
    ]);
    let state = EntryState {
        mpidr: 0x8000_0001,
        ..EntryState::default()
    };
    let found = gic_state(&mut machine, gic, &state).unwrap();
    assert_eq!(found.active, Some(26));
    assert_eq!(found.gich_hcr, None);

    let nobody = EntryState {
        mpidr: 0x8000_0002,
        ..EntryState::default()
    };
    assert_eq!(gic_state(&mut machine, gic, &nobody), None);
}

#[test]
fn virtio_transports_without_a_device_are_left_out() {
    let mut machine = fake(&[
        (0x1000, VIRTIO_MAGIC),
        (0x1070, 0xf),
        (0x2000, VIRTIO_MAGIC),
        (0x2008, 2),
        (0x2070, 0xf),
        (0x3008, 2),
        (0x3070, 0xf),
    ]);
    let found = virtio_states(&mut machine, &[0x1000, 0x2000, 0x3000, 1 << 32]);
    let expected = VirtioState {
        address: 0x2000,
        device: 2,
        status: 0xf,
    };
    assert_eq!(found.as_slice(), [expected]);
}

/// What was found of each CPU, and what was asked.
type Found = (Vec<(u32, Option<i32>)>, Vec<(Conduit, u32)>);

fn cpus(conduit: Option<Conduit>, cpsr: u32) -> Found {
    let mut machine = Fake {
        power: BTreeMap::from([(1, 1)]),
        ..Fake::default()
    };
    let facts = TreeFacts {
        cpus: [0, 1, 2].into_iter().collect(),
        psci: conduit,
        ..TreeFacts::default()
    };
    let state = EntryState {
        cpsr,
        mpidr: 0x8000_0000,
        ..EntryState::default()
    };
    let found = cpu_states(&mut machine, &facts, &state);
    (found.to_vec(), machine.asked)
}

#[test]
fn every_other_cpu_is_asked_for() {
    let (found, asked) = cpus(Some(Conduit::Smc), 0x1da);
    assert_eq!(found, [(1, Some(1)), (2, Some(0))]);
    assert_eq!(asked, [(Conduit::Smc, 1), (Conduit::Smc, 2)]);
}

#[test]
fn nobody_answers_an_hvc_from_hyp() {
    assert_eq!(cpus(Some(Conduit::Hvc), 0x1da).1, []);
    assert_eq!(cpus(None, 0x1da).0, [(1, None), (2, None)]);
    assert_eq!(cpus(Some(Conduit::Hvc), 0x1d3).1.len(), 2);
}

#[test]
fn firmware_is_asked_for_what_it_must_refuse() {
    let facts = TreeFacts {
        psci: Some(Conduit::Smc),
        ..TreeFacts::default()
    };
    let state = EntryState {
        cpsr: 0x1da,
        mpidr: 0x8000_0005,
        ..EntryState::default()
    };
    let survey = Survey::take(&mut Fake::default(), &facts, &state);
    let found = Refusals {
        unknown: u32::MAX,
        nobody: 0xffff_fffe,
        already_on: 0xffff_fffc,
        changed: 0x11,
    };
    assert_eq!(survey.refusals, Some(found));
    let nobody = TreeFacts::default();
    let survey = Survey::take(&mut Fake::default(), &nobody, &state);
    assert_eq!(survey.refusals, None);
}
