//! A clock that stands still.

use std::{cell::Cell, rc::Rc};

use platform_api::{Rtc, RtcError};

/// A real-time clock whose clones are the same clock; it does not move by itself.
#[derive(Clone, Debug, Default)]
pub struct FakeRtc(Rc<Cell<u64>>);

impl FakeRtc {
    /// Makes a clock that shows `seconds` since 1970.
    pub fn new(seconds: u64) -> Self {
        Self(Rc::new(Cell::new(seconds)))
    }
}

impl Rtc for FakeRtc {
    fn seconds(&self) -> u64 {
        self.0.get()
    }

    /// Holds 32 bits, as the PL031.
    fn set_seconds(&mut self, seconds: u64) -> Result<(), RtcError> {
        match u32::try_from(seconds) {
            Ok(_) => {
                self.0.set(seconds);
                Ok(())
            }
            Err(_) => Err(RtcError(seconds)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_are_the_same_clock() {
        let clock = FakeRtc::new(5);
        let mut other = clock.clone();
        other.set_seconds(7).unwrap();
        assert_eq!(clock.seconds(), 7);
        assert_eq!(other.set_seconds(1 << 32), Err(RtcError(1 << 32)));
        assert_eq!(clock.seconds(), 7);
    }
}
