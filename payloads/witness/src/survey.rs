//! What is asked of the machine after entry: it stays as it was until somebody changes it.

use arrayvec::ArrayVec;

use crate::tree::{Conduit, Gic, TreeFacts};
use crate::{EntryState, Mode, Range};

/// The machine as far as it is asked: device registers and firmware.
pub trait Machine {
    /// Reads a 32-bit device register.
    fn read(&mut self, address: u32) -> u32;

    /// Calls PSCI `AFFINITY_INFO` for a CPU (ARM DEN 0022): 0 on, 1 off, 2 coming, or an error
    /// below 0.
    fn affinity_info(&mut self, conduit: Conduit, affinity: u32) -> i32;

    /// Calls firmware, and tells its answer and which bits of r4 to r11 were not as before.
    fn call(&mut self, conduit: Conduit, function: u32, arguments: [u32; 3]) -> (u32, u32);

    /// Starts a CPU by PSCI `CPU_ON`, has it leave its state and stop again.
    fn start(&mut self, conduit: Conduit, affinity: u32) -> Started;
}

/// What firmware answers to calls that it must refuse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refusals {
    /// To a function that PSCI does not have.
    pub unknown: u32,
    /// To `AFFINITY_INFO` of a CPU that there is not.
    pub nobody: u32,
    /// To `CPU_ON` of the CPU that calls.
    pub already_on: u32,
    /// Bits of r4 to r11 that were not as before after any of them.
    pub changed: u32,
}

/// A CPU that was started, and what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Started {
    /// `CPU_ON`'s answer: 0, or an error below 0.
    pub answer: i32,
    /// What it was entered in; `None` if it did not come.
    pub state: Option<SecondaryState>,
    /// The last answer of `AFFINITY_INFO`, after it was to stop: 1 off.
    pub after: i32,
}

/// What a CPU that was started found at its first instruction. HYP's registers are 0 if it came
/// in another mode.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecondaryState {
    /// The context `CPU_ON` was given.
    pub r0: u32,
    /// The program status register.
    pub cpsr: u32,
    /// Which CPU it is.
    pub mpidr: u32,
    /// PL1's system control.
    pub sctlr: u32,
    /// HYP's system control.
    pub hsctlr: u32,
    /// HYP configuration.
    pub hcr: u32,
}

impl SecondaryState {
    /// Returns the context that the CPU of this affinity is given: no two have the same.
    pub fn context(affinity: u32) -> u32 {
        !affinity
    }
}

/// What the survey found.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    /// The interrupt controller.
    pub gic: Option<GicState>,
    /// virtio-mmio devices that are there.
    pub virtio: ArrayVec<VirtioState, 64>,
    /// All CPUs but this one, and what PSCI says of them; `None` where nobody can be asked.
    pub cpus: ArrayVec<(u32, Option<i32>), 16>,
    /// What firmware refuses; `None` where it cannot be called.
    pub refusals: Option<Refusals>,
    /// Those of them that were off, and were started.
    pub started: ArrayVec<(u32, Started), 16>,
}

/// The state of an interrupt controller as this CPU sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GicState {
    /// How many words of 32 interrupts were looked at.
    pub words: u32,
    /// The first interrupt that is active.
    pub active: Option<u32>,
    /// The first interrupt that is pending and enabled.
    pub pending: Option<u32>,
    /// `GICH_HCR`, where it is mapped.
    pub gich_hcr: Option<u32>,
    /// `GICC_CTLR`, where it is mapped.
    pub gicc_ctlr: Option<u32>,
    /// `GICC_RPR`, where it is mapped: 0xff when nothing is active.
    pub gicc_rpr: Option<u32>,
}

/// A virtio-mmio device (Virtual I/O Device Version 1.2, 4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VirtioState {
    /// Its registers' address.
    pub address: u32,
    /// Its `DeviceID`; 0 is "no device here" and is left out.
    pub device: u32,
    /// Its `Status`; 0 after a reset, and then no DMA goes on.
    pub status: u32,
}

/// `AFFINITY_INFO`'s answer for a CPU that is off.
pub const OFF: i32 = 1;

const GICD_TYPER: u32 = 0x004;
const GIC_ISENABLER: u32 = 0x100;
const GIC_ISPENDR: u32 = 0x200;
const GIC_ISACTIVER: u32 = 0x300;
const GICC_CTLR: u32 = 0x00;
const GICC_RPR: u32 = 0x14;
const GICH_HCR: u32 = 0x00;
const GICR_TYPER: u32 = 0x08;
const GICR_SGI_FRAME: u32 = 0x1_0000;
const GICR_STRIDE: u32 = 0x2_0000;
const VIRTIO_MAGIC: u32 = 0x7472_6976;

impl Survey {
    /// Asks the machine everything.
    pub fn take(machine: &mut dyn Machine, facts: &TreeFacts<'_>, state: &EntryState) -> Self {
        let mut survey = Self {
            gic: facts.gic.and_then(|gic| gic_state(machine, gic, state)),
            virtio: virtio_states(machine, &facts.virtio),
            cpus: cpu_states(machine, facts, state),
            refusals: None,
            started: ArrayVec::new(),
        };
        // Last: from here on the machine is not as it was handed over.
        if let Some(conduit) = callable(facts, state) {
            survey.refusals = Some(refusals(machine, conduit, state));
            let off = survey.cpus.iter().filter(|(_, power)| *power == Some(OFF));
            survey.started = off
                .map(|(cpu, _)| (*cpu, machine.start(conduit, *cpu)))
                .collect();
        }
        survey
    }
}

