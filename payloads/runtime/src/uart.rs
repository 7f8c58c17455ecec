//! A PL011, written to by polling (DDI 0183). Whoever came before has set its speed.

use core::fmt;

const DR: u32 = 0x00;
const FR: u32 = 0x18;
const CR: u32 = 0x30;
const FR_FULL: u32 = 1 << 5;
const FR_BUSY: u32 = 1 << 3;
/// UARTEN and TXE.
const CR_TRANSMIT: u32 = 1 | 1 << 8;
/// How often a flag is looked at before the transmitter is taken for stuck: far more than one
/// character takes at 9600 baud.
const PATIENCE: u32 = 10_000_000;

/// A PL011 at an address.
#[derive(Clone, Copy)]
pub struct Uart {
    base: u32,
}

impl Uart {
    /// Takes a PL011.
    ///
    /// # Safety
    /// A PL011's registers lie at `base`, and nobody else uses them.
    pub unsafe fn new(base: u32) -> Self {
        Self { base }
    }

    /// Returns `UARTFR`.
    pub fn flags(self) -> u32 {
        self.read(FR)
    }

    /// Enables the transmitter if nobody has.
    pub fn enable(self) {
        let control = self.read(CR);
        if control & CR_TRANSMIT != CR_TRANSMIT {
            self.write(CR, control | CR_TRANSMIT);
        }
    }

    /// Waits until the last character has left.
    pub fn drain(self) {
        self.wait(FR_BUSY);
    }

    fn send(self, byte: u8) {
        self.wait(FR_FULL);
        self.write(DR, u32::from(byte));
    }

    /// Waits until a flag is clear, or patience runs out.
    fn wait(self, flag: u32) {
        let mut left = PATIENCE;
        while self.read(FR) & flag != 0 && left != 0 {
            left -= 1;
        }
    }

    fn read(self, register: u32) -> u32 {
        // SAFETY: `new`'s caller says that a PL011 lies at `base`; the register is one of its.
        unsafe { ((self.base + register) as *const u32).read_volatile() }
    }

    fn write(self, register: u32, value: u32) {
        // SAFETY: as for `read`; transmitting and enabling the transmitter touch no memory.
        unsafe { ((self.base + register) as *mut u32).write_volatile(value) }
    }
}

impl fmt::Write for Uart {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                self.send(b'\r');
            }
            self.send(byte);
        }
        Ok(())
    }
}
