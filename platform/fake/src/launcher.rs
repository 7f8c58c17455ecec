//! Handoffs that are recorded instead of performed.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use platform_api::{Handoff, HandoffRefusal, Launcher, PhysAddr};

/// What a fake handoff unwinds with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandedOff(pub Handoff);

/// One `go`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Where it was entered.
    pub entry: PhysAddr,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// Records handoffs and calls.
#[derive(Debug, Default)]
pub struct FakeLauncher {
    /// What [`Launcher::check`] answers, if not yes.
    pub refusal: Option<HandoffRefusal>,
    /// What a called program returns.
    pub result: u32,
    /// The handoff that was performed.
    pub handoff: Option<Handoff>,
    /// The programs that were called, oldest first.
    pub calls: Vec<Call>,
}

impl Launcher for FakeLauncher {
    fn check(&mut self, _handoff: &Handoff) -> Result<(), HandoffRefusal> {
        match self.refusal {
            Some(refusal) => Err(refusal),
            None => Ok(()),
        }
    }

    fn hand_off(&mut self, handoff: Handoff) -> ! {
        self.handoff = Some(handoff);
        resume_unwind(Box::new(HandedOff(handoff)))
    }

    fn call(&mut self, entry: PhysAddr, arguments: &[&str]) -> u32 {
        self.calls.push(Call {
            entry,
            arguments: arguments.iter().map(|text| (*text).to_owned()).collect(),
        });
        self.result
    }
}

/// Runs `body`; returns what it returns, or the handoff that ended it.
///
/// # Errors
/// The handoff. Any other panic goes on.
pub fn catch_handoff<R>(body: impl FnOnce() -> R) -> Result<R, Box<HandedOff>> {
    catch_unwind(AssertUnwindSafe(body)).map_err(|payload| match payload.downcast::<HandedOff>() {
        Ok(marker) => marker,
        Err(other) => resume_unwind(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform_api::{CleanRanges, Guard, WatchdogPolicy};

    #[test]
    fn a_handoff_passes_the_guard_and_is_recorded() {
        let handoff = Handoff {
            entry: PhysAddr::new(0x8000),
            device_tree: PhysAddr::new(0x100),
            clean: CleanRanges::default(),
            verbose: false,
            watchdog: WatchdogPolicy::Keep,
        };
        let mut launcher = FakeLauncher::default();
        let ended = catch_handoff(|| {
            crate::FakeGuard.run(&mut || {
                launcher.hand_off(handoff);
            })
        });
        assert_eq!(ended, Err(Box::new(HandedOff(handoff))));
        assert_eq!(launcher.handoff, Some(handoff));
    }
}
