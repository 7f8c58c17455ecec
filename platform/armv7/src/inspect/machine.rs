//! Reads what the others describe.

use platform_api::{
    CacheCommand, CacheKind, CacheLevel, CpuMode, Inspect, Mapping, Register, When,
};

use super::{
    caches,
    registers::{CPSR, Fields, HSCTLR, HVBAR, REGISTERS, SCTLR, Set, Undone, VBAR, Values, digits},
};
use crate::{
    cpu,
    entry::EntryState,
    mmu::{enable, walk},
    registers as r,
};

unsafe extern "C" {
    /// cache.S: cleans and invalidates all levels up to the point of coherency, by set/way.
    fn flush_data_cache();
}

/// HSCTLR.I and SCTLR.I.
const I: u32 = 1 << 12;
/// HSCTLR.C and SCTLR.C.
const C: u32 = 1 << 2;

/// Reads a row of [`REGISTERS`].
fn read(row: usize) -> u64 {
    let word = match row {
        0 => r::Hsctlr::read(),
        1 => r::Hcr::read(),
        2 => r::Hcptr::read(),
        3 => r::Hstr::read(),
        4 => r::Hdcr::read(),
        5 => r::Hvbar::read(),
        6 => r::Htcr::read(),
        7 => return r::Httbr::read(),
        8 => r::Hmair0::read(),
        9 => r::Htpidr::read(),
        10 => r::Vtcr::read(),
        11 => return r::Vttbr::read(),
        12 => r::Vpidr::read(),
        13 => r::Vmpidr::read(),
        14 => r::Cnthctl::read(),
        15 => return r::Cntvoff::read(),
        16 => r::CnthpCtl::read(),
        17 => r::CntpCtl::read(),
        18 => r::CntvCtl::read(),
        19 => r::Cntfrq::read(),
        20 => r::Sctlr::read(),
        21 => r::Ttbcr::read(),
        22 => return r::Ttbr0::read(),
        23 => r::Vbar::read(),
        24 => r::Mpidr::read(),
        _ => r::cpsr(),
    };
    u64::from(word)
}

/// Tells whether a row can be read here.
fn readable(row: usize, hyp: bool) -> bool {
    // What has HYP has all of them.
    hyp || REGISTERS.get(row).is_some_and(|spec| match spec.set {
        Set::Hyp => false,
        Set::Pl1 => true,
        Set::Timer => cpu::has_generic_timer(),
        Set::Long => enable::has_long_descriptors(),
    })
}

/// The registers as the caller left them.
#[derive(Clone, Debug)]
pub struct Found {
    values: Values,
    hyp: bool,
    /// How it came to HYP, if it does not run where it was entered.
    pub way: u32,
    /// A kernel has run, and called kexec.
    pub by_kernel: bool,
}

/// Tells whether Linux has run here: it leaves two things that no loader has a use for, vectors at
/// 0xffff0000 (SCTLR.V, DDI 0406C B4.1.130) and tables for its own half of the address space in
/// TTBR1. After a reset either may be anything, but hardly both so.
fn entered_by_kernel(state: &EntryState) -> bool {
    const V: u32 = 1 << 13;
    state.control & V != 0 && r::Ttbr1::read() != 0
}

impl Found {
    /// Reads them: at home, before anything was written but by the entry code, which kept what
    /// it wrote over.
    pub fn capture(state: &EntryState) -> Self {
        let hyp = cpu::mode() == CpuMode::Hypervisor;
        let mut values = Values::default();
        for (row, value) in values.iter_mut().enumerate() {
            *value = match row {
                HSCTLR => state.hyp_control.into(),
                HVBAR => state.hyp_vectors.into(),
                SCTLR => state.control.into(),
                VBAR => state.vectors.into(),
                CPSR => state.cpsr.into(),
                _ if readable(row, hyp) => read(row),
                _ => 0,
            };
        }
        Self {
            values,
            hyp,
            way: state.way,
            by_kernel: entered_by_kernel(state),
        }
    }

