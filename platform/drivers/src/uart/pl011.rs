//! The Arm PrimeCell UART PL011 (TRM DDI 0183).
//!
//! The first stage has set the line up and a terminal listens at its rate, so the rate and the
//! frame are kept unless the tree wants others; a port that is off is only switched on. Nothing here uses interrupts.

mod line;

use core::convert::Infallible;

use arm_pl011_uart::{PL011Registers, Uart, UniqueMmioPointer};
use embedded_io::{ErrorType, Read, ReadReady, Write, WriteReady};
use platform_api::{Console, DeviceNode, Line, RawUart};
use safe_mmio::fields::ReadPureWrite;

use super::receiver::RawReceiver;
use crate::mmio::{self, WindowError};

/// The `compatible` strings this driver binds to.
pub const COMPATIBLE: &[&str] = &["arm,pl011"];

/// Offset of the data register, UARTDR (3.3.1).
const DATA: usize = 0x00;
/// Offset of the flag register, UARTFR (3.3.3).
const FLAGS: usize = 0x18;
/// UARTFR: the transmit FIFO is full, and the transmitter is busy.
const FLAGS_BUSY: u8 = 1 << 5 | 1 << 3;
/// UARTFR: the receive FIFO is empty.
const FLAG_RECEIVE_EMPTY: u32 = 1 << 4;
/// UARTDR: the character came with a framing, parity or break error; overrun, bit 11, is about
/// those that are lost.
const DATA_ERRORS: u32 = 7 << 8;
/// Offset of the control register, UARTCR (3.3.8).
const CONTROL: usize = 0x30;
/// UARTCR: UARTEN, TXE and RXE.
const CONTROL_ON: u32 = 1 << 0 | 1 << 8 | 1 << 9;

/// Bytes of registers that the driver and `arm-pl011-uart` use: up to UARTDMACR (3.3.14).
const USED: usize = 0x4c;

/// Entries in the receive FIFO of the deepest version (r1p5).
const FIFO_DEPTH: usize = 32;

/// The register page as plain words, for the one register `arm-pl011-uart` writes only together
/// with the rate.
type Words = [ReadPureWrite<u32>; 1024];

/// A PL011.
pub struct Pl011<'a> {
    uart: Uart<'a>,
    /// Address of the registers.
    base: usize,
}

