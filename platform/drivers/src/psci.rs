//! PSCI, the firmware that knows the machine's power (DEN 0022).
//!
//! Only the calls a loader needs. On hosts a closed door stands in for the firmware.

use core::fmt;

use platform_api::{Power, PowerError};

#[cfg_attr(target_arch = "arm", path = "psci/conduit.rs")]
#[cfg_attr(not(target_arch = "arm"), path = "psci/conduit_none.rs")]
mod conduit;

/// The `compatible` strings of PSCI 0.2 and later.
pub const COMPATIBLE: &[&str] = &["arm,psci-1.0", "arm,psci-0.2"];
/// The `compatible` string of PSCI 0.1 alone, whose function numbers are in the node.
pub const COMPATIBLE_LEGACY: &[&str] = &["arm,psci"];

// Function numbers of the 32-bit calls (DEN 0022, 5.1).
const VERSION: u32 = 0x8400_0000;
const AFFINITY_INFO: u32 = 0x8400_0004;
const SYSTEM_OFF: u32 = 0x8400_0008;
const SYSTEM_RESET: u32 = 0x8400_0009;
const FEATURES: u32 = 0x8400_000a;
/// Its first argument is the kind of reset: 0 is the architecture's warm one (5.1.13).
const SYSTEM_RESET2: u32 = 0x8400_0012;

/// The instruction that reaches the firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduit {
    /// SMC: the firmware is in secure state.
    Smc,
    /// HVC: the firmware is in HYP, so we are not.
    Hvc,
}

/// A call: function number and three arguments to the result in r0.
type Call = fn(u32, [u32; 3]) -> u32;

/// PSCI firmware.
#[derive(Clone, Copy, Debug)]
pub struct Psci {
    call: Call,
    /// The node is `arm,psci` alone: none of the numbers above may be called.
    legacy: bool,
}

/// What AFFINITY_INFO says of a CPU (DEN 0022, 5.1.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AffinityState {
    /// Running.
    On,
    /// Off.
    Off,
    /// On its way up.
    OnPending,
}

impl Psci {
    /// Talks to the firmware of a `psci` node. `legacy` says that the node is `arm,psci` alone
    /// (PSCI 0.1): it cannot reset, power off or be asked anything.
    ///
    /// A wrong conduit ends in an Undefined exception or in our own HVC handler.
    pub const fn new(conduit: Conduit, legacy: bool) -> Self {
        let call = match conduit {
            Conduit::Smc => conduit::smc,
            Conduit::Hvc => conduit::hvc,
        };
        Self { call, legacy }
    }

    /// Returns the firmware's version, major and minor.
    ///
    /// # Errors
    /// [`PsciError::NotSupported`] if the firmware is PSCI 0.1.
    pub fn version(&self) -> Result<(u16, u16), PsciError> {
        let version = self.invoke(VERSION, [0; 3])?;
        Ok(((version >> 16) as u16, (version & 0xffff) as u16))
    }

    /// Asks whether `function` exists, and returns its flags. Needs PSCI 1.0.
    ///
    /// # Errors
    /// [`PsciError::NotSupported`] if it does not.
    pub fn features(&self, function: u32) -> Result<u32, PsciError> {
        self.invoke(FEATURES, [function, 0, 0])
    }

    /// Asks for the state of the CPU with this affinity (its `reg` in the device tree).
    ///
    /// # Errors
    /// [`PsciError::InvalidParameters`] if there is no such CPU, [`PsciError::NotSupported`] if
    /// the firmware is PSCI 0.1.
    pub fn affinity_info(&self, affinity: u32) -> Result<AffinityState, PsciError> {
        match self.invoke(AFFINITY_INFO, [affinity, 0, 0])? {
            0 => Ok(AffinityState::On),
            1 => Ok(AffinityState::Off),
            2 => Ok(AffinityState::OnPending),
            other => Err(PsciError::Unknown(other.cast_signed())),
        }
    }

    fn invoke(&self, function: u32, arguments: [u32; 3]) -> Result<u32, PsciError> {
        if self.legacy {
            return Err(PsciError::NotSupported);
        }
        let result = (self.call)(function, arguments);
        match result.cast_signed() {
            0.. => Ok(result),
            code => Err(PsciError::from_code(code)),
        }
    }

    /// Makes a call that only returns if it failed.
    fn last_call(&self, function: u32) -> PowerError {
        if self.legacy {
            return PowerError::NoMethod;
        }
        PowerError::Firmware((self.call)(function, [0; 3]).cast_signed())
    }
}

impl Power for Psci {
    fn reset(&mut self) -> PowerError {
        self.last_call(SYSTEM_RESET)
    }

    fn warm_reset(&mut self) -> PowerError {
        // FEATURES came with PSCI 1.0, SYSTEM_RESET2 with 1.1: an older one is reset whole.
        let warm = self.version().is_ok_and(|version| version >= (1, 1));
        if warm && self.features(SYSTEM_RESET2).is_ok() {
            self.last_call(SYSTEM_RESET2)
        } else {
            self.reset()
        }
    }

    fn power_off(&mut self) -> PowerError {
        self.last_call(SYSTEM_OFF)
    }
}

