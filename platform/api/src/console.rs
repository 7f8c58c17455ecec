//! The serial console as the logic sees it.

/// A byte console. Drivers also implement `embedded-io`; this face is what a `dyn` needs and
/// cannot fail: a console that breaks has nobody to tell.
pub trait Console {
    /// Writes every byte, waiting for room.
    fn write(&mut self, bytes: &[u8]);

    /// Returns the next received byte, if there is one. Never waits.
    fn read(&mut self) -> Option<u8>;

    /// Waits until every byte has left the transmitter.
    fn flush(&mut self);
}

/// A UART that the last page and the fault handler can talk to without a driver: they wait
/// until the low byte of the status register, under a mask, is what it is when there is room
/// and everything has left, and write the character to the data register.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawUart {
    /// Address of the data register.
    pub data: u32,
    /// Address of the status register.
    pub status: u32,
    /// Bits 7 to 0: which status bits count; none: stay silent. Bits 15 to 8: their value when
    /// the transmitter is idle. Bit 16: both registers are bytes, not words.
    pub wait: u32,
}

impl RawUart {
    /// Bit of `wait`: both registers are bytes.
    pub const BYTES: u32 = 1 << 16;

    /// Describes a UART whose status under `mask` is `idle` when there is room.
    pub const fn new(data: u32, status: u32, mask: u8, idle: u8, bytes: bool) -> Self {
        Self {
            data,
            status,
            // Lossless: u8 to u32, which `From` cannot do in a constant.
            wait: mask as u32 | (idle as u32) << 8 | if bytes { Self::BYTES } else { 0 },
        }
    }

    /// Tells whether a status register's value says that a character can be written.
    pub const fn is_idle(self, status: u32) -> bool {
        (status ^ (self.wait >> 8)) & self.wait & 0xff == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_is_what_the_mask_selects() {
        let pl011 = RawUart::new(0, 0x18, 0x28, 0, false);
        assert!(pl011.is_idle(0x90) && !pl011.is_idle(0x20) && !pl011.is_idle(0x08));
        let ns16550 = RawUart::new(0, 5, 0x60, 0x60, true);
        assert!(ns16550.is_idle(0x61) && !ns16550.is_idle(0x20) && !ns16550.is_idle(0));
        assert_eq!(ns16550.wait & RawUart::BYTES, RawUart::BYTES);
    }
}
