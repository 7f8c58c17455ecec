//! Virtio devices behind the MMIO transport (virtio 1.2, 4.2; legacy devices too).
//!
//! `virtio-drivers` speaks the protocol. What this module adds is what a loader needs around
//! it: a probe that costs three loads where a slot is empty, waits that end, a device that is
//! reset after a timeout, and a way to stop the device's DMA before a handoff ([`Slot::reset`]).
//!
//! ## Caches
//! No cache maintenance is done for the buffers or the rings, whether or not the node says
//! `dma-coherent`. By the standard (6.1, VIRTIO_F_ACCESS_PLATFORM) a device on which that feature
//! is not negotiated accesses memory exactly as the driver does; a device that insists on it is
//! refused with [`ProbeError::FeaturesRefused`]. Linux relies on the same rule.

mod block;
mod heap;
mod slot;
mod transport;

#[cfg(test)]
mod block_tests;
#[cfg(test)]
mod fake;

use alloc::boxed::Box;
use core::fmt;

use platform_api::{Clock, DeviceNode};

use crate::mmio::WindowError;
pub use block::{Disk, VirtioBlock};
pub use slot::{DeviceId, Slot};

/// The `compatible` strings of the transport.
pub const COMPATIBLE: &[&str] = &["virtio,mmio"];

/// What a slot holds.
pub enum Probe<C: Clock> {
    /// Nothing.
    Empty,
    /// A device that nothing here drives. It was left alone; it should be stopped with
    /// [`Slot::reset`] before memory is used, in case the caller left it running.
    Other(Slot, DeviceId),
    /// A disk, ready for use.
    Block(Box<VirtioBlock<C>>),
}

/// Looks at the slot of `node` and takes over its device if it is a disk.
///
/// # Errors
/// If the slot is no virtio device or a disk that cannot be used.
///
/// # Safety
/// The node's first `reg` window is a virtio-mmio slot of the running machine, mapped as device
/// memory at its physical address. Nothing else uses it while the result lives, but
/// [`Slot::reset`]. Memory is mapped at its physical addresses, and the heap is in memory that
/// the device can reach.
pub unsafe fn probe<C: Clock>(node: &DeviceNode<'_>, clock: C) -> Result<Probe<C>, ProbeError> {
    // SAFETY: The caller vouches for the window.
    let slot = unsafe { Slot::new(node) }?;
    match slot.identify()? {
        DeviceId::NONE => Ok(Probe::Empty),
        DeviceId::BLOCK => Disk::new(slot, clock).map(|disk| Probe::Block(Box::new(disk))),
        other => Ok(Probe::Other(slot, other)),
    }
}

/// Why a slot's device cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeError {
    /// The node's window cannot be one.
    Window(WindowError),
    /// The first register is not "virt".
    BadMagic(u32),
    /// A version of the transport that is neither 1 (legacy) nor 2.
    Version(u32),
    /// The device does not work without a feature that was not accepted, or gave up.
    FeaturesRefused {
        /// Its status register.
        status: u32,
    },
    /// The device's block size is not a power of two from 512 to 64 KiB.
    BlockSize(u32),
    /// The device takes segments smaller than a block.
    SegmentSize(u32),
    /// `virtio-drivers` could not set the device up.
    Setup(virtio_drivers::Error),
}

impl From<WindowError> for ProbeError {
    fn from(error: WindowError) -> Self {
        Self::Window(error)
    }
}

impl From<virtio_drivers::Error> for ProbeError {
    fn from(error: virtio_drivers::Error) -> Self {
        Self::Setup(error)
    }
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window(error) => error.fmt(f),
            Self::BadMagic(found) => {
                write!(
                    f,
                    "no virtio device: magic is {found:#010x}, not 0x74726976"
                )
            }
            Self::Version(found) => write!(f, "virtio-mmio version {found}, not 1 or 2"),
            Self::FeaturesRefused { status } => {
                write!(f, "the device refused our features, status {status:#x}")
            }
            Self::BlockSize(size) => write!(f, "blocks of {size} bytes"),
            Self::SegmentSize(size) => write!(f, "segments of at most {size} bytes"),
            Self::Setup(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ProbeError {}
