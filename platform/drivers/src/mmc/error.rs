//! Why a card cannot be used.

use core::fmt;

use super::HostError;

/// Why a card cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MmcError {
    /// The slot is empty, or its card does not answer.
    NoCard,
    /// The host, in command `index`.
    Host {
        /// The command.
        index: u8,
        /// What happened.
        error: HostError,
    },
    /// The card answered command `index` with an error in its status.
    Status {
        /// The command.
        index: u8,
        /// The card's status (SD table 4-42).
        status: u32,
    },
    /// The card did not get ready in this many microseconds.
    Busy {
        /// Microseconds waited.
        waited_us: u64,
    },
    /// The card works at no voltage this host has, or answered CMD8 with another pattern.
    Voltage(u32),
    /// Its CSD register says it has no blocks.
    Capacity,
}

impl fmt::Display for MmcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoCard => f.write_str("no card in the slot, or none that answers"),
            Self::Host { index, error } => write!(f, "CMD{index}: {error}"),
            Self::Status { index, status } => {
                write!(f, "CMD{index}: the card's status is {status:#010x}")
            }
            Self::Busy { waited_us } => write!(f, "the card is busy after {waited_us} us"),
            Self::Voltage(answer) => {
                write!(
                    f,
                    "the card's voltage does not fit: it answered {answer:#010x}"
                )
            }
            Self::Capacity => f.write_str("the card says that it has no blocks"),
        }
    }
}

impl core::error::Error for MmcError {}
