//! The processor's counter registers.

use core::arch::asm;

/// Reads CNTPCT. Not ordered against memory accesses: it serves timeouts and delays, which do
/// not care about a few ticks.
#[inline]
pub(super) fn physical_count() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: Reading CNTPCT (DDI 0406C, B4.1.30) has no side effect. It is Undefined only in
    // PL1 below a hypervisor that clears CNTHCTL.PL1PCTEN; in HYP and secure state never.
    unsafe {
        asm!(
            "mrrc p15, 0, {low}, {high}, c14",
            low = out(reg) low,
            high = out(reg) high,
            options(nomem, nostack, preserves_flags)
        );
    }
    u64::from(high) << 32 | u64::from(low)
}

/// Reads CNTFRQ, in Hz: what the first stage wrote there, 0 if nothing did.
#[inline]
pub(super) fn frequency() -> u32 {
    let frequency: u32;
    // SAFETY: Reading CNTFRQ (DDI 0406C, B4.1.21) has no side effect and is allowed in PL1 and
    // PL2.
    unsafe {
        asm!(
            "mrc p15, 0, {}, c14, c0, 0",
            out(reg) frequency,
            options(nomem, nostack, preserves_flags)
        );
    }
    frequency
}
