//! A PL011 (DDI 0183) or a 16550 (DesignWare DW_apb_uart), written to by polling. Whoever came
//! before has set its speed.

use core::fmt;

use witness::tree;

const DR: u32 = 0x00;
const FR: u32 = 0x18;
const CR: u32 = 0x30;
const FR_FULL: u32 = 1 << 5;
const FR_BUSY: u32 = 1 << 3;
const FR_EMPTY: u32 = 1 << 7;
/// UARTEN and TXE.
const CR_TRANSMIT: u32 = 1 | 1 << 8;
/// A 16550's LSR: its number, transmitter's FIFO and transmitter empty.
const LSR: u32 = 5;
const LSR_FIFO_EMPTY: u32 = 1 << 5;
const LSR_EMPTY: u32 = 1 << 6;
/// How often a flag is looked at before the transmitter is taken for stuck: far more than one
/// character takes at 9600 baud.
const PATIENCE: u32 = 10_000_000;

/// The lowest bits of the word that stands for a UART: 0 is a PL011, n a 16550 whose registers
/// are 2 to the power of n - 1 apart. No UART's address has them.
const KIND: u32 = 0xf;

/// A UART at an address.
#[derive(Clone, Copy)]
pub struct Uart {
    word: u32,
}

impl Uart {
    /// Puts a UART into one word; `None` if it cannot be reached.
    pub fn word(uart: tree::Uart) -> Option<u32> {
        let (base, kind) = match uart {
            tree::Uart::Pl011(base) => (base, 0),
            tree::Uart::Ns16550 { base, shift } => (base, shift.checked_add(1)?),
        };
        let base = u32::try_from(base).ok()?;
        (base & KIND == 0 && kind <= 5).then_some(base | kind)
    }

    /// Takes the UART of a [`Uart::word`].
    ///
    /// # Safety
    /// Its registers lie there, and nobody else uses them.
    pub unsafe fn new(word: u32) -> Self {
        Self { word }
    }

    /// Returns how far a 16550's registers are apart; `None` if it is a PL011.
    fn shift(self) -> Option<u32> {
        (self.word & KIND).checked_sub(1)
    }

    /// Returns `UARTFR`; of a 16550, what it would be.
    pub fn flags(self) -> u32 {
        let Some(shift) = self.shift() else {
            return self.read(FR);
        };
        let status = self.read(LSR << shift);
        let full = if status & LSR_FIFO_EMPTY == 0 {
            FR_FULL
        } else {
            FR_EMPTY
        };
        full | if status & LSR_EMPTY == 0 { FR_BUSY } else { 0 }
    }

    /// Enables the transmitter if nobody has.
    pub fn enable(self) {
        if self.shift().is_some() {
            return;
        }
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
        while self.flags() & flag != 0 && left != 0 {
            left -= 1;
        }
    }

    fn read(self, register: u32) -> u32 {
        let base = self.word & !KIND;
        // SAFETY: `new`'s caller says that a UART lies there; the register is one of its, which
        // are 32 bits wide or, with a shift of less than 2, bytes.
        unsafe {
            if self.shift().is_some_and(|shift| shift < 2) {
                u32::from(((base + register) as *const u8).read_volatile())
            } else {
                ((base + register) as *const u32).read_volatile()
            }
        }
    }

    fn write(self, register: u32, value: u32) {
        let base = self.word & !KIND;
        let [low, ..] = value.to_le_bytes();
        // SAFETY: as for `read`; transmitting and enabling the transmitter touch no memory.
        unsafe {
            if self.shift().is_some_and(|shift| shift < 2) {
                ((base + register) as *mut u8).write_volatile(low);
            } else {
                ((base + register) as *mut u32).write_volatile(value);
            }
        }
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
