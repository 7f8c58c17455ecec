//! Serial ports.

use platform_api::{Console, DeviceNode, Line, RawUart};

use crate::{
    bind::{Driver, driver_for},
    mmio,
};

pub mod imx;
mod line;
pub mod ns16550;
pub mod pl011;
pub mod receiver;

/// The console's port.
pub enum Uart {
    /// A PL011.
    Pl011(pl011::Pl011<'static>),
    /// A 16550 or one of its kin.
    Ns16550(ns16550::Ns16550),
    /// An i.MX's.
    Imx(imx::ImxUart),
}

impl Uart {
    fn port(&mut self) -> &mut dyn Console {
        match self {
            Self::Pl011(port) => port,
            Self::Ns16550(port) => port,
            Self::Imx(port) => port,
        }
    }
}

impl Uart {
    /// Describes the receiver to those who do not have the driver.
    pub fn receiver(&self) -> receiver::RawReceiver {
        match self {
            Self::Pl011(port) => port.receiver(),
            Self::Ns16550(port) => port.receiver(),
            Self::Imx(port) => port.receiver(),
        }
    }
}

impl Uart {
    /// Sets rate and frame to `wanted`, where they are others and the rate of the clock, in Hz, is
    /// known. Returns what they are, as far as that is known.
    pub fn set_line(&mut self, wanted: Option<Line>, clock: Option<u32>) -> Option<Line> {
        match self {
            Self::Pl011(port) => {
                if let (Some(wanted), Some(clock)) = (wanted, clock) {
                    port.set_line(wanted, clock);
                }
                Some(port.line(clock))
            }
            Self::Ns16550(port) => {
                if let (Some(wanted), Some(clock)) = (wanted, clock) {
                    port.set_line(wanted, clock);
                }
                Some(port.line(clock))
            }
            Self::Imx(_) => None,
        }
    }
}

impl Console for Uart {
    fn write(&mut self, bytes: &[u8]) {
        self.port().write(bytes);
    }

    fn read(&mut self) -> Option<u8> {
        self.port().read()
    }

    fn flush(&mut self) {
        self.port().flush();
    }
}

/// Describes the UART of `node` to those who need no driver, if it is one that we drive; touches
/// nothing.
pub fn describe(node: &DeviceNode<'_>) -> Option<RawUart> {
    match driver_for(node)? {
        Driver::Pl011 => Some(pl011::Pl011::raw(node.reg.first()?.start().as_u32()?)),
        Driver::Ns16550 => Some(ns16550::locate(node).ok()?.raw()),
        Driver::ImxUart => Some(imx::locate(node).ok()?.raw()),
        _ => None,
    }
}

/// How often [`raw_put`] looks for room: some milliseconds even on a slow bus, dozens of
/// character times at 115200 baud.
const RAW_PATIENCE: u32 = 100_000;

/// Writes one byte for an exception handler: needs no driver, no lock, no heap, and ends even
/// if the port is dead (the byte is then lost).
///
/// # Safety
/// `uart` describes a port as its driver does, mapped as device memory (or the MMU is off).
pub unsafe fn raw_put(uart: RawUart, byte: u8) {
    let bytes = uart.wait & RawUart::BYTES != 0;
    let address = |register| usize::try_from(register).unwrap_or(0);
    for _ in 0..RAW_PATIENCE {
        // SAFETY: the caller vouches for the registers.
        if uart.is_idle(unsafe { mmio::read(address(uart.status), bytes) }) {
            // SAFETY: as above.
            unsafe { mmio::write(address(uart.data), u32::from(byte), bytes) };
            return;
        }
    }
}
