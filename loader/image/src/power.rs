//! Reset and power: by PSCI, and where that is not there or cannot, by a device of the tree's.

use baton_core::devicetree::Discovery;
use platform_api::{Power, PowerError, Step};
use platform_drivers::{
    power::{self, Survey},
    psci::Psci,
    timer::Timer,
};

/// How long a device may take: Allwinner's watchdog has half a second at the least.
pub const PATIENCE: Step = Step::Delay {
    microseconds: 2_000_000,
};

/// Who can do it on this board. Devices are looked for when somebody asks.
pub struct BoardPower<'a> {
    /// The firmware, if the tree names one.
    pub psci: Option<Psci>,
    /// What the tree says.
    pub found: &'a Discovery,
    /// To wait by.
    pub clock: Timer,
}

/// Shows every device to a new survey.
pub fn survey(found: &Discovery) -> Survey {
    let mut survey = Survey::new(found.compatible.iter().map(|name| name.as_str()));
    for device in &found.devices {
        device.with_node(|node| survey.note(node));
    }
    survey
}

impl BoardPower<'_> {
    /// Asks the firmware, then a device.
    fn last_resort(
        &mut self,
        ask: fn(&mut Psci) -> PowerError,
        steps: fn(&Survey) -> &[Step],
    ) -> PowerError {
        let answer = self.psci.as_mut().map_or(PowerError::NoMethod, ask);
        let survey = survey(self.found);
        let steps = steps(&survey);
        if steps.is_empty() {
            return answer;
        }
        // SAFETY: the registers are those of an enabled device of the tree's, mapped with all
        // others at the start; the machine is to end here.
        unsafe {
            power::run(steps, &mut self.clock);
            power::run(&[PATIENCE], &mut self.clock);
        }
        PowerError::NoEffect
    }
}

impl Power for BoardPower<'_> {
    fn reset(&mut self) -> PowerError {
        self.last_resort(Power::reset, |survey| &survey.reset)
    }

    fn warm_reset(&mut self) -> PowerError {
        self.last_resort(Power::warm_reset, |survey| &survey.reset)
    }

    fn power_off(&mut self) -> PowerError {
        self.last_resort(Power::power_off, |survey| &survey.power_off)
    }
}
