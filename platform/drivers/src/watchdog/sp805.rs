//! Arm's watchdog module SP805 (TRM DDI 0270).
//!
//! It counts its load value down twice: the first time it raises an interrupt, and if nobody has
//! cleared that, the second time it resets.

use platform_api::{DeviceNode, Watchdog};

use super::{ProbeError, Words};

/// The `compatible` strings this driver binds to.
pub const COMPATIBLE: &[&str] = &["arm,sp805"];

/// Offset of WdogLoad.
const LOAD: u32 = 0;
/// Offset of WdogControl.
const CONTROL: u32 = 8;
/// WdogControl: INTEN, which lets it count, and RESEN.
const CONTROL_ON: u32 = 3;
/// Offset of WdogIntClr: any value clears the interrupt and loads the counter again.
const CLEAR: u32 = 0xc;
/// Offset of WdogLock.
const LOCK: u32 = 0xc00;
/// WdogLock: the other registers may be written.
const UNLOCKED: u32 = 0x1acc_e551;
/// WdogLock: they may not.
const LOCKED: u32 = 1;
/// Offset of WdogPeriphID0; its eight bits are the part number's low ones.
const PART: u32 = 0xfe0;
/// WdogPeriphID0 of an SP805.
const PART_SP805: u32 = 0x05;

/// A watchdog.
#[derive(Clone, Copy, Debug)]
pub struct Sp805 {
    words: Words,
    /// Its clock in Hz.
    clock: u32,
}

/// Takes the watchdog of `node`, and leaves it as it is. `None` if there is nothing that says it is
/// one: emulators leave it out.
///
/// # Errors
/// If the node's first window cannot hold the registers, or its clock is not known.
///
/// # Safety
/// The window is the device's, mapped as device memory at its physical address.
pub unsafe fn probe(node: &DeviceNode<'_>) -> Result<Option<Sp805>, ProbeError> {
    // SAFETY: the caller's word.
    let words = unsafe { Words::new::<0x400>(node)? };
    if words.get(PART) & 0xff != PART_SP805 {
        return Ok(None);
    }
    let clock = node.clock.filter(|&clock| clock != 0);
    let clock = clock.ok_or(ProbeError::NoClock)?;
    Ok(Some(Sp805 { words, clock }))
}

impl Sp805 {
    fn unlocked(&self, body: impl FnOnce()) {
        self.words.set(LOCK, UNLOCKED);
        body();
        self.words.set(LOCK, LOCKED);
    }

    fn count(&self, load: u32) {
        self.unlocked(|| {
            self.words.set(LOAD, load);
            self.words.set(CLEAR, 1);
            self.words.set(CONTROL, CONTROL_ON);
        });
    }
}

impl Watchdog for Sp805 {
    fn max_timeout(&self) -> u32 {
        let milliseconds = (1_u64 << 32) * 2000 / u64::from(self.clock);
        u32::try_from(milliseconds).unwrap_or(u32::MAX)
    }

    fn start(&self, milliseconds: u32) -> u32 {
        let timeout = milliseconds.min(self.max_timeout());
        // It counts from the load value to 0, twice: so half of the time, less one tick.
        let ticks = (u64::from(timeout) * u64::from(self.clock)).div_ceil(2000);
        self.count(
            u32::try_from(ticks.saturating_sub(1))
                .unwrap_or(u32::MAX)
                .max(1),
        );
        timeout
    }

    fn stop(&self) {
        self.unlocked(|| self.words.set(CONTROL, 0));
    }

    fn kick(&self) {
        self.unlocked(|| self.words.set(CLEAR, 1));
    }

    fn expire(&self) {
        self.count(1);
    }

    fn is_running(&self) -> bool {
        self.words.get(CONTROL) & CONTROL_ON == CONTROL_ON
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Page;
    use super::*;

    fn probed(page: Page, clock: Option<u32>) -> Result<Option<Sp805>, ProbeError> {
        // SAFETY: the page is leaked and accessed as volatile only.
        page.node(COMPATIBLE, clock, |node| unsafe { probe(node) })
    }

    fn watchdog(clock: u32) -> (Page, Sp805) {
        let page = Page::new();
        page.set(PART, PART_SP805);
        (page, probed(page, Some(clock)).unwrap().unwrap())
    }

    #[test]
    fn starts_kicks_and_stops() {
        let (page, watchdog) = watchdog(32_768);
        assert!(!watchdog.is_running());
        assert_eq!(watchdog.start(10_000), 10_000);
        assert_eq!(page.get(LOAD), 5 * 32_768 - 1);
        assert_eq!((page.get(CLEAR), page.get(CONTROL)), (1, 3));
        assert_eq!(page.get(LOCK), LOCKED);
        assert!(watchdog.is_running());
        page.set(CLEAR, 0);
        watchdog.kick();
        assert_eq!(page.get(CLEAR), 1);
        assert_eq!(page.get(LOAD), 5 * 32_768 - 1);
        watchdog.stop();
        assert_eq!(page.get(CONTROL), 0);
        assert!(!watchdog.is_running());
        // An interrupt alone resets nothing.
        page.set(CONTROL, 1);
        assert!(!watchdog.is_running());
        watchdog.expire();
        assert_eq!((page.get(LOAD), page.get(CONTROL)), (1, 3));
    }

    #[test]
    fn the_clock_bounds_the_time() {
        let (page, watchdog) = watchdog(1_000_000_000);
        assert_eq!(watchdog.max_timeout(), 8589);
        assert_eq!(watchdog.start(u32::MAX), 8589);
        assert_eq!(page.get(LOAD), 4_294_499_999);
        assert_eq!(watchdog.start(0), 0);
        assert_eq!(page.get(LOAD), 1);
        let (_, slow) = self::watchdog(1);
        assert_eq!(slow.max_timeout(), u32::MAX);
    }

    #[test]
    fn what_is_not_there_is_left_alone() {
        let page = Page::new();
        assert!(probed(page, Some(1)).unwrap().is_none());
        page.set(PART, PART_SP805);
        assert_eq!(probed(page, None).unwrap_err(), ProbeError::NoClock);
        assert_eq!(probed(page, Some(0)).unwrap_err(), ProbeError::NoClock);
    }
}
