//! The BCM2835's power manager, in its successors too: a watchdog of 16 us a tick.
//!
//! The registers are in no public manual; offsets and password as in QEMU's
//! hw/misc/bcm2835_powermgt.c and Linux's drivers/watchdog/bcm2835_wdt.c.

use alloc::{vec, vec::Vec};

use platform_api::Step;

/// The `compatible` strings.
pub const COMPATIBLE: &[&str] = &["brcm,bcm2835-pm-wdt", "brcm,bcm2835-pm"];

/// What every write has in its upper byte; reads have 0 there.
const PASSWORD: u32 = 0x5a00_0000;
/// PM_RSTC; WRCFG in bits 5:4, of which 2 is a full reset.
const RESET_CONTROL: u32 = 0x1c;
/// PM_RSTS; the partition that the boot ROM takes next is in its even bits.
const RESET_STATUS: u32 = 0x20;
/// PM_WDOG, ticks.
const WATCHDOG: u32 = 0x24;
/// Partition 63: the boot ROM halts.
const HALT: u32 = 0x555;
/// 160 us.
const TICKS: u32 = 10;

pub fn reset(base: u32) -> Vec<Step> {
    vec![
        Step::Write {
            at: base.wrapping_add(WATCHDOG),
            value: PASSWORD | TICKS,
        },
        Step::Set {
            at: base.wrapping_add(RESET_CONTROL),
            bits: PASSWORD | 0x20,
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
