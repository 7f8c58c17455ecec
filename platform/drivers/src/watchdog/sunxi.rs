//! The watchdog of Allwinner's chips, from the A10 on.
//!
//! Offsets and values are those that Linux's and U-Boot's drivers agree on, and QEMU's model of
//! it; the timeouts are in its table, half a second to 16 seconds.

use alloc::{vec, vec::Vec};

use platform_api::{DeviceNode, Step, Watchdog};

use super::{ProbeError, Words};

/// The `compatible` strings this driver binds to.
pub const COMPATIBLE: &[&str] = &[SUN6I, SUN4I];

/// The A31's, which the H3 has too.
pub const SUN6I: &str = "allwinner,sun6i-a31-wdt";
/// The A10's and A20's: fewer registers, no key.
pub const SUN4I: &str = "allwinner,sun4i-a10-wdt";

/// Value of [`Layout::control`] that starts the count afresh: bit 0, under the key 0xa57.
pub const RESTART: u32 = 0xa57 << 1 | 1;
/// Bit of [`Layout::mode`]: it counts.
pub const ENABLE: u32 = 1;

/// The timeouts that can be set, in milliseconds; the place is the value of the mode register's
/// field.
const TIMEOUTS: [u32; 12] = [
    500, 1000, 2000, 3000, 4000, 5000, 6000, 8000, 10_000, 12_000, 14_000, 16_000,
];

/// Where the registers of a family lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Offset of the control register.
    pub control: u32,
    /// Offset of the register that says what happens when the time is over.
    pub config: u32,
    /// Its bits for that, and their value for "reset the whole chip".
    pub reset: (u32, u32),
    /// Offset of the mode register.
    pub mode: u32,
    /// The place of the timeout's four bits in it.
    pub timeout_shift: u32,
}

impl Layout {
    /// The A31's and the H3's.
    pub const SUN6I: Self = Self {
        control: 0x10,
        config: 0x14,
        reset: (3, 1),
        mode: 0x18,
        timeout_shift: 4,
    };
    /// The A10's and the A20's.
    pub const SUN4I: Self = Self {
        control: 0,
        config: 4,
        reset: (2, 2),
        mode: 4,
        timeout_shift: 3,
    };

    /// Returns what resets the chip, half a second later, for registers at `base`.
    pub fn expire_steps(&self, base: u32) -> Vec<Step> {
        let write = |offset: u32, value| Step::Write {
            at: base.wrapping_add(offset),
            value,
        };
        if self.mode == self.config {
            let mode = write(self.mode, self.reset.1 | ENABLE);
            return vec![mode, write(self.control, RESTART)];
        }
        vec![
            write(self.config, self.reset.1),
            write(self.mode, ENABLE),
            write(self.control, RESTART),
        ]
    }
}

/// A watchdog.
#[derive(Clone, Copy, Debug)]
pub struct Sunxi {
    words: Words,
    layout: Layout,
}

/// Takes the watchdog of `node`, and leaves it as it is.
///
/// # Errors
/// If the node's first window cannot hold the registers.
///
/// # Safety
/// The window is such a watchdog of the running machine, mapped as device memory at its physical
/// address.
pub unsafe fn probe(node: &DeviceNode<'_>) -> Result<Sunxi, ProbeError> {
    let (layout, words) = if node.matches(&[SUN4I]) {
        // SAFETY: the caller's word.
        (Layout::SUN4I, unsafe { Words::new::<2>(node)? })
    } else {
        // SAFETY: the caller's word.
        (Layout::SUN6I, unsafe { Words::new::<7>(node)? })
    };
    Ok(Sunxi { words, layout })
}

impl Sunxi {
    /// Starts it with an entry of [`TIMEOUTS`].
    fn count(&self, timeout: u32) {
        let Layout {
            config,
            reset,
            mode,
            timeout_shift,
            ..
        } = self.layout;
        let value = self.words.get(config) & !reset.0 | reset.1;
        self.words.set(config, value);
        let value = self.words.get(mode) & !(0xf << timeout_shift);
        self.words
            .set(mode, value | timeout << timeout_shift | ENABLE);
        self.kick();
    }
}

impl Watchdog for Sunxi {
    fn max_timeout(&self) -> u32 {
        TIMEOUTS.iter().copied().max().unwrap_or(0)
    }

    fn start(&self, milliseconds: u32) -> u32 {
        let longest = (TIMEOUTS.len() - 1, self.max_timeout());
        let timeouts = TIMEOUTS.iter().copied().enumerate();
        let (value, timeout) = { timeouts }
            .find(|(_, timeout)| *timeout >= milliseconds)
            .unwrap_or(longest);
        self.count(u32::try_from(value).unwrap_or(0));
        timeout
    }

    fn stop(&self) {
        self.words.set(self.layout.mode, 0);
    }

    fn kick(&self) {
        self.words.set(self.layout.control, RESTART);
    }

    fn expire(&self) {
        self.count(0);
    }

    fn is_running(&self) -> bool {
        self.words.get(self.layout.mode) & ENABLE != 0
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Page;
    use super::*;

    fn watchdog(compatible: &str) -> (Page, Sunxi) {
        let page = Page::new();
        // SAFETY: the page is leaked and accessed as volatile only.
        let probed = page.node(&[compatible], None, |node| unsafe { probe(node) });
        (page, probed.unwrap())
    }

    #[test]
    fn the_h3_s() {
        let (page, watchdog) = watchdog(SUN6I);
        page.set(0x14, 0xfffe);
        page.set(0x18, 0xb1);
        assert!(watchdog.is_running(), "whoever started it");
        assert_eq!(watchdog.start(3000), 3000);
        assert_eq!((page.get(0x14), page.get(0x18)), (0xfffd, 0x31));
        assert_eq!(page.get(0x10), 0x14af);
        page.set(0x10, 0);
        watchdog.kick();
        assert_eq!(page.get(0x10), 0x14af);
        watchdog.stop();
        assert_eq!(page.get(0x18), 0);
        assert!(!watchdog.is_running());
        watchdog.expire();
        assert_eq!(page.get(0x18), 1);
    }

    #[test]
    fn the_a10_s() {
        let (page, watchdog) = watchdog(SUN4I);
        assert_eq!(watchdog.start(16_000), 16_000);
        assert_eq!((page.get(0), page.get(4)), (0x14af, 0xb << 3 | 3));
        assert!(watchdog.is_running());
        watchdog.stop();
        assert_eq!(page.get(4), 0);
    }

    #[test]
    fn no_timeout_is_shorter_than_asked_for() {
        let (page, watchdog) = watchdog(SUN6I);
        for (asked, set, value) in [
            (0, 500, 0),
            (1, 500, 0),
            (501, 1000, 1),
            (6001, 8000, 7),
            (15_000, 16_000, 11),
            (16_001, 16_000, 11),
            (u32::MAX, 16_000, 11),
        ] {
            assert_eq!(watchdog.start(asked), set);
            assert_eq!(page.get(0x18), value << 4 | 1, "{asked}");
        }
    }

    #[test]
    fn the_steps_are_what_expire_does() {
        for (compatible, layout) in [(SUN6I, Layout::SUN6I), (SUN4I, Layout::SUN4I)] {
            let (page, watchdog) = watchdog(compatible);
            watchdog.expire();
            for step in layout.expire_steps(0) {
                let Step::Write { at, value } = step else {
                    panic!("{step:?}");
                };
                assert_eq!(page.get(at), value, "{at:#x}");
            }
        }
    }
}
