//! Serial ports.

use platform_api::{Console, RawUart};

use crate::mmio;

pub mod imx;
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
