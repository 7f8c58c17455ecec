//! The clock that goes on while the machine is off.

use core::fmt;

/// A real-time clock.
pub trait Rtc {
    /// Returns the seconds since 1970-01-01 00:00:00.
    fn seconds(&self) -> u64;

    /// Sets them.
    ///
    /// # Errors
    /// [`RtcError`] if the clock cannot hold the time; it goes on as it was.
    fn set_seconds(&mut self, seconds: u64) -> Result<(), RtcError>;
}

/// A time that a clock cannot hold: seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtcError(pub u64);

impl fmt::Display for RtcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the clock cannot hold second {} since 1970: set a time before 2106",
            self.0
        )
    }
}

impl core::error::Error for RtcError {}
