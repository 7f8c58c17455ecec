//! The BCM2835's power manager, in its successors too: reset by the watchdog in it, and a word to
//! the boot ROM.
//!
//! The registers are in no public manual; the rest as in QEMU's hw/misc/bcm2835_powermgt.c and
//! Linux's drivers/watchdog/bcm2835_wdt.c.

use alloc::{vec, vec::Vec};

use platform_api::Step;

use crate::watchdog::bcm2835::{FULL_RESET, PASSWORD, RESET_CONTROL, SOON, TICKS};

/// PM_RSTS; the partition that the boot ROM takes next is in its even bits. Reads have 0 where
/// the password goes.
const RESET_STATUS: u32 = 0x20;
/// Partition 63: the boot ROM halts.
const HALT: u32 = 0x555;

pub fn reset(base: u32) -> Vec<Step> {
    vec![
        Step::Write {
            at: base.wrapping_add(TICKS),
            value: PASSWORD | SOON,
        },
        Step::Set {
            at: base.wrapping_add(RESET_CONTROL),
            bits: PASSWORD | FULL_RESET,
        },
    ]
}

pub fn power_off(base: u32) -> Vec<Step> {
    let mut steps = vec![Step::Set {
        at: base.wrapping_add(RESET_STATUS),
        bits: PASSWORD | HALT,
    }];
    steps.extend(reset(base));
    steps
}
