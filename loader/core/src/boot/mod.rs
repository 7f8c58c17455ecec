//! Everything about a handoff, decided and validated.

use alloc::{string::String, vec::Vec};
use core::fmt;

use platform_api::{HandoffRefusal, PhysRange};

/// A range somebody owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The bytes.
    pub range: PhysRange,
    /// Whose they are, as the map prints it.
    pub owner: String,
}

/// RAM and who owns what of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryMap {
    /// RAM banks, sorted, without overlaps.
    pub ram: Vec<PhysRange>,
    /// Reservations from the tree: they outlive the handoff.
    pub reserved: Vec<Claim>,
    /// The loader itself (image, heap, stacks, tables): free for the payload after the handoff,
    /// but nothing can be placed there before.
    pub loader: Vec<Claim>,
}

/// Why a boot was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BootError {
    /// The machine cannot be handed over.
    Refused(HandoffRefusal),
}

impl From<HandoffRefusal> for BootError {
    fn from(refusal: HandoffRefusal) -> Self {
        Self::Refused(refusal)
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

impl core::error::Error for BootError {}
