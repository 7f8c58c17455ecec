//! Why a boot was refused.

use alloc::{borrow::Cow, boxed::Box};
use core::fmt;

use platform_api::{HandoffRefusal, MemoryError, PhysAddr, PhysRange};

use super::{ClaimError, PlaceError};
use crate::{
    image::{elf::ElfError, zimage::ZImageError},
    watchdog::PolicyError,
};

/// Why a boot was refused. Nothing anybody owns has been changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BootError {
    /// The machine cannot be handed over.
    Refused(HandoffRefusal),
    /// The watchdogs cannot be left as `wdt_handoff` says.
    Watchdog(PolicyError),
    /// The pieces do not fit the memory.
    Place(Box<PlaceError>),
    /// A range belongs to somebody else.
    Claim(ClaimError),
    /// Memory was not granted.
    Memory(MemoryError),
    /// The image is no zImage, or a broken one.
    ZImage(ZImageError),
    /// The image is a big-endian kernel.
    BigEndian,
    /// The image is no ELF executable, or a broken one.
    Elf(ElfError),
    /// There is no device tree to hand over.
    NoTree,
    /// An initrd at an address, and nobody said how many bytes it has.
    UnknownSize(PhysAddr),
    /// The initrd's size was given as 0.
    EmptyInitrd(PhysAddr),
    /// A staged piece is not what it was.
    Changed {
        /// Which.
        what: Cow<'static, str>,
        /// Where it lies.
        range: PhysRange,
        /// Its CRC-32 when it was staged.
        staged: u32,
        /// Its CRC-32 now.
        now: u32,
    },
    /// More pieces, far apart, than a handoff can clean: so many.
    TooScattered(usize),
}

impl From<ZImageError> for Box<BootError> {
    #[cold]
    fn from(error: ZImageError) -> Self {
        Self::new(BootError::ZImage(error))
    }
}

impl From<ElfError> for Box<BootError> {
    #[cold]
    fn from(error: ElfError) -> Self {
        Self::new(BootError::Elf(error))
    }
}

impl From<HandoffRefusal> for Box<BootError> {
    #[cold]
    fn from(refusal: HandoffRefusal) -> Self {
        Self::new(BootError::Refused(refusal))
    }
}

impl From<PolicyError> for Box<BootError> {
    #[cold]
    fn from(error: PolicyError) -> Self {
        Self::new(BootError::Watchdog(error))
    }
}

impl From<Box<PlaceError>> for Box<BootError> {
    #[cold]
    fn from(error: Box<PlaceError>) -> Self {
        Self::new(BootError::Place(error))
    }
}

impl From<ClaimError> for Box<BootError> {
    #[cold]
    fn from(error: ClaimError) -> Self {
        Self::new(BootError::Claim(error))
    }
}

impl From<MemoryError> for Box<BootError> {
    #[cold]
    fn from(error: MemoryError) -> Self {
        Self::new(BootError::Memory(error))
    }
}

impl fmt::Display for BootError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Watchdog(error) => error.fmt(f),
            Self::Place(error) => error.fmt(f),
            Self::Claim(error) => error.fmt(f),
            Self::Memory(error) => error.fmt(f),
            Self::ZImage(error) => error.fmt(f),
            Self::BigEndian => f.write_str(
                "big-endian kernel: this CPU is entered little-endian; build it without \
                 CONFIG_CPU_BIG_ENDIAN",
            ),
            Self::Elf(error) => error.fmt(f),
            Self::NoTree => f.write_str(
                "no device tree: the first stage gave none; name one as the third argument",
            ),
            Self::EmptyInitrd(at) => write!(f, "the initrd at {at} has no bytes"),
            Self::UnknownSize(at) => {
                write!(
                    f,
                    "the size of the initrd at {at} is not known; try {at}:SIZE"
                )
            }
            Self::Changed {
                what,
                range,
                staged,
                now,
            } => write!(
                f,
                "{what} at {range} changed since it was staged: its crc32 was {staged:08x} and is \
                 {now:08x}; stage it again"
            ),
            Self::TooScattered(count) => {
                write!(f, "{count} segments in too many places to be cleaned")
            }
        }
    }
}

impl core::error::Error for BootError {}
