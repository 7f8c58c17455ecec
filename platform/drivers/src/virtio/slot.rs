//! One virtio-mmio register window.

use core::fmt;
use core::ptr::NonNull;

use platform_api::DeviceNode;
use virtio_drivers::transport::mmio::{MmioError, MmioTransport, VirtIOHeader};

use super::ProbeError;
use super::transport::{Bus, RESET_PATIENCE};
use crate::mmio;

// Registers (virtio 1.2, 4.2.2).
const MAGIC: usize = 0x00;
const VERSION: usize = 0x04;
const DEVICE_ID: usize = 0x08;
const STATUS: usize = 0x70;

const MAGIC_VALUE: u32 = 0x7472_6976;

/// The number of a device type (virtio 1.2, 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeviceId(pub u32);

impl DeviceId {
    /// An empty slot.
    pub const NONE: Self = Self(0);
    /// A disk.
    pub const BLOCK: Self = Self(2);
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            0 => "empty",
            1 => "network",
            2 => "block",
            3 => "console",
            4 => "entropy",
            8 => "scsi",
            9 => "9p",
            16 => "gpu",
            18 => "input",
            19 => "socket",
            other => return write!(f, "type {other}"),
        };
        f.write_str(name)
    }
}

/// A virtio-mmio register window that somebody vouched for. A copy is a handle to stop the
/// device with, whoever drives it.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    header: NonNull<VirtIOHeader>,
    size: usize,
}

impl Slot {
    /// Makes a slot of the node's first `reg` window.
    ///
    /// # Errors
    /// If the window cannot hold the registers.
    ///
    /// # Safety
    /// The window is a virtio-mmio slot of the running machine, mapped as device memory at its
    /// physical address for as long as a copy of the slot is used.
    pub unsafe fn new(node: &DeviceNode<'_>) -> Result<Self, ProbeError> {
        let (header, size) = mmio::registers(node, 0)?;
        Ok(Self { header, size })
    }

    /// Reads which device is in the slot.
    ///
    /// # Errors
    /// [`ProbeError::BadMagic`] or [`ProbeError::Version`].
    pub fn identify(&self) -> Result<DeviceId, ProbeError> {
        let magic = self.read(MAGIC);
        if magic != MAGIC_VALUE {
            return Err(ProbeError::BadMagic(magic));
        }
        // Before the version: an empty slot need not have one.
        let device = DeviceId(self.read(DEVICE_ID));
        match (device, self.read(VERSION)) {
            (DeviceId::NONE, _) | (_, 1 | 2) => Ok(device),
            (_, version) => Err(ProbeError::Version(version)),
        }
    }

    /// Resets the device: from the return on it reads and writes no memory, and its interrupt
    /// line is low. Returns false if the device did not confirm that in reasonable time.
    /// Allocates nothing and waits for nothing else, so it can be a step of a handoff. A driver
    /// of the device notices nothing and times out; only a [`super::Disk`] that is told with
    /// [`super::Disk::quiesce`] starts the device anew.
    pub fn reset(&self) -> bool {
        // SAFETY: The register is inside the header that `new`'s caller vouched for.
        unsafe { self.register(STATUS).write_volatile(0) };
        // "Reset complete" reads as 0 (4.2.2.1).
        (0..RESET_PATIENCE).any(|_| self.read(STATUS) == 0)
    }

    fn register(&self, offset: usize) -> NonNull<u32> {
        debug_assert!(offset < size_of::<VirtIOHeader>());
        // SAFETY: The offsets are the constants above, inside the header.
        unsafe { self.header.byte_add(offset).cast() }
    }

    fn read(&self, offset: usize) -> u32 {
        // SAFETY: The register is inside the header that `new`'s caller vouched for, and these
        // registers have no side effect when read.
        unsafe { self.register(offset).read_volatile() }
    }
}

impl Bus for Slot {
    type Transport = MmioTransport<'static>;

    fn open(&self) -> Result<Self::Transport, ProbeError> {
        // SAFETY: `new`'s caller vouched for the window and its size.
        unsafe { MmioTransport::new(self.header, self.size) }.map_err(|error| match error {
            MmioError::BadMagic(found) => ProbeError::BadMagic(found),
            MmioError::UnsupportedVersion(version) => ProbeError::Version(version),
            // The slot was probed: its window is large enough, and its device known.
            MmioError::InvalidDeviceID(_) | MmioError::MmioRegionTooSmall => {
                ProbeError::Setup(virtio_drivers::Error::InvalidParam)
            }
        })
    }

    fn status(&self) -> u32 {
        self.read(STATUS)
    }

    fn reset(&self) -> bool {
        Slot::reset(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform_api::{PhysAddr, PhysRange};

    fn slot(words: [u32; 3]) -> (Slot, &'static mut [u32; 0x80]) {
        let memory = Box::leak(Box::new([0u32; 0x80]));
        memory[..3].copy_from_slice(&words);
        memory[STATUS / 4] = 0xf;
        let start = PhysAddr::new((&raw mut *memory).expose_provenance() as u64);
        let node = DeviceNode {
            path: "/virtio_mmio",
            compatible: super::super::COMPATIBLE,
            reg: &[PhysRange::from_size(start, 0x200).unwrap()],
            dma_coherent: true,
            ..DeviceNode::default()
        };
        // SAFETY: The memory is leaked and poses as the registers.
        (unsafe { Slot::new(&node) }.unwrap(), memory)
    }

    #[test]
    fn tells_empty_from_used_from_wrong() {
        assert_eq!(slot([MAGIC_VALUE, 1, 0]).0.identify(), Ok(DeviceId::NONE));
        assert_eq!(slot([MAGIC_VALUE, 0, 0]).0.identify(), Ok(DeviceId::NONE));
        assert_eq!(slot([MAGIC_VALUE, 2, 2]).0.identify(), Ok(DeviceId::BLOCK));
        assert_eq!(slot([MAGIC_VALUE, 1, 1]).0.identify(), Ok(DeviceId(1)));
        assert_eq!(
            slot([MAGIC_VALUE, 3, 2]).0.identify(),
            Err(ProbeError::Version(3))
        );
        assert_eq!(slot([7, 1, 2]).0.identify(), Err(ProbeError::BadMagic(7)));
    }

    #[test]
    fn reset_clears_the_status() {
        let (slot, memory) = slot([MAGIC_VALUE, 1, 1]);
        assert!(slot.reset());
        assert_eq!(memory[STATUS / 4], 0);
    }

    #[test]
    fn names_devices() {
        assert_eq!(DeviceId(1).to_string(), "network");
        assert_eq!(DeviceId(77).to_string(), "type 77");
    }
}
