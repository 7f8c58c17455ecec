//! The data cache: its geometry, and maintenance for devices. The handoff's own maintenance is in
//! the assembly: by address in handoff.S, by set/way in cache.S.

use core::arch::asm;

use platform_api::DataCache;

use crate::registers::{Ctr, dsb};

/// The data caches of this processor, by address to the point of coherency.
#[derive(Clone, Copy, Debug)]
pub struct Caches;

/// Lines that a turn of the loop does.
const UNROLLED: usize = 8;

impl DataCache for Caches {
    fn clean_invalidate(&self, bytes: &[u8]) {
        let line = data_line() as usize;
        let range = bytes.as_ptr_range();
        let mut address = range.start.addr() & !(line - 1);
        // DCCIMVAC (DDI 0406C B6.2.1). Unrolled: a file is cleaned twice on its way from a card,
        // and a loop of single lines was most of what a load cost.
        while range.end.addr().saturating_sub(address) > (UNROLLED - 1) * line {
            // SAFETY: nothing of a line is lost: it is written back first. The last of these lines
            // holds a byte of the range. Not `nomem`: the stores into `bytes` come before it.
            unsafe {
                asm!(
                    ".rept {lines}",
                    "mcr p15, 0, {address}, c7, c14, 1",
                    "add {address}, {address}, {line}",
                    ".endr",
                    lines = const UNROLLED,
                    address = inout(reg) address,
                    line = in(reg) line,
                    options(nostack)
                );
            }
        }
        while address < range.end.addr() {
            // SAFETY: as above.
            unsafe {
                asm!("mcr p15, 0, {}, c7, c14, 1", in(reg) address, options(nostack, preserves_flags));
            }
            address += line;
        }
        // Complete before the device is started, or before the first load of what it stored.
        dsb();
    }
}

/// Returns the smallest data-cache line in bytes: CTR.DminLine, log2 of words (DDI 0406C
/// B4.1.42).
pub fn data_line() -> u32 {
    4 << ((Ctr::read() >> 16) & 0xf)
}
