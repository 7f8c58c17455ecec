//! Block devices: whole blocks in, whole blocks out, no copy in between.

use core::fmt;

use crate::CardFacts;

/// What a block device says about itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockInfo {
    /// Bytes in a block; a power of two, at least 512.
    pub block_size: u32,
    /// Blocks on the device.
    pub blocks: u64,
    /// The device refuses writes.
    pub read_only: bool,
}

/// A device that moves whole blocks between itself and memory.
///
/// A driver writes straight into `buffer`; where it uses DMA it does its own cache maintenance.
pub trait BlockDevice {
    /// Returns the geometry.
    fn info(&self) -> BlockInfo;

    /// Reads `buffer.len() / block_size` blocks from `first` on. The length is a whole number of
    /// blocks, or the call fails with [`BlockError::BadLength`] and reads nothing.
    fn read_blocks(&mut self, first: u64, buffer: &mut [u8]) -> Result<(), BlockError>;

    /// Writes `buffer.len() / block_size` blocks from `first` on, under the same rule.
    fn write_blocks(&mut self, first: u64, buffer: &[u8]) -> Result<(), BlockError>;

    /// Erases `count` blocks from `first` on; what they hold then is the card's affair.
    ///
    /// # Errors
    /// [`BlockError::Unsupported`] where the device cannot, and as a write.
    fn erase_blocks(&mut self, first: u64, count: u64) -> Result<(), BlockError> {
        let _ = (first, count);
        Err(BlockError::Unsupported)
    }

    /// Looks anew what is in the slot, for devices that can be changed while the machine runs.
    ///
    /// # Errors
    /// [`BlockError::NoMedium`] if it is empty, or what the card answered.
    fn rescan(&mut self) -> Result<(), BlockError> {
        Ok(())
    }

    /// Returns the card's identity, if the device is a memory card that answered.
    fn card(&self) -> Option<CardFacts> {
        None
    }
}

/// Why a block transfer failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockError {
    /// The blocks are not on the device.
    OutOfRange {
        /// First block asked for.
        first: u64,
        /// How many blocks.
        count: u64,
        /// How many the device has.
        blocks: u64,
    },
    /// The buffer is not a whole number of blocks.
    BadLength {
        /// Its length in bytes.
        length: usize,
        /// Bytes in a block.
        block_size: u32,
    },
    /// The device did not answer in time.
    Timeout {
        /// First block of the request.
        first: u64,
        /// Microseconds waited.
        waited_us: u64,
    },
    /// The device answered with an error of its own.
    Device {
        /// First block of the request.
        first: u64,
        /// The device's status, as its standard numbers it.
        status: u32,
    },
    /// The data did not come through the wire whole, however often it was asked for.
    Crc {
        /// First block of the request.
        first: u64,
    },
    /// The device is read-only.
    ReadOnly,
    /// There is nothing in the slot, or nothing that answers.
    NoMedium,
    /// The device has no such operation.
    Unsupported,
}

impl BlockError {
    /// Checks a transfer against the geometry and returns the number of blocks.
    ///
    /// # Errors
    /// [`BlockError::BadLength`] or [`BlockError::OutOfRange`].
    pub fn check(info: BlockInfo, first: u64, length: usize) -> Result<u64, BlockError> {
        let bad_length = BlockError::BadLength {
            length,
            block_size: info.block_size,
        };
        let bytes = u64::try_from(length).map_err(|_| bad_length)?;
        let size = u64::from(info.block_size);
        if size == 0 || bytes % size != 0 {
            return Err(bad_length);
        }
        let count = bytes / size;
        match first.checked_add(count) {
            Some(end) if end <= info.blocks => Ok(count),
            _ => Err(BlockError::OutOfRange {
                first,
                count,
                blocks: info.blocks,
            }),
        }
    }
}

impl fmt::Display for BlockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::OutOfRange {
                first,
                count,
                blocks,
            } => write!(
                f,
                "blocks {first:#x}..{:#x} are not on the device, which has {blocks:#x}",
                first.saturating_add(count)
            ),
            Self::BadLength { length, block_size } => {
                write!(f, "{length} bytes are not whole blocks of {block_size}")
            }
            Self::Timeout { first, waited_us } => {
                write!(f, "no answer for block {first:#x} in {waited_us} us")
            }
            Self::Device { first, status } => {
                write!(f, "the device failed block {first:#x} with status {status}")
            }
            Self::Crc { first } => write!(f, "CRC error in the data from block {first:#x} on"),
            Self::ReadOnly => f.write_str("the device is read-only"),
            Self::NoMedium => f.write_str(
                "no card in the slot, or none that answers; once there is one: mmc rescan",
            ),
            Self::Unsupported => f.write_str("the device has no such operation"),
        }
    }
}

impl core::error::Error for BlockError {}
