//! The watchdogs, and what becomes of them at a handoff.

use alloc::{string::String, vec::Vec};
use core::fmt;

use platform_api::{Watchdog, WatchdogPolicy};

use crate::env::Environment;

/// The variable that says what a handoff does to the watchdogs.
pub const POLICY: &str = "wdt_handoff";

/// A watchdog under its node's name.
pub struct WatchdogDevice<'a> {
    /// Where it was found: the device-tree path.
    pub path: String,
    /// The driver, by U-Boot's name.
    pub driver: &'static str,
    /// The device.
    pub device: &'a dyn Watchdog,
}

impl WatchdogDevice<'_> {
    /// Returns its node's name, `watchdog@1c20ca0`.
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// Every watchdog.
#[derive(Default)]
pub struct Watchdogs<'a> {
    /// In the order of the tree; a handoff names them by their places.
    pub devices: Vec<WatchdogDevice<'a>>,
    /// The one that `wdt dev` has chosen.
    pub current: Option<usize>,
}

impl Watchdogs<'_> {
    /// Reads `wdt_handoff`, and checks that it can be done. `arm` takes the current watchdog, else
    /// the first.
    ///
    /// # Errors
    /// The value is none, or there is no watchdog that can do it.
    pub fn policy(&self, env: &Environment) -> Result<WatchdogPolicy, PolicyError> {
        let Some(value) = env.get(POLICY) else {
            return Ok(WatchdogPolicy::Keep);
        };
        let unknown = || PolicyError::Unknown(value.into());
        match value {
            "" | "keep" => Ok(WatchdogPolicy::Keep),
            "stop" => Ok(WatchdogPolicy::Stop),
            _ => {
                let seconds = value.strip_prefix("arm:").ok_or_else(unknown)?;
                if !seconds.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Err(unknown());
                }
                let seconds: u32 = seconds.parse().map_err(|_| unknown())?;
                let milliseconds = seconds.checked_mul(1000).ok_or_else(unknown)?;
                self.arm(value, milliseconds)
            }
        }
    }

    fn arm(&self, value: &str, milliseconds: u32) -> Result<WatchdogPolicy, PolicyError> {
        let place = self.current.unwrap_or(0);
        let Some(watchdog) = self.devices.get(place) else {
            return Err(PolicyError::NoWatchdog(value.into()));
        };
        let longest = watchdog.device.max_timeout() / 1000;
        if milliseconds == 0 || milliseconds / 1000 > longest {
            return Err(PolicyError::Timeout {
                value: value.into(),
                name: watchdog.name().into(),
                longest,
            });
        }
        Ok(WatchdogPolicy::Arm {
            index: u32::try_from(place).unwrap_or(u32::MAX),
            milliseconds,
        })
    }

    /// Says what a policy will do; nothing where there is nothing to do.
    pub fn describe(&self, policy: WatchdogPolicy) -> Option<String> {
        let running = self.devices.iter().filter(|dog| dog.device.is_running());
        let running: Vec<&str> = running.map(WatchdogDevice::name).collect();
        let running = running.join(", ");
        Some(match policy {
            WatchdogPolicy::Arm {
                index,
                milliseconds,
            } => {
                let index = usize::try_from(index).ok()?;
                let name = self.devices.get(index)?.name();
                alloc::format!("Watchdog: {name} armed, {} s", milliseconds / 1000)
            }
            _ if self.devices.is_empty() => return None,
            _ if running.is_empty() => "Watchdog: none runs".into(),
            WatchdogPolicy::Stop => alloc::format!("Watchdog: {running} stopped"),
            WatchdogPolicy::Keep => alloc::format!("Watchdog: {running} runs on"),
        })
    }
}

/// Why `wdt_handoff` cannot be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyError {
    /// It is no policy.
    Unknown(String),
    /// There is no watchdog to arm.
    NoWatchdog(String),
    /// The watchdog cannot be set so.
    Timeout {
        /// The policy.
        value: String,
        /// The watchdog.
        name: String,
        /// Its longest timeout in whole seconds.
        longest: u32,
    },
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Unknown(value) | Self::NoWatchdog(value) | Self::Timeout { value, .. }) = self;
        write!(f, "{POLICY}={value}: ")?;
        match self {
            Self::Unknown(_) => f.write_str("not keep, stop or arm:SECONDS"),
            Self::NoWatchdog(_) => f.write_str("no watchdog; see `wdt list`"),
            Self::Timeout { name, longest, .. } => {
                write!(f, "{name} takes 1 to {longest} seconds")
            }
        }
    }
}

