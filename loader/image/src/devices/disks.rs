//! Disks: virtio's, and the cards of each host.

use alloc::boxed::Box;

use baton_core::devicetree::{Device, Discovery};
use platform_armv7::cache::Caches;
use platform_drivers::{
    bcm2835::{self, ClockId},
    mmc::{Card, Host, pl181, sdhci, sdhost, sunxi},
    virtio::{self, Probe},
};

use super::{Devices, quiesce::MmcHost};
use crate::receiver::WaitingClock;

/// # Safety
/// As [`super::bind`].
pub(super) unsafe fn bind_virtio(device: &Device, clock: WaitingClock, devices: &mut Devices) {
    // SAFETY: the caller's word; the heap is RAM, mapped 1 to 1.
    let probe = unsafe { device.with_node(|node| virtio::probe(node, clock)) };
    match probe {
        Ok(Probe::Empty) => {}
        Ok(Probe::Other(slot, _)) => {
            // A kernel that called kexec may have left it running, with rings in memory that is
            // ordinary now: it must not write there while files are loaded. One that does not
            // confirm its reset cannot be helped from here.
            let _ = slot.reset();
            devices.quiesce.slots.push(slot);
        }
        Ok(Probe::Block(disk)) => {
            devices.quiesce.slots.push(*disk.bus());
            devices.add_disk("virtio", device, disk);
        }
        Err(error) => devices.fail(device, &error),
    }
}

/// Makes a card of a host: one type, whatever the host.
fn card(host: Box<dyn Host>, clock: WaitingClock) -> Box<Card<Box<dyn Host>, WaitingClock>> {
    Box::new(Card::new(host, clock))
}

/// # Safety
/// As [`super::bind`].
pub(super) unsafe fn bind_sunxi_mmc(device: &Device, clock: WaitingClock, devices: &mut Devices) {
    // SAFETY: the caller's word; the heap is RAM, mapped 1 to 1. The first stage's clocks are on:
    // it read us from a card, and a controller without a clock answers all zeros, "no card".
    let probe = unsafe { device.with_node(|node| sunxi::probe(node, clock, Caches)) };
    match probe {
        Ok(host) => {
            devices.quiesce.mmc.push(MmcHost::Sunxi(host.registers()));
            devices.add_disk("mmc", device, card(Box::new(host), clock));
        }
        Err(error) => devices.fail(device, &error),
    }
}

/// # Safety
/// As [`super::bind`].
pub(super) unsafe fn bind_pl181(device: &Device, clock: WaitingClock, devices: &mut Devices) {
    // SAFETY: the caller's word.
    match unsafe { device.with_node(|node| pl181::probe(node, clock)) } {
        Ok(host) => {
            devices.quiesce.mmc.push(MmcHost::Pl181(host.registers()));
            devices.add_disk("mmc", device, card(Box::new(host), clock));
        }
        Err(error) => devices.fail(device, &error),
    }
}

/// The card slot of a Raspberry Pi: the pins are given to the host that the tree names, as a
/// kernel does before it uses it.
///
/// # Safety
/// As [`super::bind`].
pub(super) unsafe fn bind_sdhost(
    found: &Discovery,
    device: &Device,
    clock: WaitingClock,
    devices: &mut Devices,
) {
    if let Some(pins) = found.first(bcm2835::PINS) {
        let function = bcm2835::Function::Alternative0;
        // SAFETY: the caller's word.
        let selected =
            pins.with_node(|node| unsafe { bcm2835::select(node, sdhost::PINS, function) });
        if let Err(error) = selected {
            devices.fail(pins, &error);
        }
    }
    // SAFETY: the caller's word.
    let rate = unsafe { firmware_clock(found, ClockId::Core, clock) };
    let rate = rate.unwrap_or(sdhost::FASTEST_CORE);
    // SAFETY: the caller's word; the first stage was read from a card in this very slot.
    match unsafe { device.with_node(|node| sdhost::probe(node, rate, clock)) } {
        Ok(host) => {
            devices.quiesce.mmc.push(MmcHost::SdHost(host.registers()));
            devices.add_disk("mmc", device, card(Box::new(host), clock));
        }
        Err(error) => devices.fail(device, &error),
    }
}

/// # Safety
/// As [`super::bind`].
pub(super) unsafe fn bind_sdhci(
    found: &Discovery,
    device: &Device,
    clock: WaitingClock,
    devices: &mut Devices,
) {
    let asked = device.with_node(|node| sdhci::Variant::of(node.compatible)?.firmware_clock());
    // SAFETY: the caller's word.
    let rate = asked.and_then(|id| unsafe { firmware_clock(found, id, clock) });
    // SAFETY: the caller's word; the heap is RAM, mapped 1 to 1.
    match unsafe { device.with_node(|node| sdhci::probe(node, rate, clock, Caches)) } {
        Ok(host) => {
            devices.quiesce.mmc.push(MmcHost::Sdhci(host.registers()));
            devices.add_disk("mmc", device, card(Box::new(host), clock));
        }
        Err(error) => devices.fail(device, &error),
    }
}

/// Asks a Raspberry Pi's firmware for a clock's rate, Hz.
///
/// # Safety
/// As [`super::bind`].
unsafe fn firmware_clock(found: &Discovery, id: ClockId, clock: WaitingClock) -> Option<u32> {
    let mailbox = found.first(bcm2835::MAILBOX)?;
    // SAFETY: the caller's word; the stack is in RAM, mapped 1 to 1.
    mailbox.with_node(|node| unsafe { bcm2835::clock_rate(node, id, &clock, &Caches) })
}
