//! The PL011's rate and frame (TRM DDI 0183: UARTIBRD, UARTFBRD, UARTLCR_H).

use platform_api::{Line, Parity};

use super::{
    super::line::{same_rate, wait},
    CONTROL, FLAGS,
};
use crate::mmio;

/// Offset of UARTIBRD, the divisor's 16 whole bits.
const WHOLE: usize = 0x24;
/// Offset of UARTFBRD, its 6 bits behind the point.
const FRACTION: usize = 0x28;
/// Offset of UARTLCR_H.
const FRAME: usize = 0x2c;
/// UARTLCR_H: PEN, EPS, FEN; WLEN is at 6:5.
const PARITY: u32 = 1 << 1;
const EVEN: u32 = 1 << 2;
const FIFOS: u32 = 1 << 4;
/// UARTFR: BUSY.
const BUSY: u32 = 1 << 3;
/// UARTCR: UARTEN; RTSEn and CTSEn.
const ENABLE: u32 = 1;
const FLOW: u32 = 3 << 14;

/// A port's registers, by their address.
#[derive(Clone, Copy)]
pub(super) struct Registers(pub(super) usize);

impl Registers {
    fn get(self, offset: usize) -> u32 {
        // SAFETY: `pl011::probe`, which knows the address alone, has its caller's word for the window.
        unsafe { mmio::read(self.0 + offset, false) }
    }

    fn set(self, offset: usize, value: u32) {
        // SAFETY: as in `get`.
        unsafe { mmio::write(self.0 + offset, value, false) }
    }

    /// Returns rate and frame; the rate only with the clock's, in Hz.
    pub(super) fn line(self, clock: Option<u32>) -> Line {
        let frame = self.get(FRAME);
        // 64ths of sixteen bit times; less than one is no rate.
        let divisor = (self.get(WHOLE) & 0xffff) << 6 | self.get(FRACTION) & 0x3f;
        let rate = |clock: u32| u64::from(clock) * 4 / u64::from(divisor);
        let baud = clock.filter(|_| divisor >= 64).map(rate);
        let bits = u8::try_from(5 + (frame >> 5 & 3)).unwrap_or(8);
        Line {
            baud: baud.and_then(|baud| u32::try_from(baud).ok()),
            parity: match (frame & PARITY != 0, frame & EVEN != 0) {
                (false, _) => Parity::None,
                (true, false) => Parity::Odd,
                (true, true) => Parity::Even,
            },
            bits,
            flow: self.get(CONTROL) & FLOW == FLOW,
        }
    }

    /// Sets the line, if it is another. Leaves it where the rate cannot be made, or the port does
    /// not become idle.
    pub(super) fn set_line(self, wanted: Line, clock: u32) {
        let is = self.line(Some(clock));
        let Some(baud) = wanted.baud.filter(|&baud| baud != 0) else {
            return;
        };
        let same = is.baud.is_some_and(|is| same_rate(is, baud));
        let framed = (is.parity, is.bits) == (wanted.parity, wanted.bits);
        let divisor = (u64::from(clock) * 4 + u64::from(baud) / 2) / u64::from(baud);
        let Ok(divisor @ 64..=0x3f_ffc0) = u32::try_from(divisor) else {
            return;
        };
        if same && framed && (is.flow || !wanted.flow) {
            return;
        }
        if !wait(|| self.get(FLAGS) & BUSY == 0) {
            return;
        }
        let control = self.get(CONTROL);
        self.set(CONTROL, control & !ENABLE);
        // FIFOs off, which empties them: they must not be on while the rate changes (3.3.8).
        self.set(FRAME, 0);
        self.set(WHOLE, divisor >> 6);
        self.set(FRACTION, divisor & 0x3f);
        let parity = match wanted.parity {
            Parity::None => 0,
            Parity::Odd => PARITY,
            Parity::Even => PARITY | EVEN,
        };
        let bits = u32::from(wanted.bits.clamp(5, 8) - 5);
        // Written last: it takes the divisor over.
        self.set(FRAME, bits << 5 | FIFOS | parity);
        let flow = if wanted.flow { FLOW } else { 0 };
        self.set(CONTROL, control | flow);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{COMPATIBLE, DATA, probe};
    use super::*;
    use crate::{uart::Uart, watchdog::testing::Page};

    const CLOCK: u32 = 24_000_000;

    /// A port as U-Boot leaves it: 115200n8.
    fn port() -> (Page, Uart) {
        let page = Page::new();
        for (offset, value) in [(WHOLE, 13), (FRACTION, 1), (FRAME, 0x70), (CONTROL, 0x301)] {
            page.set(offset, value);
        }
        // SAFETY: the page is leaked and accessed as volatile only.
        let port = page.node(COMPATIBLE, None, |node| unsafe { probe(node) });
        (page, Uart::Pl011(port.unwrap()))
    }

    fn registers(page: Page) -> [u32; 4] {
        [WHOLE, FRACTION, FRAME, CONTROL].map(|offset| page.get(offset))
    }

    #[test]
    fn what_is_set_already_is_left_alone() {
        let (page, mut port) = port();
        // A write would show: the data register is none of what it writes, but all others are.
        page.set(DATA, 7);
        let before = registers(page);
        for (wanted, clock) in [
            (Line::parse("115200n8"), Some(CLOCK)),
            (Line::parse("115200"), Some(CLOCK)),
            (Line::parse("9600n8"), None),
            (None, Some(CLOCK)),
            // No divisor for these.
            (Line::parse("1"), Some(CLOCK)),
            (Line::parse("3000000"), Some(CLOCK)),
        ] {
            let line = port.set_line(wanted, clock).unwrap();
            assert_eq!(registers(page), before, "{wanted:?}");
            let shown = if clock.is_some() { "115246n8" } else { "n8" };
            assert_eq!(line.to_string(), shown);
        }
    }

    #[test]
    fn sets_another_rate_and_frame() {
        let (page, mut port) = port();
        let line = port.set_line(Line::parse("9600e7r"), Some(CLOCK)).unwrap();
        assert_eq!(line.to_string(), "9600e7r");
        assert_eq!(registers(page), [156, 16, 0x56, 0xc301]);
        let line = port
            .set_line(Line::parse("1500000o8"), Some(CLOCK))
            .unwrap();
        assert_eq!(line.to_string(), "1500000o8r");
        assert_eq!(registers(page), [1, 0, 0x72, 0xc301]);
    }

    #[test]
    fn a_port_that_was_never_set_has_no_rate() {
        let (page, mut port) = port();
        page.set(WHOLE, 0);
        page.set(FRACTION, 0);
        assert_eq!(port.set_line(None, Some(CLOCK)).unwrap().baud, None);
        port.set_line(Line::parse("115200n8"), Some(CLOCK));
        assert_eq!(registers(page), [13, 1, 0x70, 0x301]);
    }

    #[test]
    fn a_busy_port_is_not_waited_for_without_end() {
        let (page, mut port) = port();
        let before = registers(page);
        page.set(FLAGS, BUSY);
        let line = port.set_line(Line::parse("9600n8"), Some(CLOCK)).unwrap();
        assert_eq!(registers(page), before);
        assert_eq!(line.baud, Some(115_246));
    }
}
