//! Reset and power.

use core::fmt;

/// Resets the machine or turns it off.
pub trait Power {
    /// Resets; returns only if that failed.
    fn reset(&mut self) -> PowerError;

    /// Resets what can be reset without losing memory's content, where there is such a reset,
    /// else everything; returns only if that failed.
    fn warm_reset(&mut self) -> PowerError {
        self.reset()
    }

    /// Turns the machine off; returns only if that failed.
    fn power_off(&mut self) -> PowerError;
}

/// Why the machine still runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerError {
    /// No firmware or device that could do it was found.
    NoMethod,
    /// The firmware answered with this code.
    Firmware(i32),
    /// A device was told to do it, and the machine still runs.
    NoEffect,
}

impl fmt::Display for PowerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMethod => f.write_str(
                "no PSCI 0.2 in the device tree, and no device that could do it; use the switch",
            ),
            Self::Firmware(code) => write!(f, "PSCI answered {code}"),
            Self::NoEffect => f.write_str("the board's device had no effect; use the switch"),
        }
    }
}

impl core::error::Error for PowerError {}
