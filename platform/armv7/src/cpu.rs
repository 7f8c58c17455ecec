//! The boot processor: its mode and what it is.

use platform_api::{CpuFacts, CpuMode};

use crate::{
    cache,
    registers::{Hsctlr, IdPfr1, Midr, Mpidr, Sctlr, cpsr},
    secure,
};

const MODE_MASK: u32 = 0x1f;
const MODE_HYP: u32 = 0x1a;
/// SCTLR and HSCTLR: MMU and data cache.
const M_AND_C: u32 = (1 << 0) | (1 << 2);

/// Returns the mode the loader runs in.
pub fn mode() -> CpuMode {
    if cpsr() & MODE_MASK == MODE_HYP {
        CpuMode::Hypervisor
    } else if secure::is_secure() {
        CpuMode::SecureSupervisor
    } else {
        CpuMode::Supervisor
    }
}

/// Returns a processor's name from MIDR (implementer and part, DDI 0406C B4.1.105).
fn name(midr: u32) -> &'static str {
    match (midr >> 24, (midr >> 4) & 0xfff) {
        (0x41, 0xc05) => "Cortex-A5",
        (0x41, 0xc07) => "Cortex-A7",
        (0x41, 0xc08) => "Cortex-A8",
        (0x41, 0xc09) => "Cortex-A9",
        (0x41, 0xc0d) => "Cortex-A12",
        (0x41, 0xc0e) => "Cortex-A17",
        (0x41, 0xc0f) => "Cortex-A15",
        _ => "ARMv7-A",
    }
}

/// Tells whether the processor has the generic timer (ID_PFR1.GenTimer, DDI 0406C B4.1.94).
pub fn has_generic_timer() -> bool {
    IdPfr1::read() >> 16 & 0xf != 0
}

/// Tells whether the processor has HYP mode (ID_PFR1, the virtualization extensions).
pub fn has_hyp() -> bool {
    IdPfr1::read() >> 12 & 0xf != 0
}

/// Tells whether the loader's page tables can be used: else it runs without MMU and data cache.
pub fn has_long_descriptors() -> bool {
    crate::mmu::enable::has_long_descriptors()
}

/// Returns this CPU's affinity, as the tree's `/cpus` and a redistributor write it.
pub fn affinity() -> u32 {
    Mpidr::read() & 0x00ff_ffff
}

/// Collects what is known about the processor.
pub fn facts() -> CpuFacts {
    let mode = mode();
    let control = if mode == CpuMode::Hypervisor {
        Hsctlr::read()
    } else {
        Sctlr::read()
    };
    CpuFacts {
        mode,
        name: name(Midr::read()),
        id: Midr::read(),
        affinity: affinity(),
        cache_line: cache::data_line(),
        caches_on: control & M_AND_C == M_AND_C,
    }
}
