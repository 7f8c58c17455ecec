//! Binds drivers to what the tree describes.

mod console;
mod disks;
mod quiesce;

use alloc::{boxed::Box, string::String, vec::Vec};

use baton_core::{
    context::BoundDevice,
    devicetree::{Device, Discovery, PsciConduit},
    machine::Disk,
    watchdog::{WatchdogDevice, Watchdogs},
};
use platform_api::{DeviceNode, Line, RawUart, Rtc, Watchdog};
use platform_armv7::cpu;
use platform_drivers::{
    bind::{Driver, driver_for},
    gic,
    psci::{Conduit, Psci},
    rtc,
    timer::{ArchTimer, Timer, sp804},
    watchdog,
};

use self::disks::{bind_pl181, bind_sdhci, bind_sdhost, bind_sunxi_mmc, bind_virtio};
pub use self::{
    console::{Opened, console, consoles},
    quiesce::Quiesce,
};
use crate::{
    receiver::{BoardConsole, WaitingClock},
    watch::Keeper,
};

/// Where a machine without CNTFRQ and without `clock-frequency` is assumed to count: QEMU's and
/// most boards' rates lie within a factor of three.
const ASSUMED_TIMER_HZ: u32 = 24_000_000;

/// What was bound, by role.
pub struct Devices {
    /// The console.
    pub console: BoardConsole,
    /// Its node.
    pub console_path: String,
    /// How its line is set.
    pub line: Option<Line>,
    /// How the tree wants it.
    pub line_wanted: Option<Line>,
    /// Its registers, for those who need no driver.
    pub raw_uart: RawUart,
    /// Block devices.
    pub disks: Vec<Disk>,
    /// What a handoff must quiet.
    pub quiesce: Quiesce,
    /// The real-time clock.
    pub rtc: Option<Box<dyn Rtc>>,
    /// Watchdogs.
    pub watchdogs: Watchdogs<'static>,
    /// Who kicks them.
    pub keeper: &'static Keeper,
    /// The node of the clock, where the clock is a device.
    clock_path: String,
    /// Which driver has bound to what.
    pub bound: Vec<BoundDevice>,
    /// Devices that are there and could not be used: path and reason.
    pub failures: Vec<(String, String)>,
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

/// The clock, and its node if it is a device.
pub type BoardClock = (Timer, String);

/// Finds the clock: the processor's own, else the first SP804 whose rate is known.
///
/// # Safety
/// The nodes' windows are the running machine's, mapped as device memory, used by nobody else.
/// Called once.
pub unsafe fn clock(found: &Discovery) -> Option<BoardClock> {
    if cpu::has_generic_timer() {
        let fallback = found.timer_frequency.unwrap_or(ASSUMED_TIMER_HZ);
        let timer = ArchTimer::new(Some(fallback))?;
        return Some((Timer::Generic(timer), String::new()));
    }
    found.devices.iter().find_map(|device| {
        if device.with_node(driver_for) != Some(Driver::Sp804) {
            return None;
        }
        // SAFETY: the caller's word; the search ends with the first that is started.
        let timer = unsafe { device.with_node(|node| sp804::start(node)) }.ok()??;
        Some((Timer::Sp804(timer), device.path.clone()))
    })
}

/// Binds everything but the console.
///
/// # Safety
/// The nodes' windows are the running machine's, mapped as device memory, used by nobody else.
pub unsafe fn bind(found: &Discovery, (clock, clock_path): BoardClock, console: Opened) -> Devices {
    let timer = clock;
    let keeper = Keeper::new(timer);
    // SAFETY: the console's driver was just made for a port that is mapped, and stays so until a
    // handoff, after which nobody waits.
    let clock = unsafe { WaitingClock::new(clock, console.uart.receiver(), keeper) };
    let mut devices = Devices {
        console: BoardConsole {
            uart: console.uart,
            keeper,
        },
        console_path: console.path,
        line: console.line,
        line_wanted: console.wanted,
        raw_uart: console.raw,
        disks: Vec::new(),
        quiesce: Quiesce {
            timer: Some(timer),
            ..Quiesce::default()
        },
        rtc: None,
        watchdogs: Watchdogs::default(),
        keeper,
        clock_path,
        bound: Vec::new(),
        failures: Vec::new(),
    };
    for device in &found.devices {
        let driver = device.with_node(driver_for);
        let before = devices.count();
        match driver {
            // SAFETY: the caller's word.
            Some(Driver::VirtioMmio) => unsafe { bind_virtio(device, clock, &mut devices) },
            // SAFETY: the caller's word.
            Some(Driver::SunxiMmc) => unsafe { bind_sunxi_mmc(device, clock, &mut devices) },
            // SAFETY: the caller's word.
            Some(Driver::Pl181) => unsafe { bind_pl181(device, clock, &mut devices) },
            // SAFETY: the caller's word.
            Some(Driver::SdHost) => unsafe { bind_sdhost(found, device, clock, &mut devices) },
            // SAFETY: the caller's word.
            Some(Driver::Sdhci) => unsafe { bind_sdhci(found, device, clock, &mut devices) },
            Some(Driver::Gic2 | Driver::Gic3) => {
                // SAFETY: the caller's word.
                match unsafe { device.with_node(|node| gic::probe(node)) } {
                    Ok(found) => devices.quiesce.gic = found,
                    Err(error) => devices.fail(device, &error),
                }
            }
            Some(Driver::Pl031) => {
                // SAFETY: the caller's word.
                match unsafe { device.with_node(|node| rtc::probe(node)) } {
                    Ok(clock) => devices.rtc = Some(Box::new(clock)),
                    Err(error) => devices.fail(device, &error),
                }
            }
            Some(Driver::SunxiWatchdog | Driver::Sp805 | Driver::Bcm2835Watchdog) => {
                // SAFETY: the caller's word.
                match unsafe { device.with_node(|node| probe_watchdog(node)) } {
                    Ok(found) => devices.add_watchdog(device, found),
                    Err(error) => devices.fail(device, &error),
                }
            }
            Some(Driver::Pl011 | Driver::Ns16550 | Driver::ImxUart | Driver::Sp804) | None => {}
        }
        if let Some(driver) = driver {
            devices.note(device, driver, before);
        }
    }
    let watchdogs = devices.watchdogs.devices.iter();
    let watchdogs: Vec<&dyn Watchdog> = watchdogs.map(|watchdog| watchdog.device).collect();
    keeper.keep(watchdogs.leak());
    devices
}

/// Probes a watchdog; `None` if nothing is there.
///
/// # Safety
/// As [`bind`].
unsafe fn probe_watchdog(
    node: &DeviceNode<'_>,
) -> Result<Option<Box<dyn Watchdog>>, watchdog::ProbeError> {
    // SAFETY: the caller's word.
    unsafe {
        Ok(match driver_for(node) {
            Some(Driver::SunxiWatchdog) => Some(Box::new(watchdog::sunxi::probe(node)?)),
            Some(Driver::Bcm2835Watchdog) => Some(Box::new(watchdog::bcm2835::probe(node)?)),
            _ => match watchdog::sp805::probe(node)? {
                Some(watchdog) => Some(Box::new(watchdog)),
                None => None,
            },
        })
    }
}

impl Devices {
    /// Adds a disk, numbered among those of its interface.
    fn add_disk(
        &mut self,
        interface: &'static str,
        node: &Device,
        device: Box<dyn platform_api::BlockDevice>,
    ) {
        let before = self.disks.iter().filter(|disk| disk.interface == interface);
        let index = u32::try_from(before.count()).unwrap_or(u32::MAX);
        self.disks.push(Disk {
            interface,
            index,
            path: node.path.clone(),
            device,
        });
    }

