//! Binds drivers to what the tree describes.

use alloc::{boxed::Box, string::String, vec::Vec};

use baton_core::{
    context::BoundDevice,
    devicetree::{Device, Discovery, PsciConduit},
    machine::Disk,
};
use platform_api::Rtc;
use platform_armv7::{cpu, gic as interface, handoff::RawUart};
use platform_drivers::{
    bind::{Driver, driver_for},
    gic::{self, Gic, SystemCpuInterface},
    psci::{Conduit, Psci},
    rtc,
    timer::ArchTimer,
    uart::pl011::{self, Pl011},
    virtio::{self, Probe, Slot},
};

/// What was bound, by role.
pub struct Devices {
    /// The console.
    pub console: Pl011<'static>,
    /// Its node.
    pub console_path: String,
    /// Its registers, for those who need no driver.
    pub raw_uart: RawUart,
    /// Block devices.
    pub disks: Vec<Disk>,
    /// What a handoff must quiet.
    pub quiesce: Quiesce,
    /// The real-time clock.
    pub rtc: Option<Box<dyn Rtc>>,
    /// Which driver has bound to what.
    pub bound: Vec<BoundDevice>,
    /// Devices that are there and could not be used: path and reason.
    pub failures: Vec<(String, String)>,
}

/// Devices to quiet before a handoff.
#[derive(Default)]
pub struct Quiesce {
    slots: Vec<Slot>,
    gic: Option<Gic>,
}

/// The GICv3 CPU interface of this CPU.
struct CpuInterface;

impl SystemCpuInterface for CpuInterface {
    fn close(&mut self) {
        // SAFETY: called by the GICv3 driver alone, so the registers exist; interrupts are
        // masked since entry.
        unsafe { interface::close_interface() }
    }

    fn affinity(&self) -> u32 {
        cpu::affinity()
    }
}

impl Quiesce {
    /// Stops all DMA and settles the interrupt controller. A step of the handoff: allocates
    /// nothing and cannot fail.
    pub fn all(&mut self) {
        for slot in &self.slots {
            // A device that does not confirm its reset cannot be helped from here.
            let _ = slot.reset();
        }
        if let Some(gic) = &mut self.gic {
            gic.settle(&mut CpuInterface);
        }
    }
}

/// Finds the console: the PL011 that stdout-path names, else the first one.
pub fn find_console(found: &Discovery) -> Option<&Device> {
    let is_uart = |device: &&Device| device.with_node(driver_for) == Some(Driver::Pl011);
    let named = found.stdout_path.as_deref();
    found
        .devices
        .iter()
        .filter(|device| Some(device.path.as_str()) == named)
        .find(is_uart)
        .or_else(|| found.devices.iter().find(is_uart))
}

/// Takes over the console.
///
/// # Safety
/// As [`pl011::probe`].
pub unsafe fn open_console(device: &Device) -> Option<(Pl011<'static>, RawUart)> {
    let base = device.reg.first()?.start().as_u32()?;
    // SAFETY: the caller's word.
    let uart = unsafe { device.with_node(|node| pl011::probe(node)) }.ok()?;
    Some((uart, pl011_raw(base)))
}

/// Describes a PL011 to the last page: UARTDR at 0, UARTFR at 0x18, bit 5 transmit FIFO full,
/// bit 3 busy (DDI 0183, 3.3). Waiting for "not busy" drains it as well.
fn pl011_raw(base: u32) -> RawUart {
    RawUart {
        data: base,
        status: base.wrapping_add(0x18),
        busy_mask: (1 << 5) | (1 << 3),
    }
}

/// Makes the PSCI caller.
pub fn psci(found: &Discovery) -> Option<Psci> {
    found.psci.map(|psci| {
        let conduit = match psci.conduit {
            PsciConduit::Smc => Conduit::Smc,
            PsciConduit::Hvc => Conduit::Hvc,
        };
        Psci::new(conduit, psci.legacy)
    })
}

/// Binds everything but the console.
///
/// # Safety
/// The nodes' windows are the running machine's, mapped as device memory, used by nobody else.
pub unsafe fn bind(
    found: &Discovery,
    clock: ArchTimer,
    (console, raw_uart): (Pl011<'static>, RawUart),
    console_path: String,
) -> Devices {
    let mut devices = Devices {
        console,
        console_path,
        raw_uart,
        disks: Vec::new(),
        quiesce: Quiesce::default(),
        rtc: None,
        bound: Vec::new(),
        failures: Vec::new(),
    };
    for device in &found.devices {
        let Some(driver) = device.with_node(driver_for) else {
            continue;
        };
        // SAFETY: the caller's word.
        let active = unsafe { bind_one(device, driver, clock, &mut devices) };
        devices.bound.push(BoundDevice {
            path: device.path.clone(),
            class: driver.class(),
            driver: driver.name(),
            active,
        });
    }
    devices
}

/// Binds a driver; tells whether the device is in use from now on.
///
/// # Safety
/// As [`bind`].
unsafe fn bind_one(
    device: &Device,
    driver: Driver,
    clock: ArchTimer,
    devices: &mut Devices,
) -> bool {
    match driver {
        // SAFETY: the caller's word.
        Driver::VirtioMmio => unsafe { bind_virtio(device, clock, devices) },
        Driver::Gic2 | Driver::Gic3 => {
            // SAFETY: the caller's word.
            match unsafe { device.with_node(|node| gic::probe(node)) } {
                Ok(found) => devices.quiesce.gic = found,
                Err(error) => return devices.fail(device, &error),
            }
            true
        }
        Driver::Pl031 => {
            // SAFETY: the caller's word.
            match unsafe { device.with_node(|node| rtc::probe(node)) } {
                Ok(clock) => devices.rtc = Some(Box::new(clock)),
                Err(error) => return devices.fail(device, &error),
            }
            true
        }
        Driver::Pl011 => device.path == devices.console_path,
    }
}

/// # Safety
/// As [`bind`].
unsafe fn bind_virtio(device: &Device, clock: ArchTimer, devices: &mut Devices) -> bool {
    // SAFETY: the caller's word; the heap is RAM, mapped 1 to 1.
    let probe = unsafe { device.with_node(|node| virtio::probe(node, clock)) };
    match probe {
        Ok(Probe::Empty) => return false,
        Ok(Probe::Other(slot, _)) => {
            devices.quiesce.slots.push(slot);
            return false;
        }
        Ok(Probe::Block(disk)) => {
            devices.quiesce.slots.push(*disk.bus());
            let index = u32::try_from(devices.disks.len()).unwrap_or(u32::MAX);
            devices.disks.push(Disk {
                interface: "virtio",
                index,
                path: device.path.clone(),
                device: disk as Box<_>,
            });
        }
        Err(error) => return devices.fail(device, &error),
    }
    true
}

impl Devices {
    /// Notes why a device cannot be used: it is not.
    fn fail(&mut self, device: &Device, error: &dyn core::fmt::Display) -> bool {
        self.failures
            .push((device.path.clone(), alloc::format!("{error}")));
        false
    }
}
