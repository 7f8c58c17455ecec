//! The data cache: its geometry, and maintenance for devices. The handoff's own maintenance is in
//! the assembly: by address in handoff.S, by set/way in cache.S.

use core::arch::asm;

use platform_api::DataCache;

use crate::registers::{Ctr, dsb};

/// The data caches of this processor, by address to the point of coherency.
#[derive(Clone, Copy, Debug)]
pub struct Caches;

impl DataCache for Caches {
    fn clean_invalidate(&self, bytes: &[u8]) {
        let line = data_line() as usize;
        let range = bytes.as_ptr_range();
        let mut address = range.start.addr() & !(line - 1);
        while address < range.end.addr() {
            // SAFETY: DCCIMVAC (DDI 0406C B6.2.1) loses nothing of a line: it is written back
            // first. Not `nomem`: the stores into `bytes` come before it.
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
