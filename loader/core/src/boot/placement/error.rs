//! Why nothing could be placed.

use alloc::{boxed::Box, string::String};
use core::fmt;

use platform_api::{PhysAddr, PhysRange};

use crate::boot::{ClaimError, memory_map::Size};

/// Why the pieces of a boot cannot be placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceError {
    /// There is no RAM below 4 GiB.
    NoRam,
    /// A range is not RAM or belongs to somebody.
    Claim(ClaimError),
    /// No free range is large enough.
    NoRoom {
        /// The piece.
        what: &'static str,
        /// Bytes it needs.
        size: u64,
        /// Bytes of the largest free range.
        largest: u64,
        /// Where it was looked for.
        window: PhysRange,
    },
    /// Where the kernel will be inflated to is not free.
    Destination {
        /// What the decompressor writes.
        writes: PhysRange,
        /// What is in its way.
        by: ClaimError,
    },
    /// A piece lies where the decompressor writes.
    Overwritten {
        /// The piece.
        what: String,
        /// Where it lies.
        range: PhysRange,
        /// What the decompressor writes.
        writes: PhysRange,
    },
    /// The image lies below the kernel's text, where page tables go.
    BelowText {
        /// Where it lies.
        given: PhysAddr,
        /// The lowest place it may lie.
        lowest: PhysAddr,
    },
    /// The image starts just below a 128 MiB boundary, and it is not certain which side the
    /// decompressor takes itself to be on.
    Boundary(PhysAddr),
    /// The image runs at one address only, and that is not RAM.
    LinkedOutsideRam(PhysAddr),
    /// The image runs at one address only, and lies at another.
    LinkedElsewhere {
        /// Where it lies.
        given: PhysAddr,
        /// Where it runs.
        start: PhysAddr,
    },
    /// A piece lies where the kernel cannot reach it.
    OutsideLowMemory {
        /// The piece.
        what: &'static str,
        /// Where it lies.
        range: PhysRange,
        /// What the kernel reaches.
        low: PhysRange,
    },
    /// The tree is larger than a kernel maps.
    TreeTooBig(u64),
}

impl From<ClaimError> for Box<PlaceError> {
    #[cold]
    fn from(error: ClaimError) -> Self {
        Self::new(PlaceError::Claim(error))
    }
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRam => f.write_str("no RAM below 4 GiB in the device tree"),
            Self::Claim(error) => error.fmt(f),
            Self::NoRoom {
                what,
                size,
                largest,
                window,
            } => write!(
                f,
                "no room for the {what} of {size:#x} bytes: the largest free range in {window} \
                 has {largest:#x} ({})",
                Size(*largest)
            ),
            Self::Destination { writes, by } => write!(
                f,
                "the kernel would be inflated over {writes}: {by}; try the image in another \
                 128 MiB"
            ),
            Self::Overwritten {
                what,
                range,
                writes,
            } => write!(
                f,
                "{what} at {range} would be overwritten by the decompressor, which writes \
                 {writes}; try it at {}",
                writes.end().align_up(super::PAGE).unwrap_or(writes.end())
            ),
            Self::BelowText { given, lowest } => write!(
                f,
                "image at {given} lies where the kernel's page tables go; try {lowest} or above"
            ),
            Self::Boundary(given) => write!(
                f,
                "image at {given} starts less than 4 KiB below a 128 MiB boundary; try {}",
                given.align_up(super::PAGE).unwrap_or(*given)
            ),
            Self::LinkedOutsideRam(start) => {
                write!(f, "image is linked for {start}, which is not in RAM")
            }
            Self::LinkedElsewhere { given, start } => {
                write!(f, "image at {given} runs only at {start}; load it there")
            }
            Self::OutsideLowMemory { what, range, low } => write!(
                f,
                "{what} at {range} is outside {low}, the low memory every kernel maps; try it \
                 there"
            ),
            Self::TreeTooBig(size) => write!(
                f,
                "device tree of {size:#x} bytes is larger than the {:#x} every kernel maps",
                super::MAX_TREE
            ),
        }
    }
}

impl core::error::Error for PlaceError {}
