//! The assembly files, with the constants they share with Rust.
//!
//! `HSCTLR_OFF` and `SCTLR_OFF` are the values reset gives on Cortex-A7 and Cortex-A15
//! (DDI 0464F 4.3.66 and 4.3.27, DDI 0438I 4.3.66 and 4.3.27): MMU, caches, alignment checks
//! off, ARM exceptions, little-endian, CP15 barriers enabled.

use core::arch::global_asm;

/// Bytes the entry code sets aside for what `baton_choose_home` finds.
pub const EARLY_INFO_SIZE: usize = 4096;

global_asm!(
    ".equ EARLY_INFO_SIZE, 4096",
    ".equ HSCTLR_OFF, 0x30c50878",
    ".equ SCTLR_OFF, 0x00c50878",
    include_str!("entry.S"),
    options(raw)
);
global_asm!(include_str!("cache.S"), options(raw));
global_asm!(include_str!("vectors.S"), options(raw));
global_asm!(include_str!("memory.S"), options(raw));
// One piece, in this order.
global_asm!(
    ".equ HSCTLR_OFF, 0x30c50878",
    ".equ SCTLR_OFF, 0x00c50878",
    include_str!("monitor.S"),
    include_str!("psci.S"),
    options(raw)
);
#[cfg(not(feature = "broken-handoff"))]
global_asm!(include_str!("steps.S"), options(raw));
#[cfg(feature = "broken-handoff")]
global_asm!(
    ".equ HSCTLR_OFF, 0x30c50878",
    ".equ SCTLR_OFF, 0x00c50878",
    include_str!("broken.S"),
    options(raw)
);
global_asm!(
    ".equ HSCTLR_OFF, 0x30c50878",
    ".equ SCTLR_OFF, 0x00c50878",
    include_str!("handoff.S"),
    options(raw)
);
