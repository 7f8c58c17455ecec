//! The transport as the loader wants `virtio-drivers` to see it.

use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use virtio_drivers::{PhysAddr, Result};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::ProbeError;

/// How often a device is asked whether its reset is complete. QEMU's is at once.
pub(super) const RESET_PATIENCE: u32 = 1_000_000;

/// Offered features that `virtio-drivers` may see. Without indirect descriptors a request needs
/// no allocation, without EVENT_IDX the device can be told once to raise no interrupts, and
/// without FLUSH it writes through (5.2.6.2), so that a write is on the disk when it completes.
const SHOWN: u64 = RO | VERSION_1;
/// Features that are accepted beside those of `virtio-drivers` (5.2.3): limits that
/// [`super::Disk`] keeps.
const KEPT: u64 = SIZE_MAX | BLK_SIZE;

/// `size_max` in the configuration is valid: bytes in a segment.
pub(super) const SIZE_MAX: u64 = 1 << 1;
const RO: u64 = 1 << 5;
/// `blk_size` in the configuration is valid: bytes in a block.
pub(super) const BLK_SIZE: u64 = 1 << 6;
const VERSION_1: u64 = 1 << 32;

/// Where a device is: gives transports to it, one after the other.
pub trait Bus {
    /// The transport.
    type Transport: Transport;

    /// Opens the device.
    ///
    /// # Errors
    /// If it is not there.
    fn open(&self) -> core::result::Result<Self::Transport, ProbeError>;

    /// Reads the device's status register.
    fn status(&self) -> u32;

    /// Resets the device; false if it did not confirm.
    fn reset(&self) -> bool;
}

/// A transport that shows only the features the loader wants, and whose resets are complete
/// when they return.
pub struct Filter<T: Transport> {
    inner: T,
    kept: u64,
}

impl<T: Transport> Filter<T> {
    /// Wraps `inner`, a device that offers `features`.
    pub(super) fn new(inner: T, features: u64) -> Self {
        Self {
            inner,
            kept: features & KEPT,
        }
    }

    fn reset(&mut self) {
        self.inner.set_status(DeviceStatus::empty());
        for _ in 0..RESET_PATIENCE {
            if self.inner.get_status().is_empty() {
                return;
            }
        }
    }
}

impl<T: Transport> Transport for Filter<T> {
    fn device_type(&self) -> DeviceType {
        self.inner.device_type()
    }

    fn read_device_features(&mut self) -> u64 {
        self.inner.read_device_features() & SHOWN
    }

    fn write_driver_features(&mut self, driver_features: u64) {
        self.inner
            .write_driver_features(driver_features | self.kept);
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        self.inner.max_queue_size(queue)
    }

    fn notify(&mut self, queue: u16) {
        self.inner.notify(queue);
    }

    fn get_status(&self) -> DeviceStatus {
        self.inner.get_status()
    }

    fn set_status(&mut self, status: DeviceStatus) {
        if status.is_empty() {
            self.reset();
        } else {
            self.inner.set_status(status);
        }
    }

    fn set_guest_page_size(&mut self, guest_page_size: u32) {
        self.inner.set_guest_page_size(guest_page_size);
    }

    fn requires_legacy_layout(&self) -> bool {
        self.inner.requires_legacy_layout()
    }

    fn queue_set(
        &mut self,
        queue: u16,
        size: u32,
        descriptors: PhysAddr,
        driver_area: PhysAddr,
        device_area: PhysAddr,
    ) {
        self.inner
            .queue_set(queue, size, descriptors, driver_area, device_area);
    }

    /// Resets the whole device, which takes the queue away as well: the inner transport's way
    /// waits for the queue without end, and a queue is only ever unset when a device is dropped.
    fn queue_unset(&mut self, _queue: u16) {
        self.reset();
    }

    fn queue_used(&mut self, queue: u16) -> bool {
        self.inner.queue_used(queue)
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        self.inner.ack_interrupt()
    }

    fn read_config_generation(&self) -> u32 {
        self.inner.read_config_generation()
    }

    fn read_config_space<V: FromBytes + IntoBytes>(&self, offset: usize) -> Result<V> {
        self.inner.read_config_space(offset)
    }

    fn write_config_space<V: IntoBytes + Immutable>(
        &mut self,
        offset: usize,
        value: V,
    ) -> Result<()> {
        self.inner.write_config_space(offset, value)
    }
}
