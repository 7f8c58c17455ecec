//! Cache maintenance by address, while the loader runs.
//!
//! The functions take ranges of memory whose bytes a device or an instruction fetch is about to
//! use. Lines are DminLine's (CTR, DDI 0406C B4.1.42).

use core::arch::asm;

use platform_api::PhysRange;

use crate::registers::{Ctr, dsb, isb};

/// Returns the smallest data-cache line in bytes.
pub fn data_line() -> u32 {
    4 << ((Ctr::read() >> 16) & 0xf)
}

/// Runs `operate` on the address of each line of a range below 4 GiB.
fn each_line(range: PhysRange, mut operate: impl FnMut(u32)) {
    let line = data_line();
    let Some(start) = range.start().as_u32() else {
        return;
    };
    let end = range.end().as_u32().unwrap_or(u32::MAX);
    let mut address = start & !(line - 1);
    while address < end {
        operate(address);
        let Some(next) = address.checked_add(line) else {
            break;
        };
        address = next;
    }
    dsb();
}

/// Cleans a range to the point of coherency: a device that reads memory sees what was written.
pub fn clean(range: PhysRange) {
    dsb();
    each_line(range, |address| {
        // SAFETY: DCCMVAC writes dirty data back; memory's content as the CPU sees it is the
        // same before and after.
        unsafe {
            asm!("mcr p15, 0, {}, c7, c10, 1", in(reg) address, options(nostack, preserves_flags));
        }
    });
}

/// Cleans and invalidates a range: what a device writes next is what is read. Done before and
/// after the transfer, by its owner.
pub fn clean_invalidate(range: PhysRange) {
    dsb();
    each_line(range, |address| {
        // SAFETY: DCCIMVAC writes dirty data back and drops the line; nothing the CPU wrote is
        // lost.
        unsafe {
            asm!("mcr p15, 0, {}, c7, c14, 1", in(reg) address, options(nostack, preserves_flags));
        }
    });
}

/// Makes code that was loaded as data fetchable: cleans it and drops the instruction cache.
pub fn publish_code(range: PhysRange) {
    clean(range);
    // SAFETY: ICIALLU and BPIALL drop copies only; fetches afterwards see memory.
    unsafe {
        asm!(
            "mcr p15, 0, {zero}, c7, c5, 0",
            "mcr p15, 0, {zero}, c7, c5, 6",
            zero = in(reg) 0,
            options(nostack, preserves_flags)
        );
    }
    dsb();
    isb();
}