impl core::error::Error for PolicyError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{string::ToString, vec};
    use platform_fake::FakeWatchdog;

    fn policy(devices: &[&FakeWatchdog], value: &str) -> Result<WatchdogPolicy, PolicyError> {
        let mut env = Environment::default();
        env.set(POLICY, value);
        watchdogs(devices).policy(&env)
    }

    fn watchdogs<'a>(devices: &[&'a FakeWatchdog]) -> Watchdogs<'a> {
        let named = devices.iter().enumerate();
        Watchdogs {
            devices: named
                .map(|(index, device)| WatchdogDevice {
                    path: alloc::format!("/soc/watchdog@{index}"),
                    driver: "fake",
                    device: *device,
                })
                .collect(),
            current: None,
        }
    }

    #[test]
    fn reads_every_policy() {
        let dog = FakeWatchdog::default();
        let none = watchdogs(&[]).policy(&Environment::default());
        assert_eq!(none, Ok(WatchdogPolicy::Keep));
        assert_eq!(policy(&[], "keep"), Ok(WatchdogPolicy::Keep));
        assert_eq!(policy(&[], "stop"), Ok(WatchdogPolicy::Stop));
        let armed = WatchdogPolicy::Arm {
            index: 0,
            milliseconds: 16_000,
        };
        assert_eq!(policy(&[&dog], "arm:16"), Ok(armed));
        assert!(dog.calls().is_empty(), "only read");
    }

    #[test]
    fn what_cannot_be_done_names_the_value() {
        let dog = FakeWatchdog::default();
        for (value, reason) in [
            ("off", "not keep, stop or arm:SECONDS"),
            ("arm", "not keep, stop or arm:SECONDS"),
            ("arm:", "not keep, stop or arm:SECONDS"),
            ("arm:+1", "not keep, stop or arm:SECONDS"),
            ("arm:1.5", "not keep, stop or arm:SECONDS"),
            ("arm:4294967", "watchdog@0 takes 1 to 16 seconds"),
            ("arm:4294968", "not keep, stop or arm:SECONDS"),
            ("arm:99999999999", "not keep, stop or arm:SECONDS"),
            ("arm:0", "watchdog@0 takes 1 to 16 seconds"),
            ("arm:17", "watchdog@0 takes 1 to 16 seconds"),
        ] {
            let error = policy(&[&dog], value).unwrap_err().to_string();
            assert_eq!(error, alloc::format!("wdt_handoff={value}: {reason}"));
        }
        let error = policy(&[], "arm:5").unwrap_err().to_string();
        assert_eq!(error, "wdt_handoff=arm:5: no watchdog; see `wdt list`");
    }

    #[test]
    fn says_what_will_be() {
        let (dogs, keep) = ([FakeWatchdog::default(), FakeWatchdog::default()], 1);
        let both = watchdogs(&[&dogs[0], &dogs[keep]]);
        let said = |policy| both.describe(policy);
        assert_eq!(watchdogs(&[]).describe(WatchdogPolicy::Stop), None);
        let none = Some("Watchdog: none runs".into());
        assert_eq!(said(WatchdogPolicy::Keep), none);
        assert_eq!(said(WatchdogPolicy::Stop), none);
        dogs[1].start(5000);
        let text = said(WatchdogPolicy::Keep).unwrap();
        assert_eq!(text, "Watchdog: watchdog@1 runs on");
        let text = said(WatchdogPolicy::Stop).unwrap();
        assert_eq!(text, "Watchdog: watchdog@1 stopped");
        let armed = WatchdogPolicy::Arm {
            index: 1,
            milliseconds: 3000,
        };
        assert_eq!(said(armed).unwrap(), "Watchdog: watchdog@1 armed, 3 s");
        assert_eq!(
            dogs[1].calls(),
            vec![platform_fake::WatchdogCall::Start(5000)]
        );
    }
}
