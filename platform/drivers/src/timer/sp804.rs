//! Arm's dual timer module SP804 (TRM DDI 0271) as the clock of a processor that has none.
//!
//! The first of its two timers counts down in 32 bits, free running, without an interrupt.

use core::sync::atomic::{AtomicU32, Ordering};

use platform_api::{Clock, DeviceNode};

use crate::mmio::{self, WindowError};

/// The `compatible` strings this driver binds to.
pub const COMPATIBLE: &[&str] = &["arm,sp804"];

/// Offset of Timer1Load.
const LOAD: usize = 0;
/// Offset of Timer1Value.
const VALUE: usize = 4;
/// Offset of Timer1Control.
const CONTROL: usize = 8;
/// TimerControl: TimerEn, and TimerSize for 32 bits. Free running, not divided, no interrupt.
const CONTROL_ON: u32 = 1 << 7 | 1 << 1;
/// TimerControl as a reset leaves it: off.
const CONTROL_RESET: u32 = 1 << 5;

/// The last count seen, and how often it had wrapped by then. Of the one timer that is the clock:
/// plain loads and stores on one processor.
static LAST: AtomicU32 = AtomicU32::new(0);
static WRAPS: AtomicU32 = AtomicU32::new(0);

/// A running timer. Its count is that of the looks at it: what wraps twice between two looks is
/// lost, 71 minutes each at 1 MHz. Whoever waits looks more often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sp804 {
    base: usize,
    frequency: u32,
}

/// Starts the timer of `node`; `None` if the rate of its clock is not known.
///
/// # Errors
/// If the node's first window cannot hold the registers.
///
/// # Safety
/// The window is an SP804 of the running machine, mapped as device memory at its physical address,
/// that nobody else uses. It is the only one whose count is taken.
pub unsafe fn start(node: &DeviceNode<'_>) -> Result<Option<Sp804>, WindowError> {
    let Some(frequency) = node.clock.filter(|&clock| clock != 0) else {
        return Ok(None);
    };
    let (registers, _) = mmio::registers::<[u32; 8]>(node, 0)?;
    let timer = Sp804 {
        base: registers.as_ptr().expose_provenance(),
        frequency,
    };
    timer.set(CONTROL, 0);
    timer.set(LOAD, u32::MAX);
    timer.set(CONTROL, CONTROL_ON);
    Ok(Some(timer))
}

impl Sp804 {
    fn set(self, offset: usize, value: u32) {
        // SAFETY: `start`'s caller vouched for the window, which holds the register.
        unsafe { mmio::write(self.base + offset, value, false) }
    }

    /// Stops it, for a handoff.
    pub fn stop(self) {
        self.set(CONTROL, CONTROL_RESET);
    }
}

impl Clock for Sp804 {
    fn ticks(&self) -> u64 {
        // SAFETY: as in `set`.
        let count = !unsafe { mmio::read(self.base + VALUE, false) };
        let mut wraps = WRAPS.load(Ordering::Relaxed);
        if count < LAST.load(Ordering::Relaxed) {
            wraps = wraps.wrapping_add(1);
            WRAPS.store(wraps, Ordering::Relaxed);
        }
        LAST.store(count, Ordering::Relaxed);
        u64::from(wraps) << 32 | u64::from(count)
    }

    fn frequency(&self) -> u32 {
        self.frequency
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watchdog::testing::Page;

    fn started(page: Page, clock: Option<u32>) -> Option<Sp804> {
        // SAFETY: the page is leaked and accessed as volatile only; there is one test.
        let started = page.node(COMPATIBLE, clock, |node| unsafe { start(node) });
        started.unwrap()
    }

    #[test]
    fn counts_on_where_the_register_wraps() {
        let page = Page::new();
        assert_eq!(started(page, None), None);
        assert_eq!(started(page, Some(0)), None);
        assert_eq!(page.get(8), 0, "left alone");
        let timer = started(page, Some(1_000_000)).unwrap();
        assert_eq!((page.get(0), page.get(8)), (u32::MAX, 0x82));
        assert_eq!(timer.frequency(), 1_000_000);
        for (value, ticks) in [
            (u32::MAX, 0),
            (u32::MAX - 5, 5),
            (0, 0xffff_ffff),
            (0, 0xffff_ffff),
            (u32::MAX, 0x1_0000_0000),
            (7, 0x1_ffff_fff8),
            (8, 0x2_ffff_fff7),
        ] {
            page.set(4, value);
            assert_eq!(timer.ticks(), ticks, "{value:#x}");
        }
        timer.stop();
        assert_eq!(page.get(8), 0x20);
    }
}
