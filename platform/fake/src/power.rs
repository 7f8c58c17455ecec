//! Reset and power-off that are recorded and fail.

use platform_api::{Power, PowerError};

/// What was asked of [`FakePower`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PowerCall {
    /// A reset.
    Reset,
    /// A warm reset.
    WarmReset,
    /// Power-off.
    Off,
}

/// Records what it is asked, and returns as failed power does.
#[derive(Clone, Debug)]
pub struct FakePower {
    /// The calls, oldest first.
    pub calls: Vec<PowerCall>,
    /// The answer to each.
    pub error: PowerError,
}

impl Default for FakePower {
    fn default() -> Self {
        Self {
            calls: Vec::new(),
            error: PowerError::NoMethod,
        }
    }
}

impl Power for FakePower {
    fn reset(&mut self) -> PowerError {
        self.calls.push(PowerCall::Reset);
        self.error
    }

    fn warm_reset(&mut self) -> PowerError {
        self.calls.push(PowerCall::WarmReset);
        self.error
    }

    fn power_off(&mut self) -> PowerError {
        self.calls.push(PowerCall::Off);
        self.error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_in_order() {
        let mut power = FakePower::default();
        assert_eq!(power.power_off(), PowerError::NoMethod);
        power.error = PowerError::Firmware(-1);
        assert_eq!(power.reset(), PowerError::Firmware(-1));
        assert_eq!(power.calls, [PowerCall::Off, PowerCall::Reset]);
    }
}
