//! Time that passes by being looked at.

use std::cell::Cell;

use platform_api::Clock;

/// A clock of 1 MHz. Every look at it takes `step` microseconds, so waiting code ends and each
/// run is the same.
#[derive(Debug)]
pub struct FakeClock {
    now: Cell<u64>,
    step: u64,
}

impl FakeClock {
    /// Makes a clock at 0 that advances by `step` microseconds each time it is read.
    pub fn new(step: u64) -> Self {
        Self {
            now: Cell::new(0),
            step,
        }
    }

    /// Lets `microseconds` pass.
    pub fn advance(&self, microseconds: u64) {
        self.now.set(self.now.get().saturating_add(microseconds));
    }

    /// Returns the time in microseconds, without letting any pass.
    pub fn now(&self) -> u64 {
        self.now.get()
    }
}

impl Default for FakeClock {
    /// A look takes a millisecond.
    fn default() -> Self {
        Self::new(1000)
    }
}

impl Clock for FakeClock {
    fn ticks(&self) -> u64 {
        self.advance(self.step);
        self.now.get()
    }

    fn frequency(&self) -> u32 {
        1_000_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looking_takes_time() {
        let clock = FakeClock::new(5);
        assert_eq!(clock.microseconds(), 5);
        clock.advance(10);
        assert_eq!(clock.microseconds(), 20);
        assert_eq!(clock.now(), 20);
    }
}
