//! The UART of Freescale's i.MX, the same since i.MX 21. Registers as in Linux's
//! `drivers/tty/serial/imx.c` and QEMU's `hw/char/imx_serial.c`.
//!
//! The first stage has set the line up and a terminal listens at its rate, so the rate and the
//! frame are kept; a port that is off is only switched on. Nothing here uses interrupts.

use platform_api::{Console, DeviceNode, RawUart};

use super::receiver::RawReceiver;
use crate::mmio::{self, WindowError};

/// The `compatible` strings this driver binds to.
pub const COMPATIBLE: &[&str] = &["fsl,imx6q-uart", "fsl,imx21-uart"];

/// Register offsets in bytes.
const RECEIVE: usize = 0x00;
const TRANSMIT: usize = 0x40;
const CONTROL_1: usize = 0x80;
const CONTROL_2: usize = 0x84;
const STATUS_2: usize = 0x98;
const TEST: usize = 0xb4;
/// Bytes of registers used.
const REGISTERS: usize = 0xb8;

/// RECEIVE (URXD): the character came with a framing error, a break, a parity error. Bits 13 and
/// 14 also mark one that only filled the FIFO.
const CHARACTER_ERRORS: u32 = 7 << 10;
/// CONTROL_1 (UCR1): on.
const ENABLED: u32 = 1 << 0;
/// CONTROL_2 (UCR2): not in reset, receiver on, transmitter on; eight bits; RTS is ignored.
const RUNNING: u32 = 1 << 0 | 1 << 1 | 1 << 2;
const EIGHT_BITS: u32 = 1 << 5;
const IGNORE_RTS: u32 = 1 << 14;
/// STATUS_2 (USR2): a character is there; the last stop bit has left.
const DATA_READY: u32 = 1 << 0;
const TRANSMITTED: u8 = 1 << 3;
/// TEST (UTS): the transmit FIFO is full.
const FULL: u32 = 1 << 4;
/// Characters in a row that a line in error may cost one look.
const FIFO_DEPTH: usize = 32;

/// A port.
#[derive(Debug)]
pub struct ImxUart {
    base: usize,
}

/// Takes over the port of `node`, and switches it on if it is off.
///
/// # Errors
/// If the node's first `reg` window cannot hold the registers.
///
/// # Safety
/// The node's first `reg` window is such a UART of the running machine, clocked, mapped as device
/// memory at its physical address, and nothing but the returned value uses it (but
/// [`super::raw_put`] and [`RawReceiver::collect`]).
pub unsafe fn probe(node: &DeviceNode<'_>) -> Result<ImxUart, WindowError> {
    let port = locate(node)?;
    let control = port.get(CONTROL_1);
    if control & ENABLED == 0 {
        port.set(CONTROL_1, control | ENABLED);
    }
    let control = port.get(CONTROL_2);
    if control & RUNNING != RUNNING {
        let frame = EIGHT_BITS | IGNORE_RTS;
        port.set(CONTROL_2, control | RUNNING | frame);
    }
    Ok(port)
}

/// Describes the port of `node` without touching it.
pub(super) fn locate(node: &DeviceNode<'_>) -> Result<ImxUart, WindowError> {
    let (registers, _) = mmio::registers::<[u32; REGISTERS / 4]>(node, 0)?;
    let base = registers.as_ptr().expose_provenance();
    Ok(ImxUart { base })
}

impl ImxUart {
    fn get(&self, offset: usize) -> u32 {
        // SAFETY: `probe`'s caller vouched for the window, which holds the register.
        unsafe { mmio::read(self.base + offset, false) }
    }

    fn set(&self, offset: usize, value: u32) {
        // SAFETY: as in `get`.
        unsafe { mmio::write(self.base + offset, value, false) }
    }

    /// Describes the port to those who need no driver.
    pub fn raw(&self) -> RawUart {
        let at = |offset| u32::try_from(self.base + offset).unwrap_or(0);
        let idle = TRANSMITTED;
        RawUart::new(at(TRANSMIT), at(STATUS_2), idle, idle, false)
    }