/// Returns how firmware can be called from here. In HYP an `hvc` would call ourselves: with that
/// conduit there is nobody to ask.
pub fn callable(facts: &TreeFacts<'_>, state: &EntryState) -> Option<Conduit> {
    facts
        .psci
        .filter(|conduit| *conduit == Conduit::Smc || state.mode() != Mode::Hyp)
}

/// A function number in PSCI's range that no version has.
const UNKNOWN_FUNCTION: u32 = 0x8400_00ff;
const CPU_ON: u32 = 0x8400_0003;
const AFFINITY_INFO: u32 = 0x8400_0004;
/// An affinity that no CPU has here.
const NOBODY: u32 = 0x00fe_dcba;

fn refusals(machine: &mut dyn Machine, conduit: Conduit, state: &EntryState) -> Refusals {
    let mut changed = 0;
    let mut ask = |function, arguments| {
        let (answer, lost) = machine.call(conduit, function, arguments);
        changed |= lost;
        answer
    };
    Refusals {
        unknown: ask(UNKNOWN_FUNCTION, [0; 3]),
        nobody: ask(AFFINITY_INFO, [NOBODY, 0, 0]),
        // Where it would be entered, if it were: there is code of ours.
        already_on: ask(CPU_ON, [state.affinity(), state.base, 0]),
        changed,
    }
}

fn narrow(address: u64) -> Option<u32> {
    u32::try_from(address).ok()
}

fn gic_state(machine: &mut dyn Machine, gic: Gic, state: &EntryState) -> Option<GicState> {
    let mut found = GicState::default();
    let (distributor, private) = match gic {
        Gic::V2 {
            distributor,
            cpu,
            hypervisor,
        } => {
            let cpu = narrow(cpu)?;
            found.gicc_ctlr = Some(machine.read(cpu.checked_add(GICC_CTLR)?));
            found.gicc_rpr = Some(machine.read(cpu.checked_add(GICC_RPR)?));
            if let Some(hypervisor) = hypervisor.and_then(narrow) {
                found.gich_hcr = Some(machine.read(hypervisor.checked_add(GICH_HCR)?));
            }
            (narrow(distributor)?, narrow(distributor)?)
        }
        Gic::V3 {
            distributor,
            redistributors,
        } => (
            narrow(distributor)?,
            private_frame(machine, redistributors, state.affinity())?,
        ),
    };
    found.words = (machine.read(distributor.checked_add(GICD_TYPER)?) & 0x1f) + 1;
    for word in 0..found.words {
        // The first 32 belong to this CPU; in GICv3 they are in its redistributor.
        let frame = if word == 0 { private } else { distributor };
        let mut read = |register: u32| {
            let address = frame.checked_add(register)?.checked_add(4 * word)?;
            Some(machine.read(address))
        };
        let (enabled, pending) = (read(GIC_ISENABLER)?, read(GIC_ISPENDR)?);
        let active = read(GIC_ISACTIVER)?;
        found.active = found.active.or_else(|| first_bit(word, active));
        found.pending = found.pending.or_else(|| first_bit(word, pending & enabled));
    }
    Some(found)
}

fn first_bit(word: u32, bits: u32) -> Option<u32> {
    (bits != 0).then(|| 32 * word + bits.trailing_zeros())
}

/// Finds the redistributor of the CPU with this affinity, and in it the frame of its private
/// interrupts (ARM IHI 0069, 12.11).
fn private_frame(machine: &mut dyn Machine, region: Range, affinity: u32) -> Option<u32> {
    let mut frame = narrow(region.start)?;
    while u64::from(frame) < region.end {
        let low = machine.read(frame.checked_add(GICR_TYPER)?);
        let high = machine.read(frame.checked_add(GICR_TYPER + 4)?);
        if high == affinity {
            return frame.checked_add(GICR_SGI_FRAME);
        }
        let (last, virtual_lpis) = (low & 1 << 4 != 0, low & 1 << 1 != 0);
        if last {
            return None;
        }
        frame = frame.checked_add(GICR_STRIDE << u32::from(virtual_lpis))?;
    }
    None
}

fn virtio_states(machine: &mut dyn Machine, places: &[u64]) -> ArrayVec<VirtioState, 64> {
    let mut states = ArrayVec::new();
    for address in places.iter().copied().filter_map(narrow) {
        let Some(status) = address.checked_add(0x70) else {
            continue;
        };
        if machine.read(address) != VIRTIO_MAGIC {
            continue;
        }
        let device = machine.read(address + 8);
        if device != 0 && !states.is_full() {
            states.push(VirtioState {
                address,
                device,
                status: machine.read(status),
            });
        }
    }
    states
}

fn cpu_states(
    machine: &mut dyn Machine,
    facts: &TreeFacts<'_>,
    state: &EntryState,
) -> ArrayVec<(u32, Option<i32>), 16> {
    let conduit = callable(facts, state);
    facts
        .cpus
        .iter()
        .filter(|cpu| **cpu != state.affinity())
        .map(|cpu| {
            (
                *cpu,
                conduit.map(|conduit| machine.affinity_info(conduit, *cpu)),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests;
