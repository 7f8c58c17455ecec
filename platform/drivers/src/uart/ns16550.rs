//! UARTs with the registers of the National Semiconductor 16550: Synopsys' DesignWare APB UART
//! on Allwinner and Rockchip, the mini UART of the BCM283x, and kin.
//!
//! The first stage has set the line up and a terminal listens at its rate, so the rate and the
//! frame are kept unless the tree wants others. Nothing here uses interrupts. Registers: PC16550D data sheet, section 8;
//! DesignWare and the mini UART (BCM2835 ARM Peripherals, 2.2) agree on those used.

mod line;

use core::convert::Infallible;
use core::fmt;

use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};
use platform_api::{Console, DeviceNode, RawUart};

use super::receiver::RawReceiver;
use crate::mmio::{self, WindowError};

/// The `compatible` strings this driver binds to.
pub const COMPATIBLE: &[&str] = &[
    "ns16450",
    "ns16550",
    "ns16550a",
    "snps,dw-apb-uart",
    "brcm,bcm2835-aux-uart",
    "nvidia,tegra20-uart",
];

/// Those of [`COMPATIBLE`] whose registers are words although the node does not say so; the
/// others' are bytes without gaps.
const WORDS: &[&str] = &["brcm,bcm2835-aux-uart", "nvidia,tegra20-uart"];

/// Those whose rate is set in another way.
const NO_DIVISOR: &[&str] = &["brcm,bcm2835-aux-uart"];

/// RBR and THR, the receiver's and the transmitter's end (8.1).
const DATA: usize = 0;
/// LCR, the line control register.
const LINE_CONTROL: usize = 3;
/// LCR: the divisor lies over the data register.
const DIVISOR_LATCH: u32 = 1 << 7;
/// LSR, the line status register.
const LINE_STATUS: usize = 5;
/// LSR: a character is there.
const DATA_READY: u32 = 1 << 0;
/// LSR: overrun, parity error, framing error, break.
const LINE_ERRORS: u32 = 0x1e;
/// LSR: those of them that make the character no character.
const CHARACTER_ERRORS: u32 = 0x1c;
/// LSR: the transmit FIFO is empty.
const TRANSMIT_EMPTY: u32 = 1 << 5;
/// LSR: the last stop bit has left.
const TRANSMITTER_IDLE: u32 = 1 << 6;
/// Characters in a row that a line in error may cost one look.
const FIFO_DEPTH: usize = 64;
/// Characters that fit a transmit FIFO which is empty, on the smallest version (mini UART: 8;
/// a 16450 has none, so one).
const TRANSMIT_FIFO: usize = 1;

/// Why a node is no port of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeError {
    /// The registers.
    Window(WindowError),
    /// `reg-shift` beyond 4, or an access of another width than 1 or 4 bytes.
    Layout {
        /// `reg-shift`.
        shift: u32,
        /// `reg-io-width`.
        io_width: u32,
    },
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window(error) => error.fmt(f),
            Self::Layout { shift, io_width } => write!(
                f,
                "registers of {io_width} bytes at a shift of {shift} are not supported"
            ),
        }
    }
}

impl core::error::Error for ProbeError {}

impl From<WindowError> for ProbeError {
    fn from(error: WindowError) -> Self {
        Self::Window(error)
    }
}

/// A port.
#[derive(Debug)]
pub struct Ns16550 {
    /// Address of register 0.
    base: usize,
    shift: u32,
    /// Registers are bytes, not words.
    bytes: bool,
    /// The rate is set by the 16550's divisor latch.
    divisor: bool,
}

/// Takes over the port of `node`.
///
/// # Errors
/// If the node's first `reg` window cannot hold the registers, or their layout is unknown.
///
/// # Safety
/// The node's first `reg` window is such a UART of the running machine, mapped as device memory
/// at its physical address, and nothing but the returned value uses it (but
/// [`super::raw_put`]).
pub unsafe fn probe(node: &DeviceNode<'_>) -> Result<Ns16550, ProbeError> {
    let port = locate(node)?;
    let control = port.get(LINE_CONTROL);
    if control & DIVISOR_LATCH != 0 {
        port.set(LINE_CONTROL, control & !DIVISOR_LATCH);
    }
    Ok(port)
}

