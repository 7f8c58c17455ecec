//! Turns the MMU and the caches on.

use core::{
    arch::asm,
    sync::atomic::{AtomicU32, Ordering},
};

use platform_api::PhysAddr;

use super::descriptor::{HTCR_SBO, MAIR0, Regime, TTBCR_EAE_EPD1, WALK_CONTROL};
use crate::registers::{
    Hmair0, Hmair1, Hsctlr, Htcr, Httbr, IdMmfr0, Mair0, Mair1, Sctlr, Ttbcr, Ttbr0, dsb, isb,
};

/// SCTLR and HSCTLR: MMU, data cache, instruction cache.
const M_C_I: u32 = (1 << 0) | (1 << 2) | (1 << 12);
/// SCTLR and HSCTLR: writable implies execute-never.
const WXN: u32 = 1 << 19;

/// The level-1 table in use; 0 if the MMU was never turned on.
static ROOT: AtomicU32 = AtomicU32::new(0);

/// Tells whether the processor has long descriptors (ID_MMFR0.VMSA, DDI 0406C B4.1.89).
pub fn has_long_descriptors() -> bool {
    IdMmfr0::read() & 0xf >= 5
}

/// Turns MMU and caches on with the tables at `root`.
///
/// # Safety
/// The processor is in the mode `regime` names with MMU and data cache off. The tables at
/// `root` are in memory (not in a cache), stay there, and identity-map everything the loader
/// executes, reads and writes from here on.
pub unsafe fn enable(root: PhysAddr, regime: Regime) {
    ROOT.store(root.as_u32().unwrap_or(0), Ordering::Relaxed);
    // SAFETY: the registers are those of the mode the caller is in, the tables are the
    // caller's word, and with the MMU off none of the writes has an effect before the last.
    unsafe {
        match regime {
            Regime::Hyp => {
                Hmair0::write(MAIR0);
                Hmair1::write(0);
                Htcr::write(HTCR_SBO | WALK_CONTROL);
                Httbr::write(root.as_u64());
                dsb();
                isb();
                invalidate_all(regime);
                Hsctlr::write(Hsctlr::read() | M_C_I | WXN);
            }
            Regime::Pl1 => {
                Mair0::write(MAIR0);
                Mair1::write(0);
                Ttbcr::write(TTBCR_EAE_EPD1 | WALK_CONTROL);
                Ttbr0::write(root.as_u64());
                dsb();
                isb();
                invalidate_all(regime);
                Sctlr::write(Sctlr::read() | M_C_I | WXN);
            }
        }
    }
    isb();
}

/// Returns the regime of the mode we are in.
pub fn regime() -> Regime {
    match crate::cpu::mode() {
        platform_api::CpuMode::Hypervisor => Regime::Hyp,
        _ => Regime::Pl1,
    }
}

/// Turns MMU and caches on again after something ran without them, or went astray. Does
/// nothing if they are on, or never were.
pub fn restore() {
    let regime = regime();
    let control = match regime {
        Regime::Hyp => Hsctlr::read(),
        Regime::Pl1 => Sctlr::read(),
    };
    let root = ROOT.load(Ordering::Relaxed);
    if root != 0 && control & 1 == 0 {
        // SAFETY: `enable` was called with this root before, so the tables are good; what was
        // written since with the caches off is in memory, and the caches held nothing of it:
        // handoff.S cleaned and invalidated them all before and after it turned them off.
        unsafe { enable(PhysAddr::from(root), regime) };
    }
}

/// Drops every translation of the regime, and fetched instructions: after enabling, and after
/// a mapping was removed.
pub fn invalidate_all(regime: Regime) {
    dsb();
    // SAFETY: the operations drop cached copies of tables and instructions, which are read
    // again from memory; TLBIALLH is issued in HYP only.
    unsafe {
        match regime {
            Regime::Hyp => asm!("mcr p15, 4, {}, c8, c7, 0", in(reg) 0, options(nostack)),
            Regime::Pl1 => asm!("mcr p15, 0, {}, c8, c7, 0", in(reg) 0, options(nostack)),
        }
        asm!(
            "mcr p15, 0, {zero}, c7, c5, 0",
            "mcr p15, 0, {zero}, c7, c5, 6",
            zero = in(reg) 0,
            options(nostack)
        );
    }
    dsb();
    isb();
}