/// What the firmware answered (DEN 0022, 5.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PsciError {
    /// NOT_SUPPORTED, -1.
    NotSupported,
    /// INVALID_PARAMETERS, -2.
    InvalidParameters,
    /// DENIED, -3.
    Denied,
    /// ALREADY_ON, -4.
    AlreadyOn,
    /// ON_PENDING, -5.
    OnPending,
    /// INTERNAL_FAILURE, -6.
    InternalFailure,
    /// NOT_PRESENT, -7.
    NotPresent,
    /// DISABLED, -8.
    Disabled,
    /// INVALID_ADDRESS, -9.
    InvalidAddress,
    /// A code that the standard does not know.
    Unknown(i32),
}

impl PsciError {
    /// Decodes a negative result.
    pub const fn from_code(code: i32) -> Self {
        match code {
            -1 => Self::NotSupported,
            -2 => Self::InvalidParameters,
            -3 => Self::Denied,
            -4 => Self::AlreadyOn,
            -5 => Self::OnPending,
            -6 => Self::InternalFailure,
            -7 => Self::NotPresent,
            -8 => Self::Disabled,
            -9 => Self::InvalidAddress,
            other => Self::Unknown(other),
        }
    }
}

impl fmt::Display for PsciError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::NotSupported => "NOT_SUPPORTED",
            Self::InvalidParameters => "INVALID_PARAMETERS",
            Self::Denied => "DENIED",
            Self::AlreadyOn => "ALREADY_ON",
            Self::OnPending => "ON_PENDING",
            Self::InternalFailure => "INTERNAL_FAILURE",
            Self::NotPresent => "NOT_PRESENT",
            Self::Disabled => "DISABLED",
            Self::InvalidAddress => "INVALID_ADDRESS",
            Self::Unknown(code) => return write!(f, "PSCI: unknown answer {code}"),
        };
        write!(f, "PSCI: {name}")
    }
}

impl core::error::Error for PsciError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Firmware of a machine with CPU 0 on, CPU 1 off, CPU 2 starting.
    fn firmware(function: u32, [first, ..]: [u32; 3]) -> u32 {
        match (function, first) {
            (VERSION, _) => 0x0001_0001,
            (AFFINITY_INFO, state @ 0..=2) => state,
            (AFFINITY_INFO, 0x100) => 7,
            (AFFINITY_INFO, _) => (-2i32).cast_unsigned(),
            (FEATURES, SYSTEM_RESET | SYSTEM_RESET2) => 0,
            (SYSTEM_RESET, _) => (-6i32).cast_unsigned(),
            (SYSTEM_RESET2, 0) => (-3i32).cast_unsigned(),
            _ => (-1i32).cast_unsigned(),
        }
    }

    const PSCI: Psci = Psci {
        call: firmware,
        legacy: false,
    };

    #[test]
    fn decodes_answers() {
        assert_eq!(PSCI.version(), Ok((1, 1)));
        assert_eq!(PSCI.features(SYSTEM_RESET), Ok(0));
        assert_eq!(PSCI.features(SYSTEM_OFF), Err(PsciError::NotSupported));
        assert_eq!(PSCI.affinity_info(0), Ok(AffinityState::On));
        assert_eq!(PSCI.affinity_info(1), Ok(AffinityState::Off));
        assert_eq!(PSCI.affinity_info(2), Ok(AffinityState::OnPending));
        assert_eq!(PSCI.affinity_info(3), Err(PsciError::InvalidParameters));
        assert_eq!(PSCI.affinity_info(0x100), Err(PsciError::Unknown(7)));
    }

    #[test]
    fn a_failed_reset_returns_the_code() {
        let mut psci = PSCI;
        assert_eq!(psci.reset(), PowerError::Firmware(-6));
        assert_eq!(psci.power_off(), PowerError::Firmware(-1));
    }

    #[test]
    fn a_warm_reset_is_asked_for_where_there_is_one() {
        let mut psci = PSCI;
        assert_eq!(psci.warm_reset(), PowerError::Firmware(-3));
        // PSCI 1.1 without it, and 0.2, which has no FEATURES: everything is reset.
        fn without(function: u32, arguments: [u32; 3]) -> u32 {
            match function {
                FEATURES => (-1i32).cast_unsigned(),
                SYSTEM_RESET2 => panic!("called"),
                _ => firmware(function, arguments),
            }
        }
        psci.call = without;
        assert_eq!(psci.warm_reset(), PowerError::Firmware(-6));
        fn old(function: u32, arguments: [u32; 3]) -> u32 {
            match function {
                VERSION => 0x0000_0002,
                FEATURES | SYSTEM_RESET2 => panic!("called"),
                _ => firmware(function, arguments),
            }
        }
        psci.call = old;
        assert_eq!(psci.warm_reset(), PowerError::Firmware(-6));
    }

    #[test]
    fn psci_0_1_is_not_called_by_numbers_it_does_not_have() {
        fn trap(_: u32, _: [u32; 3]) -> u32 {
            panic!("called");
        }
        let mut psci = Psci {
            call: trap,
            legacy: true,
        };
        assert_eq!(psci.version(), Err(PsciError::NotSupported));
        assert_eq!(psci.affinity_info(1), Err(PsciError::NotSupported));
        assert_eq!(psci.reset(), PowerError::NoMethod);
        assert_eq!(psci.power_off(), PowerError::NoMethod);
    }

    #[test]
    fn every_code_has_its_name() {
        let names: Vec<String> = (-10..0)
            .map(|code| PsciError::from_code(code).to_string())
            .collect();
        assert_eq!(names[0], "PSCI: unknown answer -10");
        assert_eq!(names[1], "PSCI: INVALID_ADDRESS");
        assert_eq!(names[9], "PSCI: NOT_SUPPORTED");
        let different: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len());
    }
}
