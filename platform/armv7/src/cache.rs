//! The data cache's geometry. Maintenance itself is in the assembly: by address in handoff.S, by
//! set/way in cache.S.

use crate::registers::Ctr;

/// Returns the smallest data-cache line in bytes: CTR.DminLine, log2 of words (DDI 0406C
/// B4.1.42).
pub fn data_line() -> u32 {
    4 << ((Ctr::read() >> 16) & 0xf)
}
