//! Which UART is the console.

use alloc::string::String;

use baton_core::devicetree::{Device, Discovery};
use platform_api::{Line, RawUart};
use platform_drivers::{
    bind::{Driver, driver_for},
    uart::{
        Uart, imx, ns16550,
        pl011::{self, Pl011},
    },
};

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
    pub(super) uart: Uart,
    /// Its registers, for those who need no driver.
    pub raw: RawUart,
    pub(super) path: String,
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
