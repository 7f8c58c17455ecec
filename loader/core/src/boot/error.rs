//! Why a boot was refused.

use core::fmt;

use platform_api::{HandoffRefusal, MemoryError};

use super::{ClaimError, PlaceError};

/// Why a boot was refused. Nothing anybody owns has been changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BootError {
    /// The machine cannot be handed over.
    Refused(HandoffRefusal),
    /// The pieces do not fit the memory.
    Place(PlaceError),
    /// A range belongs to somebody else.
    Claim(ClaimError),
    /// Memory was not granted.
    Memory(MemoryError),
}

impl From<HandoffRefusal> for BootError {
    fn from(refusal: HandoffRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<PlaceError> for BootError {
    fn from(error: PlaceError) -> Self {
        Self::Place(error)
    }
}

impl From<ClaimError> for BootError {
    fn from(error: ClaimError) -> Self {
        Self::Claim(error)
    }
}

impl From<MemoryError> for BootError {
    fn from(error: MemoryError) -> Self {
        Self::Memory(error)
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Place(error) => error.fmt(f),
            Self::Claim(error) => error.fmt(f),
            Self::Memory(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for BootError {}
