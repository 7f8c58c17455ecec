//! Reset and power by PSCI, where there is PSCI.

use platform_api::{Power, PowerError};
use platform_drivers::psci::Psci;

/// The firmware, if the tree names one.
pub struct PsciPower(pub Option<Psci>);

impl Power for PsciPower {
    fn reset(&mut self) -> PowerError {
        self.0.as_mut().map_or(PowerError::NoMethod, Power::reset)
    }

    fn warm_reset(&mut self) -> PowerError {
        self.0
            .as_mut()
            .map_or(PowerError::NoMethod, Power::warm_reset)
    }

    fn power_off(&mut self) -> PowerError {
        self.0
            .as_mut()
            .map_or(PowerError::NoMethod, Power::power_off)
    }
}
