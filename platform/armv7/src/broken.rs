//! The faults of the broken-handoff build: which there are, and how they reach broken.S.

use core::arch::asm;

/// What the last page does wrong: one bit each, as broken.S numbers them.
pub mod fault {
    /// Nothing is cleaned by address.
    pub const NO_CLEAN: u32 = 1 << 0;
    /// Every other line is cleaned.
    pub const STRIDE: u32 = 1 << 1;
    /// DCCMVAU instead of DCCIMVAC.
    pub const UNIFICATION: u32 = 1 << 2;
    /// DCIMVAC instead of DCCIMVAC.
    pub const DROP: u32 = 1 << 3;
    /// A word is pushed after the clean.
    pub const STORE: u32 = 1 << 4;
    /// The tree is written after the clean.
    pub const LATE: u32 = 1 << 5;
    /// No DSB between the clean and the disabling.
    pub const NO_CLEAN_DSB: u32 = 1 << 6;
    /// HSCTLR.C stays set.
    pub const CACHES_ON: u32 = 1 << 7;
    /// Nothing is done by set and way.
    pub const NO_SETS: u32 = 1 << 8;
    /// By set and way before the caches are off, not after.
    pub const SETS_FIRST: u32 = 1 << 9;
    /// Not on level 1.
    pub const NO_LEVEL_1: u32 = 1 << 10;
    /// Not on level 2.
    pub const NO_LEVEL_2: u32 = 1 << 11;
    /// Not on way 0.
    pub const SKIP_WAY: u32 = 1 << 12;
    /// Not on set 0.
    pub const SKIP_SET: u32 = 1 << 13;
    /// DCISW instead of DCCISW.
    pub const SETS_DROP: u32 = 1 << 14;
    /// Level 2 before level 1.
    pub const LEVEL_2_FIRST: u32 = 1 << 15;
    /// No ICIALLU.
    pub const NO_ICIALLU: u32 = 1 << 16;
    /// No BPIALL.
    pub const NO_BPIALL: u32 = 1 << 17;
    /// No TLBIALLH.
    pub const NO_TLBIALLH: u32 = 1 << 18;
    /// No TLBIALLNSNH.
    pub const NO_TLBIALLNSNH: u32 = 1 << 19;
    /// No DSB after the invalidations.
    pub const NO_LAST_DSB: u32 = 1 << 20;
    /// PL1's SCTLR has M and C set.
    pub const PL1_ON: u32 = 1 << 21;
    /// HVBAR points into the image.
    pub const VECTORS: u32 = 1 << 22;
    /// No ISB after MMU and caches are turned off, nor later.
    pub const NO_ISB: u32 = 1 << 23;
    /// HSCTLR.M is set.
    pub const MMU_ON: u32 = 1 << 24;
}

/// Has the next handoff do these things wrong.
pub fn arm(faults: u32) {
    // SAFETY: TPIDRURO is software's own (DDI 0406C B4.1.150); nothing else here uses it.
    unsafe { asm!("mcr p15, 0, {}, c13, c0, 3", in(reg) faults, options(nostack)) };
}