    fn add_watchdog(&mut self, node: &Device, found: Option<Box<dyn Watchdog>>) {
        // Kept for ever: the console's own driver kicks it, and the handoff leaves it running.
        self.watchdogs
            .devices
            .extend(found.map(|device| WatchdogDevice {
                path: node.path.clone(),
                driver: node.with_node(driver_for).map_or("", Driver::name),
                device: &*Box::leak(device),
            }));
    }

    /// Returns how many there are of what drivers add to: disks and watchdogs; failures.
    fn count(&self) -> (usize, usize) {
        (
            self.disks.len() + self.watchdogs.devices.len(),
            self.failures.len(),
        )
    }

    /// Notes what a driver has bound to, for `dm tree`. `before` is what [`Devices::count`] said
    /// before it did.
    fn note(&mut self, device: &Device, driver: Driver, (added, failures): (usize, usize)) {
        let active = match driver {
            Driver::VirtioMmio
            | Driver::SunxiMmc
            | Driver::Pl181
            | Driver::SdHost
            | Driver::Sdhci
            | Driver::SunxiWatchdog
            | Driver::Sp805
            | Driver::Bcm2835Watchdog => self.count().0 > added,
            Driver::Pl011 | Driver::Ns16550 | Driver::ImxUart => device.path == self.console_path,
            Driver::Sp804 => device.path == self.clock_path,
            Driver::Gic2 | Driver::Gic3 | Driver::Pl031 => self.failures.len() == failures,
        };
        self.bound.push(BoundDevice {
            path: device.path.clone(),
            class: driver.class(),
            driver: driver.name(),
            active,
        });
    }

    fn fail(&mut self, device: &Device, error: &dyn core::fmt::Display) {
        self.failures
            .push((device.path.clone(), alloc::format!("{error}")));
    }
}
