//! Physical memory, granted rather than assumed.

use core::fmt;

use crate::{PhysAddr, PhysRange};

/// The width of one memory access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// 8 bits, `.b`.
    Byte,
    /// 16 bits, `.w`.
    Half,
    /// 32 bits, `.l`.
    Word,
    /// 64 bits, `.q`.
    Double,
}

impl Width {
    /// Returns the width in bytes.
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Byte => 1,
            Self::Half => 2,
            Self::Word => 4,
            Self::Double => 8,
        }
    }
}

/// Physical memory behind the loader's page tables.
pub trait PhysicalMemory {
    /// Borrows bytes of RAM.
    ///
    /// # Errors
    /// If a byte is not in mapped RAM.
    fn bytes(&self, range: PhysRange) -> Result<&[u8], MemoryError>;

    /// Borrows bytes of RAM to write to.
    ///
    /// # Errors
    /// If a byte is not in mapped RAM, or is the loader's own, reserved or kept.
    fn bytes_mut(&mut self, range: PhysRange) -> Result<&mut [u8], MemoryError>;

    /// Reads once, at exactly this width, from RAM or a device. An address that is not mapped
    /// or not aligned faults: see [`crate::Guard`].
    ///
    /// # Errors
    /// If the address does not fit the processor.
    fn read(&self, address: PhysAddr, width: Width) -> Result<u64, MemoryError>;

    /// Writes once, at exactly this width. `value` is truncated to it.
    ///
    /// # Errors
    /// If the address does not fit the processor, or the byte is the loader's own.
    fn write(&mut self, address: PhysAddr, width: Width, value: u64) -> Result<(), MemoryError>;

    /// Keeps `range` for `owner`: from now on it is not lent out to be written. Single accesses
    /// go through, as they do to reserved memory.
    fn keep(&mut self, range: PhysRange, owner: &'static str);

    /// Undoes the last [`PhysicalMemory::keep`] of exactly `range`.
    fn release(&mut self, range: PhysRange);
}

/// Why memory was not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryError {
    /// Not in RAM, or RAM the loader does not map.
    NotRam(PhysRange),
    /// Belongs to someone.
    Owned {
        /// What was asked for.
        range: PhysRange,
        /// The memory it runs into.
        by: PhysRange,
        /// Whose that is.
        owner: &'static str,
    },
    /// Beyond what the processor can address.
    Unaddressable(PhysAddr),
}

impl fmt::Display for MemoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRam(range) => write!(f, "{range} is not in RAM"),
            Self::Owned { range, by, owner } => {
                write!(f, "{range} overlaps {owner} at {by}")
            }
            Self::Unaddressable(address) => {
                write!(f, "{address} is beyond this processor's addresses")
            }
        }
    }
}

impl core::error::Error for MemoryError {}