/// Describes the port of `node` without touching it.
pub(super) fn locate(node: &DeviceNode<'_>) -> Result<Ns16550, ProbeError> {
    let (default_shift, default_width) = if node.matches(WORDS) { (2, 4) } else { (0, 1) };
    let shift = node.layout.shift.unwrap_or(default_shift);
    let io_width = node.layout.io_width.unwrap_or(default_width);
    if shift > 4 || !matches!(io_width, 1 | 4) || (io_width == 4 && shift < 2) {
        return Err(ProbeError::Layout { shift, io_width });
    }
    let (registers, size) = mmio::registers::<u8>(node, 0)?;
    let window = *node.reg.first().ok_or(WindowError::Missing { index: 0 })?;
    let width = if io_width == 1 { 1 } else { 4 };
    let offset = usize::try_from(node.layout.offset).unwrap_or(usize::MAX);
    // Bytes up to the end of the last register used; the shift is at most 4.
    let need = offset.saturating_add((LINE_STATUS << shift) + width);
    if need > size {
        return Err(WindowError::TooSmall { window, need }.into());
    }
    let base = registers.as_ptr().expose_provenance() + offset;
    if !base.is_multiple_of(width) {
        return Err(WindowError::Unaddressable(window).into());
    }
    Ok(Ns16550 {
        base,
        shift,
        bytes: io_width == 1,
        divisor: !node.matches(NO_DIVISOR),
    })
}

impl Ns16550 {
    const fn address(&self, register: usize) -> usize {
        self.base + (register << self.shift)
    }

    fn get(&self, register: usize) -> u32 {
        // SAFETY: `probe`'s caller vouched for the window, which holds the register, aligned to
        // the width of the access.
        unsafe { mmio::read(self.address(register), self.bytes) }
    }

    fn set(&self, register: usize, value: u32) {
        // SAFETY: as in `get`.
        unsafe { mmio::write(self.address(register), value, self.bytes) }
    }

    /// Describes the port to those who need no driver.
    pub fn raw(&self) -> RawUart {
        let idle = 0x60; // TRANSMIT_EMPTY and TRANSMITTER_IDLE
        let address = |register| u32::try_from(self.address(register)).unwrap_or(0);
        RawUart::new(address(DATA), address(LINE_STATUS), idle, idle, self.bytes)
    }

    /// Describes the receiver to those who do not have the driver.
    pub fn receiver(&self) -> RawReceiver {
        RawReceiver {
            data: self.address(DATA),
            status: self.address(LINE_STATUS),
            bytes: self.bytes,
            mask: DATA_READY,
            ready: DATA_READY,
            status_errors: CHARACTER_ERRORS,
            data_errors: 0,
        }
    }

    /// Takes the next character off the receive FIFO; one with a line error is dropped.
    fn receive(&mut self) -> Option<u8> {
        for _ in 0..FIFO_DEPTH {
            let status = self.get(LINE_STATUS);
            if status & (DATA_READY | LINE_ERRORS) == 0 {
                return None;
            }
            if status & DATA_READY == 0 {
                continue; // reading the status took the error away
            }
            let character = self.get(DATA) & 0xff;
            if status & CHARACTER_ERRORS == 0 {
                return u8::try_from(character).ok();
            }
        }
        None
    }

    fn has_room(&self) -> bool {
        self.get(LINE_STATUS) & TRANSMIT_EMPTY != 0
    }

    fn put(&mut self, byte: u8) {
        while !self.has_room() {
            core::hint::spin_loop();
        }
        self.set(DATA, u32::from(byte));
    }

    fn drain(&mut self) {
        while self.get(LINE_STATUS) & TRANSMITTER_IDLE == 0 {
            core::hint::spin_loop();
        }
    }
}

impl Console for Ns16550 {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.put(byte);
        }
    }

    fn read(&mut self) -> Option<u8> {
        self.receive()
    }

    fn flush(&mut self) {
        self.drain();
    }
}

impl ErrorType for Ns16550 {
    type Error = Infallible;
}

impl Read for Ns16550 {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let mut read = 0;
        for slot in buffer {
            *slot = loop {
                match self.receive() {
                    Some(byte) => break byte,
                    None if read > 0 => return Ok(read),
                    None => core::hint::spin_loop(),
                }
            };
            read += 1;
        }
        Ok(read)
    }
}

impl ReadReady for Ns16550 {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.get(LINE_STATUS) & DATA_READY != 0)
    }
}

impl Write for Ns16550 {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let some = bytes.len().min(TRANSMIT_FIFO);
        for &byte in bytes.iter().take(some) {
            self.put(byte);
        }
        Ok(some)
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.drain();
        Ok(())
    }
}

impl WriteReady for Ns16550 {
    fn write_ready(&mut self) -> Result<bool, Infallible> {
        Ok(self.has_room())
    }
}

#[cfg(test)]
#[path = "ns16550_tests.rs"]
mod tests;