    /// Returns what had to be undone.
    pub fn undone(&self) -> Undone<'_> {
        Undone {
            values: &self.values,
            hyp: self.hyp,
        }
    }

    /// Takes away what a former owner armed: traps, stage 2, timers, offsets. Everything else of
    /// its is overwritten when our own tables are turned on, or by the handoff.
    pub fn settle(&self) {
        // SAFETY: none of these has an effect on what the loader executes or reads: they act on
        // PL1 and on interrupts, which are masked.
        unsafe {
            if self.hyp {
                r::Hcr::write(0);
                r::Hstr::write(0);
                // As reset gives it: coprocessors that are not there.
                r::Hcptr::write(0x33ff);
                // HPMN is left: the handoff writes it.
                r::Hdcr::write(r::Hdcr::read() & 0x1f);
                r::Cntvoff::write(0);
                r::CnthpCtl::write(0);
            }
            if cpu::has_generic_timer() {
                r::CntpCtl::write(0);
                r::CntvCtl::write(0);
            }
        }
        r::isb();
    }
}

/// The processor's [`Inspect`].
pub struct Processor<'a> {
    /// As it was found.
    pub found: &'a Found,
    /// The interrupt that was found active, and stays so until the handoff.
    pub active_interrupt: Option<u32>,
}

/// Reads the register that controls MMU and caches here.
fn control() -> u32 {
    if cpu::mode() == CpuMode::Hypervisor {
        r::Hsctlr::read()
    } else {
        r::Sctlr::read()
    }
}

impl Inspect for Processor<'_> {
    fn registers(&self, when: When, row: &mut dyn FnMut(&Register<'_>)) {
        for (index, spec) in REGISTERS.iter().enumerate() {
            if !readable(index, self.found.hyp) {
                continue;
            }
            let value = match when {
                When::Now => read(index),
                When::Entry => self.found.values.get(index).copied().unwrap_or(0),
            };
            row(&Register {
                name: spec.name,
                value,
                digits: digits(spec),
                meaning: &Fields(spec, value),
                undone: spec.is_undone(value),
            });
        }
        if let Some(interrupt) = self.active_interrupt {
            row(&Register {
                name: "GIC",
                value: interrupt.into(),
                digits: 8,
                meaning: &"interrupt active, never ended",
                undone: true,
            });
        }
    }

    fn mappings(&self, row: &mut dyn FnMut(Mapping)) {
        if control() & 1 == 0 {
            return;
        }
        let root = if self.found.hyp {
            r::Httbr::read()
        } else {
            r::Ttbr0::read()
        };
        let entry = |address: u64| {
            // SAFETY: the tables in use are the loader's own, in mapped RAM below 4 GiB, and
            // nobody writes them now.
            u32::try_from(address).map_or(0, |at| unsafe { (at as *const u64).read_volatile() })
        };
        walk::walk(root, &entry, row);
    }

    fn caches(&self, row: &mut dyn FnMut(CacheLevel)) {
        let geometry = |select| {
            // SAFETY: CSSELR chooses what CCSIDR tells and nothing else; it is left at 0, as
            // reset has it. The levels are those that CLIDR says are there.
            unsafe {
                r::Csselr::write(select);
                r::isb();
                let geometry = r::Ccsidr::read();
                r::Csselr::write(0);
                geometry
            }
        };
        caches::caches(r::Clidr::read(), geometry, row);
    }

    fn cache_is_on(&self, kind: CacheKind) -> bool {
        let bit = if kind == CacheKind::Instruction { I } else { C };
        control() & bit != 0
    }

    fn maintain(&self, command: CacheCommand) {
        match command {
            CacheCommand::Instructions(on) => set_instruction_cache(on),
            CacheCommand::ForgetInstructions => forget_instructions(),
            CacheCommand::FlushData => flush_data(),
        }
    }
}

fn set_instruction_cache(on: bool) {
    let set = |control: u32| if on { control | I } else { control & !I };
    // SAFETY: fetches come from memory or from the cache, which holds the same: the loader's code
    // does not change while it runs. What it may hold beyond that is dropped first.
    unsafe {
        forget_instructions();
        if cpu::mode() == CpuMode::Hypervisor {
            r::Hsctlr::write(set(r::Hsctlr::read()));
        } else {
            r::Sctlr::write(set(r::Sctlr::read()));
        }
    }
    r::isb();
}

/// Drops fetched instructions and predictions, and with them our regime's translations.
fn forget_instructions() {
    enable::invalidate_all(enable::regime());
}

/// Writes every dirty line to memory and drops all, by set/way.
fn flush_data() {
    // SAFETY: it keeps the AAPCS and changes no memory but by writing back what is dirty. The
    // other CPUs are off (a handoff is refused otherwise), so that set/way is meaningful; with
    // the caches on, what the CPU brings in meanwhile stays.
    unsafe { flush_data_cache() };
    // Also keeps this from being a jump to ARM code, which would need a veneer.
    r::dsb();
}
