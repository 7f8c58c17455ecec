//! The Allwinner H3's CPUs and locks. The chip's trees have no node for these registers, so they
//! are found by the root's `compatible`.
//!
//! Sources: Allwinner H3 Datasheet, "CPU Configuration", "CCU"; what is not in it (power clamps,
//! the debug lock, the protection controller's ports) as U-Boot drives it, in
//! arch/arm/cpu/armv7/sunxi/psci.c, arch/arm/mach-sunxi/tzpc.c and clock_sun6i.c. QEMU's
//! hw/misc/allwinner-cpucfg.c knows the entry address and the reset alone.

use alloc::{vec, vec::Vec};

use platform_api::Step;

/// The `compatible` strings of boards with this chip.
pub const COMPATIBLE: &[&str] = &["allwinner,sun8i-h3", "allwinner,sun8i-h2-plus"];

/// R_CPUCFG: each CPU has a block of registers, from 0x40 on.
const CPUCFG: u32 = 0x01f0_1c00;
/// CPUn_RST_CTRL: both resets, of the power-on domain and of the core, released.
const RELEASED: u32 = 0b11;
/// GENER_CTRL_REG: a CPU's L1 is invalidated at its reset if its bit is clear.
const GENERAL: u32 = CPUCFG + 0x184;
/// Where a CPU begins when it comes out of reset (PRIVATE_REG0 in U-Boot's words).
const ENTRY: u32 = CPUCFG + 0x1a4;
/// DBG_CTRL1: external debug may reach a CPU. Not while its power changes.
const DEBUG: u32 = CPUCFG + 0x1e4;

/// R_PRCM.
const PRCM: u32 = 0x01f0_1400;
/// CPU_PWROFF_GATING: a bit for each CPU, its power is gated.
const POWER_GATING: u32 = PRCM + 0x100;
/// CPUn_PWR_SWITCH: how much of a CPU's power switch is clamped; opened bit by bit, so that
/// the inrush does not pull the rail down.
const POWER_CLAMP: u32 = PRCM + 0x140;
/// PRCM_SEC_SWITCH: power gating, PLL and APB0 clock for non-secure.
const PRCM_SECURE: u32 = PRCM + 0x1d0;

/// CCU_SEC_SWITCH: MBUS, bus and PLL clocks for non-secure.
const CCU_SECURE: u32 = 0x01c2_0000 + 0x2f0;

/// The protection controller's DECPORTn_SET, and every device that the port has.
const PROTECTION: [(u32, u32); 3] = [
    (0x01c2_3408, 0xbe),
    (0x01c2_3414, 0xff),
    (0x01c2_3420, 0x7f),
];

/// Lets non-secure state reach every device and clock, as it does behind U-Boot.
pub fn open() -> Vec<Step> {
    let mut steps: Vec<Step> = PROTECTION
        .iter()
        .map(|&(at, value)| Step::Write { at, value })
        .collect();
    steps.extend([CCU_SECURE, PRCM_SECURE].map(|at| Step::Set { at, bits: 0b111 }));
    steps
}

/// Powers a CPU up and takes it out of reset.
pub fn start(affinity: u32) -> Option<Vec<Step>> {
    if affinity >= 4 {
        return None;
    }
    let reset = CPUCFG + 0x40 * (affinity + 1);
    let own = 1 << affinity;
    let mut steps = vec![
        Step::WriteEntry { at: ENTRY },
        Step::Write {
            at: reset,
            value: 0,
        },
        Step::Clear {
            at: GENERAL,
            bits: own,
        },
        Step::Clear {
            at: DEBUG,
            bits: own,
        },
    ];
    steps.extend((0..=8).map(|open| Step::Write {
        at: POWER_CLAMP + 4 * affinity,
        value: 0xff >> open,
    }));
    steps.extend([
        Step::Delay {
            microseconds: 10_000,
        },
        Step::Clear {
            at: POWER_GATING,
            bits: own,
        },
        // U-Boot goes on at once; Linux (arch/arm/mach-sunxi/platsmp.c) waits again.
        Step::Delay {
            microseconds: 1_000,
        },
        Step::Write {
            at: reset,
            value: RELEASED,
        },
        Step::Set {
            at: DEBUG,
            bits: own,
        },
    ]);
    Some(steps)
}
