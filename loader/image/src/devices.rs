//! Binds drivers to what the tree describes.

use alloc::{boxed::Box, string::String, vec::Vec};

use baton_core::{
    context::BoundDevice,
    devicetree::{Device, Discovery, PsciConduit},
    machine::Disk,
    watchdog::{WatchdogDevice, Watchdogs},
};
use platform_api::{DeviceNode, Line, RawUart, Rtc, Watchdog};
use platform_armv7::{cache::Caches, cpu, gic as interface};
use platform_drivers::{
    bcm2835::{self, ClockId},
    bind::{Driver, driver_for},
    gic::{self, Gic, SystemCpuInterface},
    mmc::{Card, Host, pl181, sdhci, sdhost, sunxi},
    psci::{Conduit, Psci},
    rtc,
    timer::{ArchTimer, Timer, sp804},
    uart::{
        Uart, imx, ns16550,
        pl011::{self, Pl011},
    },
    virtio::{self, Probe, Slot},
    watchdog,
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

/// Devices to quiet before a handoff.
#[derive(Default)]
pub struct Quiesce {
    slots: Vec<Slot>,
    mmc: Vec<MmcHost>,
    gic: Option<Gic>,
    timer: Option<Timer>,
}

/// A memory card's host, out of its driver's hands.
#[derive(Clone, Copy)]
enum MmcHost {
    Sunxi(sunxi::Registers),
    Pl181(pl181::Registers),
    SdHost(sdhost::Registers),
    Sdhci(sdhci::Registers),
}

impl MmcHost {
    fn stop(self) {
        match self {
            Self::Sunxi(registers) => registers.stop(),
            Self::Pl181(registers) => registers.stop(),
            Self::SdHost(registers) => registers.stop(),
            Self::Sdhci(registers) => registers.stop(),
        }
    }
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
    /// Finds an interrupt that whoever was here before took and never ended.
    pub fn active_interrupt(&mut self) -> Option<u32> {
        self.gic.as_mut()?.active(cpu::affinity())
    }

    /// Stops all DMA and settles the interrupt controller. A step of the handoff: allocates
    /// nothing and cannot fail.
    pub fn all(&mut self) {
        for slot in &self.slots {
            // A device that does not confirm its reset cannot be helped from here.
            let _ = slot.reset();
        }
        for host in &self.mmc {
            host.stop();
        }
        if let Some(gic) = &mut self.gic {
            gic.settle(&mut CpuInterface);
        }
        if let Some(Timer::Sp804(timer)) = self.timer {
            timer.stop();
        }
    }
}

/// Tells whether a device is a UART that we drive.
fn is_uart(device: &Device) -> bool {
    matches!(
        device.with_node(driver_for),
        Some(Driver::Pl011 | Driver::Ns16550 | Driver::ImxUart)
    )
}

/// Lists what can be the console: the UART that stdout-path names, then the others.
pub fn consoles(found: &Discovery) -> impl Iterator<Item = &Device> {
    let named = |device: &&Device| Some(device.path.as_str()) == found.stdout_path.as_deref();
    let first = found.devices.iter().filter(named);
    let others = found.devices.iter().filter(move |device| !named(device));
    first.chain(others).filter(|device| is_uart(device))
}

/// The console, as it was opened.
pub struct Opened {
    uart: Uart,
    /// Its registers, for those who need no driver.
    pub raw: RawUart,
    path: String,
    /// How the tree wants its line, and how that is.
    pub wanted: Option<Line>,
    /// See `wanted`.
    pub line: Option<Line>,
}

/// Takes over the first of [`consoles`] that can be used, and sets its line as the tree wants it.
///
/// # Safety
/// As [`open_console`].
pub unsafe fn console(found: &Discovery) -> Option<Opened> {
    consoles(found).find_map(|device| {
        // SAFETY: the caller's word.
        let (mut uart, raw) = unsafe { open_console(device) }?;
        let named = found.stdout_path.as_ref() == Some(&device.path);
        let speed = device.current_speed.map(|baud| Line::at(Some(baud)));
        let wanted = found.stdout_line.filter(|_| named).or(speed);
        let line = uart.set_line(wanted, device.clock);
        let path = device.path.clone();
        Some(Opened {
            uart,
            raw,
            path,
            wanted,
            line,
        })
    })
}

/// Takes over the console.
///
/// # Safety
/// As [`pl011::probe`] and [`ns16550::probe`].
unsafe fn open_console(device: &Device) -> Option<(Uart, RawUart)> {
    match device.with_node(driver_for) {
        Some(Driver::Ns16550) => {
            // SAFETY: the caller's word.
            let port = unsafe { device.with_node(|node| ns16550::probe(node)) }.ok()?;
            let raw = port.raw();
            return Some((Uart::Ns16550(port), raw));
        }
        Some(Driver::ImxUart) => {
            // SAFETY: the caller's word.
            let port = unsafe { device.with_node(|node| imx::probe(node)) }.ok()?;
            let raw = port.raw();
            return Some((Uart::Imx(port), raw));
        }
        _ => {}
    }
    let base = device.reg.first()?.start().as_u32()?;
    // SAFETY: the caller's word.
    let port = unsafe { device.with_node(|node| pl011::probe(node)) }.ok()?;
    Some((Uart::Pl011(port), Pl011::raw(base)))
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

/// # Safety
/// As [`bind`].
unsafe fn bind_virtio(device: &Device, clock: WaitingClock, devices: &mut Devices) {
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
/// As [`bind`].
unsafe fn bind_sunxi_mmc(device: &Device, clock: WaitingClock, devices: &mut Devices) {
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
/// As [`bind`].
unsafe fn bind_pl181(device: &Device, clock: WaitingClock, devices: &mut Devices) {
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
/// As [`bind`].
unsafe fn bind_sdhost(
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
/// As [`bind`].
unsafe fn bind_sdhci(
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
/// As [`bind`].
unsafe fn firmware_clock(found: &Discovery, id: ClockId, clock: WaitingClock) -> Option<u32> {
    let mailbox = found.first(bcm2835::MAILBOX)?;
    // SAFETY: the caller's word; the stack is in RAM, mapped 1 to 1.
    mailbox.with_node(|node| unsafe { bcm2835::clock_rate(node, id, &clock, &Caches) })
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