/// Takes over the port of `node`, and switches it on if it is off.
///
/// # Errors
/// If the node's first `reg` window cannot hold the registers.
///
/// # Safety
/// The node's first `reg` window is a PL011 of the running machine, mapped as device memory at
/// its physical address, and nothing but the returned value uses it (but [`super::raw_put`] and
/// [`RawReceiver::collect`], which touch no state of the driver).
pub unsafe fn probe(node: &DeviceNode<'_>) -> Result<Pl011<'static>, WindowError> {
    // BCM2835's tree gives the port less than the page that the block of `arm-pl011-uart` spans.
    let (registers, _) = mmio::registers::<[u32; USED / 4]>(node, 0)?;
    let registers = registers.cast::<PL011Registers>();
    // SAFETY: The caller vouches for the registers, up to USED; device memory is mapped by pages,
    // and nothing behind is touched. `Words` has the block's size and alignment, and the pointer
    // is gone before the next one is made.
    switch_on(unsafe { UniqueMmioPointer::new(registers.cast::<Words>()) });
    let base = registers.as_ptr().expose_provenance();
    // SAFETY: The caller vouches for the registers and for their having no other user.
    let uart = Uart::new(unsafe { UniqueMmioPointer::new(registers) });
    Ok(Pl011 { uart, base })
}

/// Sets UARTEN, TXE and RXE where one is clear; leaves everything else, above all the rate.
fn switch_on(mut words: UniqueMmioPointer<'_, Words>) {
    if let Some(mut control) = words.get(CONTROL / 4) {
        let value = control.read();
        if value & CONTROL_ON != CONTROL_ON {
            control.write(value | CONTROL_ON);
        }
    }
}

impl<'a> Pl011<'a> {
    /// Describes the port whose registers are at `base` to those who need no driver.
    pub fn raw(base: u32) -> RawUart {
        let at = |offset| base.wrapping_add(u32::try_from(offset).unwrap_or(0));
        RawUart::new(at(DATA), at(FLAGS), FLAGS_BUSY, 0, false)
    }

    /// Describes the receiver to those who do not have the driver.
    pub const fn receiver(&self) -> RawReceiver {
        RawReceiver {
            data: self.base + DATA,
            status: self.base + FLAGS,
            bytes: false,
            mask: FLAG_RECEIVE_EMPTY,
            ready: 0,
            status_errors: 0,
            data_errors: DATA_ERRORS,
        }
    }

    /// Returns rate and frame; the rate only with the clock's, in Hz.
    pub fn line(&self, clock: Option<u32>) -> Line {
        line::Registers(self.base).line(clock)
    }

    /// Sets the line, if it is another. Leaves it where the rate cannot be made, or the port does
    /// not become idle.
    pub fn set_line(&self, wanted: Line, clock: u32) {
        line::Registers(self.base).set_line(wanted, clock);
    }

    /// Takes the next character off the receive FIFO. One with a line error (break, framing,
    /// parity, overrun) is dropped: `arm-pl011-uart` returns the error in its place.
    fn receive(&mut self) -> Option<u8> {
        // No more looks than the FIFO has entries: a dead line must not hold us here.
        for _ in 0..FIFO_DEPTH {
            if let Ok(received) = self.uart.read_word() {
                return received;
            }
        }
        None
    }

    /// Puts as much of `bytes` into the transmit FIFO as it takes, at least one byte.
    fn transmit(&mut self, bytes: &[u8]) -> usize {
        let mut sent = 0;
        for &byte in bytes {
            while self.uart.is_tx_fifo_full() {
                if sent > 0 {
                    return sent;
                }
                core::hint::spin_loop();
            }
            self.uart.write_word(byte);
            sent += 1;
        }
        sent
    }

    /// Waits until the last stop bit has left.
    fn drain(&mut self) {
        while self.uart.is_busy() {
            core::hint::spin_loop();
        }
    }
}

impl Console for Pl011<'_> {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            while self.uart.is_tx_fifo_full() {
                core::hint::spin_loop();
            }
            self.uart.write_word(byte);
        }
    }

    fn read(&mut self) -> Option<u8> {
        self.receive()
    }

    fn flush(&mut self) {
        self.drain();
    }
}

impl ErrorType for Pl011<'_> {
    type Error = Infallible;
}

impl Read for Pl011<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let mut read = 0;
        for slot in buffer {
            *slot = loop {
                match self.receive() {
                    Some(byte) => break byte,
                    // Wait for the first byte only, as the trait has it.
                    None if read > 0 => return Ok(read),
                    None => core::hint::spin_loop(),
                }
            };
            read += 1;
        }
        Ok(read)
    }
}

impl ReadReady for Pl011<'_> {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!self.uart.is_rx_fifo_empty())
    }
}

impl Write for Pl011<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        Ok(self.transmit(bytes))
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.drain();
        Ok(())
    }
}

