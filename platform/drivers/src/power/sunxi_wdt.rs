//! A reset by Allwinner's watchdog: armed with its shortest interval, half a second.
//!
//! Source: Allwinner H3 Datasheet, "Timer", and A20 User Manual, "Timer Controller", watchdog
//! registers. Offsets are from the watchdog's own node.

use alloc::{vec, vec::Vec};

use platform_api::Step;

/// The `compatible` strings since the A31.
pub const COMPATIBLE_SUN6I: &[&str] = &["allwinner,sun6i-a31-wdt"];
/// Those before.
pub const COMPATIBLE_SUN4I: &[&str] = &["allwinner,sun4i-a10-wdt"];

/// WDOG_CTRL: restart, with the key 0xa57.
const RESTART: u32 = 0xa57 << 1 | 1;

pub fn reset_sun6i(base: u32) -> Vec<Step> {
    let write = |offset, value| Step::Write {
        at: base.wrapping_add(offset),
        value,
    };
    // WDOG_CFG: it resets the whole system. WDOG_MODE: on, interval 0.
    vec![write(0x14, 1), write(0x18, 1), write(0x10, RESTART)]
}

pub fn reset_sun4i(base: u32) -> Vec<Step> {
    let write = |offset, value| Step::Write {
        at: base.wrapping_add(offset),
        value,
    };
    // WDOG_MODE: it resets, it is on, interval 0.
    vec![write(4, 0b11), write(0, RESTART)]
}
