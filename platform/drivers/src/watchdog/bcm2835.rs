//! The watchdog in the power management block of the BCM2835, 2836 and 2837.
//!
//! Broadcom has published nothing about it: offsets, password and values are those of Linux's and
//! U-Boot's drivers. It counts 65536 ticks a second in 20 bits.

use core::sync::atomic::{AtomicU32, Ordering};

use platform_api::{DeviceNode, Watchdog};

use super::{ProbeError, Words};

/// The `compatible` strings this driver binds to.
pub const COMPATIBLE: &[&str] = &["brcm,bcm2835-pm-wdt", "brcm,bcm2835-pm"];

/// Offset of PM_RSTC: what a watchdog that runs out does.
pub const RESET_CONTROL: u32 = 0x1c;
/// Offset of PM_WDOG: the ticks that are left.
pub const TICKS: u32 = 0x24;
/// Every write carries it in its top byte.
pub const PASSWORD: u32 = 0x5a00_0000;
/// PM_RSTC: WRCFG, two bits.
pub const CONFIGURATION: u32 = 0x30;
/// PM_RSTC.WRCFG: the whole chip is reset.
pub const FULL_RESET: u32 = 0x20;
/// PM_RSTC as a reset leaves it: nothing runs.
pub const AT_RESET: u32 = 0x102;

/// The most ticks that PM_WDOG holds: 16 seconds, less one tick.
const MAX_TICKS: u32 = 0xf_ffff;
/// Ticks of a watchdog that is to expire at once: 150 microseconds.
pub const SOON: u32 = 10;

/// A watchdog.
#[derive(Debug)]
pub struct Bcm2835 {
    words: Words,
    /// What a kick sets: the register forgets.
    ticks: AtomicU32,
}

/// Takes the watchdog of `node`, and leaves it as it is.
///
/// # Errors
/// If the node's first window cannot hold the registers.
///
/// # Safety
/// The window is such a block of the running machine, mapped as device memory at its physical
/// address.
pub unsafe fn probe(node: &DeviceNode<'_>) -> Result<Bcm2835, ProbeError> {
    // SAFETY: the caller's word.
    let words = unsafe { Words::new::<10>(node)? };
    let ticks = AtomicU32::new(MAX_TICKS);
    Ok(Bcm2835 { words, ticks })
}

impl Bcm2835 {
    fn count(&self, ticks: u32) {
        self.words.set(TICKS, PASSWORD | ticks);
        let control = self.words.get(RESET_CONTROL) & !(CONFIGURATION | 0xff00_0000);
        self.words
            .set(RESET_CONTROL, PASSWORD | control | FULL_RESET);
    }
}

impl Watchdog for Bcm2835 {
    fn max_timeout(&self) -> u32 {
        15_999
    }

    fn start(&self, milliseconds: u32) -> u32 {
        let timeout = milliseconds.min(self.max_timeout());
        // At most 15,999 * 65,536: 30 bits.
        let ticks = (timeout * 65_536).div_ceil(1000).max(1);
        self.ticks.store(ticks, Ordering::Relaxed);
        self.count(ticks);
        timeout
    }

    fn stop(&self) {
        self.words.set(RESET_CONTROL, PASSWORD | AT_RESET);
    }

    fn kick(&self) {
        self.count(self.ticks.load(Ordering::Relaxed));
    }

    fn expire(&self) {
        self.count(SOON);
    }

    fn is_running(&self) -> bool {
        self.words.get(RESET_CONTROL) & CONFIGURATION == FULL_RESET
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Page;
    use super::*;

    fn watchdog() -> (Page, Bcm2835) {
        let page = Page::new();
        page.set(RESET_CONTROL, AT_RESET);
        // SAFETY: the page is leaked and accessed as volatile only.
        let probed = page.node(COMPATIBLE, None, |node| unsafe { probe(node) });
        (page, probed.unwrap())
    }

    #[test]
    fn starts_kicks_and_stops() {
        let (page, watchdog) = watchdog();
        assert!(!watchdog.is_running());
        assert_eq!(page.get(RESET_CONTROL), AT_RESET, "probing changes nothing");
        assert_eq!(watchdog.start(1000), 1000);
        assert_eq!(page.get(TICKS), 0x5a01_0000);
        assert_eq!(page.get(RESET_CONTROL), 0x5a00_0122);
        assert!(watchdog.is_running());
        page.set(TICKS, 5);
        watchdog.kick();
        assert_eq!(page.get(TICKS), 0x5a01_0000);
        watchdog.stop();
        assert_eq!(page.get(RESET_CONTROL), 0x5a00_0102);
        assert!(!watchdog.is_running());
    }

    #[test]
    fn one_of_the_first_stage_s_gets_the_longest_time() {
        let (page, watchdog) = watchdog();
        page.set(RESET_CONTROL, 0x122);
        page.set(TICKS, 0x100);
        assert!(watchdog.is_running());
        watchdog.kick();
        assert_eq!(page.get(TICKS), 0x5a0f_ffff);
    }

    #[test]
    fn ticks_stay_in_their_bits() {
        let (page, watchdog) = watchdog();
        assert_eq!(watchdog.start(u32::MAX), 15_999);
        assert_eq!(page.get(TICKS) >> 20, 0x5a0);
        assert_eq!(watchdog.start(0), 0);
        assert_eq!(page.get(TICKS), 0x5a00_0001);
        watchdog.expire();
        assert_eq!(page.get(TICKS), 0x5a00_000a);
    }
}