impl WriteReady for Pl011<'_> {
    fn write_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!self.uart.is_tx_fifo_full())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform_api::{PhysAddr, PhysRange};

    const RATE: usize = 0x24;
    const FRACTION: usize = 0x28;
    const LINE: usize = 0x2c;
    const RECEIVE_EMPTY: u32 = 1 << 4;
    const BUSY: u32 = 1 << 3;
    const FLAG_TRANSMIT_FULL: u32 = 1 << 5;

    /// A page of memory posing as the registers.
    #[repr(C, align(4096))]
    struct Page([u32; 1024]);

    /// Access to a page from the device's side. Leaked: it is in use by address.
    #[derive(Clone, Copy)]
    struct Fake(usize);

    impl Fake {
        fn new() -> Self {
            let page = Box::leak(Box::new(Page([0; 1024])));
            let fake = Fake((&raw mut *page).expose_provenance());
            fake.set(FLAGS, RECEIVE_EMPTY);
            fake
        }

        fn pointer(self, offset: usize) -> *mut u32 {
            assert!(offset < 4096);
            core::ptr::with_exposed_provenance_mut(self.0 + offset)
        }

        fn set(self, offset: usize, value: u32) {
            // SAFETY: The page is leaked, aligned, and `pointer` checks the offset.
            unsafe { self.pointer(offset).write_volatile(value) };
        }

        fn get(self, offset: usize) -> u32 {
            // SAFETY: As in `set`.
            unsafe { self.pointer(offset).read_volatile() }
        }

        fn probe(self) -> Pl011<'static> {
            let start = PhysAddr::new(self.0 as u64);
            let node = DeviceNode {
                path: "/pl011",
                compatible: COMPATIBLE,
                reg: &[PhysRange::from_size(start, 0x1000).unwrap()],
                ..DeviceNode::default()
            };
            // SAFETY: The page is leaked and accessed as volatile only.
            unsafe { probe(&node) }.unwrap()
        }
    }

    #[test]
    fn keeps_the_line_as_the_first_stage_set_it() {
        let page = Fake::new();
        page.set(RATE, 13);
        page.set(FRACTION, 1);
        page.set(LINE, 0x70);
        page.set(CONTROL, 0xc301);
        page.probe();
        assert_eq!(page.get(RATE), 13);
        assert_eq!(page.get(FRACTION), 1);
        assert_eq!(page.get(LINE), 0x70);
        assert_eq!(page.get(CONTROL), 0xc301);
    }

    #[test]
    fn switches_on_a_port_that_is_off() {
        let page = Fake::new();
        page.set(RATE, 13);
        page.set(CONTROL, 0x0c00);
        page.probe();
        assert_eq!(page.get(CONTROL), 0x0f01);
        assert_eq!(page.get(RATE), 13);
    }

    #[test]
    fn writes_and_reads_through_the_data_register() {
        let page = Fake::new();
        let mut port = page.probe();
        Console::write(&mut port, b"abc");
        assert_eq!(page.get(DATA), u32::from(b'c'));
        assert_eq!(Console::read(&mut port), None);
        assert_eq!(port.read_ready(), Ok(false));
        page.set(FLAGS, 0);
        page.set(DATA, u32::from(b'x'));
        assert_eq!(port.read_ready(), Ok(true));
        assert_eq!(Console::read(&mut port), Some(b'x'));
        let mut buffer = [0; 3];
        assert_eq!(Read::read(&mut port, &mut buffer), Ok(3));
        assert_eq!(&buffer, b"xxx");
    }

    #[test]
    fn a_line_in_error_is_not_waited_for() {
        let page = Fake::new();
        let mut port = page.probe();
        page.set(FLAGS, 0);
        for error in [1 << 8, 1 << 9, 1 << 10, 1 << 11] {
            page.set(DATA, error);
            assert_eq!(Console::read(&mut port), None);
        }
        page.set(DATA, u32::from(b'y'));
        assert_eq!(Console::read(&mut port), Some(b'y'));
    }

    #[test]
    fn flush_waits_for_the_transmitter() {
        let page = Fake::new();
        page.set(FLAGS, BUSY);
        let mut port = page.probe();
        let before = std::time::Instant::now();
        let device = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            page.set(FLAGS, RECEIVE_EMPTY);
        });
        Console::flush(&mut port);
        assert!(before.elapsed() >= std::time::Duration::from_millis(20));
        device.join().unwrap();
    }

    #[test]
    fn a_write_waits_for_room() {
        let page = Fake::new();
        let mut port = page.probe();
        assert_eq!(port.write_ready(), Ok(true));
        assert_eq!(Write::write(&mut port, b"hello"), Ok(5));
        assert_eq!(Write::write(&mut port, b""), Ok(0));
        page.set(FLAGS, FLAG_TRANSMIT_FULL);
        assert_eq!(port.write_ready(), Ok(false));
        let device = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert_eq!(page.get(DATA), u32::from(b'o'), "written to a full FIFO");
            page.set(FLAGS, RECEIVE_EMPTY);
        });
        Console::write(&mut port, b"z");
        device.join().unwrap();
        assert_eq!(page.get(DATA), u32::from(b'z'));
    }
}
