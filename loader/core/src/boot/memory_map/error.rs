//! Why a claim was refused.

use alloc::string::String;
use core::fmt;

use platform_api::PhysRange;

use super::Holder;

/// Why a claim was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimError {
    /// Not in RAM.
    NotRam {
        /// What was asked for.
        range: PhysRange,
        /// By whom.
        owner: String,
    },
    /// Somebody holds it.
    Overlap {
        /// What was asked for.
        range: PhysRange,
        /// By whom.
        owner: String,
        /// What it runs into.
        by: PhysRange,
        /// Whose that is.
        by_owner: String,
        /// And for how long.
        holder: Holder,
    },
}

impl fmt::Display for ClaimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRam { range, owner } => write!(f, "{owner} at {range} is not in RAM"),
            Self::Overlap {
                range,
                owner,
                by,
                by_owner,
                holder,
            } => {
                let kind = match holder {
                    Holder::Reserved => "reserved memory ",
                    Holder::FirstStage => "the ",
                    Holder::Loader | Holder::Plan | Holder::Free => "",
                };
                write!(f, "{owner} at {range} overlaps {kind}{by_owner} at {by}")
            }
        }
    }
}

impl core::error::Error for ClaimError {}
