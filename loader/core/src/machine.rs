//! The machine, handed to the logic by whoever composes it.

use alloc::{boxed::Box, vec::Vec};

use platform_api::{BlockDevice, Clock, Console, CpuFacts, Guard, Launcher, PhysicalMemory, Power};

/// A block device under U-Boot's name for it: `virtio 0`.
pub struct Disk {
    /// The interface, `virtio`.
    pub interface: &'static str,
    /// Its number among those of its interface.
    pub index: u32,
    /// Where it was found: the device-tree path.
    pub path: alloc::string::String,
    /// The device.
    pub device: Box<dyn BlockDevice>,
}

/// Everything the logic can touch. The references are separate fields so that one part can be
/// used while another is borrowed: a disk reads into memory while the console shows progress.
pub struct Machine<'a> {
    /// The serial console.
    pub console: &'a mut dyn Console,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Physical memory.
    pub memory: &'a mut dyn PhysicalMemory,
    /// Block devices, in the order their commands number them.
    pub disks: Vec<Disk>,
    /// Reset and power.
    pub power: &'a mut dyn Power,
    /// The handoff.
    pub launcher: &'a mut dyn Launcher,
    /// Recovery from faults.
    pub guard: &'a dyn Guard,
    /// The boot processor.
    pub cpu: CpuFacts,
}
