//! The clock: the Arm generic timer's physical counter (DDI 0406C, B8.1), or [`sp804`].
//!
//! Only the counter is read: no timer is armed, so there is nothing to stop at a handoff.

use embedded_hal::delay::DelayNs;
use platform_api::Clock;

#[cfg_attr(target_arch = "arm", path = "timer/counter.rs")]
#[cfg_attr(not(target_arch = "arm"), path = "timer/counter_fake.rs")]
mod counter;
pub mod sp804;

/// The `compatible` strings of the timer's node. Nothing binds to it: the counter is in the
/// processor, and the node only matters for its `clock-frequency`.
pub const COMPATIBLE: &[&str] = &["arm,armv7-timer", "arm,armv8-timer"];

/// The physical counter, CNTPCT. It counts in every mode, is shared by all CPUs and is 56 bits
/// or wider: it does not wrap in a boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchTimer {
    frequency: u32,
}

impl ArchTimer {
    /// Takes the frequency from CNTFRQ; where the first stage left that 0, from `fallback`, the
    /// tree's `clock-frequency` in Hz. Returns `None` if neither knows.
    pub fn new(fallback: Option<u32>) -> Option<Self> {
        Self::with_frequency(counter::frequency(), fallback)
    }

    fn with_frequency(register: u32, fallback: Option<u32>) -> Option<Self> {
        let known = if register == 0 {
            fallback.unwrap_or(0)
        } else {
            register
        };
        (known != 0).then_some(Self { frequency: known })
    }

    /// Waits at least `ticks`.
    fn wait(&self, ticks: u64) {
        let start = counter::physical_count();
        while counter::physical_count().wrapping_sub(start) < ticks {
            core::hint::spin_loop();
        }
    }

    /// Waits at least `count` units of which `per_second` make a second.
    fn wait_units(&self, count: u32, per_second: u64) {
        // Both factors have 32 bits: no overflow. One more tick, for the one already begun.
        let ticks = (u64::from(count) * u64::from(self.frequency)).div_ceil(per_second);
        self.wait(ticks + 1);
    }
}

/// The clock of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The processor's own counter.
    Generic(ArchTimer),
    /// A device's, where the processor has none.
    Sp804(sp804::Sp804),
}

impl Clock for Timer {
    fn ticks(&self) -> u64 {
        match self {
            Self::Generic(timer) => timer.ticks(),
            Self::Sp804(timer) => timer.ticks(),
        }
    }

    fn frequency(&self) -> u32 {
        match self {
            Self::Generic(timer) => timer.frequency(),
            Self::Sp804(timer) => timer.frequency(),
        }
    }
}

impl Clock for ArchTimer {
    fn ticks(&self) -> u64 {
        counter::physical_count()
    }

    fn frequency(&self) -> u32 {
        self.frequency
    }
}

impl DelayNs for ArchTimer {
    fn delay_ns(&mut self, ns: u32) {
        self.wait_units(ns, 1_000_000_000);
    }

    fn delay_us(&mut self, us: u32) {
        self.wait_units(us, 1_000_000);
    }

    fn delay_ms(&mut self, ms: u32) {
        self.wait_units(ms, 1_000);
    }
}

impl DelayNs for Timer {
    fn delay_ns(&mut self, ns: u32) {
        // Both factors have 32 bits: no overflow. One more tick, for the one already begun.
        let ticks = (u64::from(ns) * u64::from(self.frequency())).div_ceil(1_000_000_000) + 1;
        let start = self.ticks();
        while self.ticks().wrapping_sub(start) < ticks {
            core::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_register_goes_before_the_tree() {
        let frequency = |register, fallback| {
            ArchTimer::with_frequency(register, fallback).map(|timer| timer.frequency())
        };
        assert_eq!(frequency(62_500_000, Some(24_000_000)), Some(62_500_000));
        assert_eq!(frequency(0, Some(24_000_000)), Some(24_000_000));
        assert_eq!(frequency(0, Some(0)), None);
        assert_eq!(frequency(0, None), None);
    }

    #[test]
    fn delays_are_never_short() {
        let mut timer = ArchTimer::with_frequency(24_000_000, None).unwrap();
        for (wait, least) in [
            (
                Box::new(|t: &mut ArchTimer| t.delay_ms(3)) as Box<dyn Fn(&mut ArchTimer)>,
                72_000,
            ),
            (Box::new(|t: &mut ArchTimer| t.delay_us(1)), 24),
            (Box::new(|t: &mut ArchTimer| t.delay_ns(50)), 2),
            (
                Box::new(|t: &mut ArchTimer| t.delay_ms(u32::MAX / 1000)),
                24_000 * 4_294_967,
            ),
        ] {
            let before = timer.ticks();
            wait(&mut timer);
            assert!(timer.ticks() - before > least);
        }
    }
}