    /// Describes the receiver to those who do not have the driver.
    pub const fn receiver(&self) -> RawReceiver {
        RawReceiver {
            data: self.base + RECEIVE,
            status: self.base + STATUS_2,
            bytes: false,
            mask: DATA_READY,
            ready: DATA_READY,
            status_errors: 0,
            data_errors: CHARACTER_ERRORS,
        }
    }
}

impl Console for ImxUart {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            while self.get(TEST) & FULL != 0 {
                core::hint::spin_loop();
            }
            self.set(TRANSMIT, u32::from(byte));
        }
    }

    fn read(&mut self) -> Option<u8> {
        // No more looks than the FIFO has entries: a dead line must not hold us here.
        for _ in 0..FIFO_DEPTH {
            if self.get(STATUS_2) & DATA_READY == 0 {
                return None;
            }
            let received = self.get(RECEIVE);
            if received & CHARACTER_ERRORS == 0 {
                let [character, ..] = received.to_le_bytes();
                return Some(character);
            }
        }
        None
    }

    fn flush(&mut self) {
        while self.get(STATUS_2) & u32::from(TRANSMITTED) == 0 {
            core::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use platform_api::{PhysAddr, PhysRange};

    use super::*;

    /// A page that poses as the registers, as they are out of reset but for what is given.
    fn port(registers: &[(usize, u32)]) -> (ImxUart, &'static mut [u32; 1024]) {
        let page = Box::leak(Box::new([0_u32; 1024]));
        page[CONTROL_2 / 4] = 1;
        page[STATUS_2 / 4] = u32::from(TRANSMITTED);
        for &(offset, value) in registers {
            page[offset / 4] = value;
        }
        let start = PhysAddr::new(page.as_ptr().expose_provenance() as u64);
        let node = DeviceNode {
            path: "/serial",
            compatible: COMPATIBLE,
            reg: &[PhysRange::from_size(start, 0x1000).unwrap()],
            ..DeviceNode::default()
        };
        // SAFETY: the page is leaked; the test looks at it between the driver's accesses alone.
        (unsafe { probe(&node) }.unwrap(), page)
    }

    #[test]
    fn a_port_that_is_off_is_switched_on_and_one_that_is_on_is_left_alone() {
        let (_, page) = port(&[]);
        assert_eq!(page[CONTROL_1 / 4], ENABLED);
        assert_eq!(page[CONTROL_2 / 4], RUNNING | EIGHT_BITS | IGNORE_RTS);
        let (_, page) = port(&[(CONTROL_1, 0x201), (CONTROL_2, 0x2027)]);
        assert_eq!((page[CONTROL_1 / 4], page[CONTROL_2 / 4]), (0x201, 0x2027));
    }

    #[test]
    fn characters_come_and_go() {
        let (mut uart, page) = port(&[]);
        uart.write(b"x");
        uart.flush();
        assert_eq!(page[TRANSMIT / 4], u32::from(b'x'));
        assert_eq!(uart.read(), None);
        page[STATUS_2 / 4] |= DATA_READY;
        // The last place of the FIFO: marked, and a character all the same.
        page[RECEIVE / 4] = 0xe041;
        assert_eq!(uart.read(), Some(b'A'));
        for broken in [0x9041, 0x8841, 0x8441] {
            page[RECEIVE / 4] = broken;
            assert_eq!(uart.read(), None);
        }
    }

    #[test]
    fn others_are_told_where_and_when() {
        let (uart, page) = port(&[]);
        let base = u32::try_from(page.as_ptr().expose_provenance() & 0xffff_ffff).unwrap();
        let raw = uart.raw();
        assert!(raw.is_idle(u32::from(TRANSMITTED)) && !raw.is_idle(DATA_READY));
        if usize::BITS == 32 {
            assert_eq!((raw.data, raw.status), (base + 0x40, base + 0x98));
        }
        assert_eq!(uart.receiver().data + STATUS_2, uart.receiver().status);
    }
}
