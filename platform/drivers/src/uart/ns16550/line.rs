//! The 16550's rate and frame (PC16550D data sheet, 8.1 to 8.3).

use platform_api::{Line, Parity};

use super::{
    super::line::{same_rate, wait},
    DATA, DIVISOR_LATCH, LINE_CONTROL, LINE_STATUS, Ns16550, TRANSMITTER_IDLE,
};

/// With [`DIVISOR_LATCH`]: DLM, the divisor's high byte; DLL lies over the data register.
const DIVISOR_HIGH: usize = 1;
/// LCR: PEN, EPS; the number of bits is at 1:0.
const PARITY: u32 = 1 << 3;
const EVEN: u32 = 1 << 4;

impl Ns16550 {
    /// Writes LCR, over and over: DesignWare's takes no write while it is busy.
    fn set_control(&self, value: u32) -> bool {
        wait(|| {
            self.set(LINE_CONTROL, value);
            self.get(LINE_CONTROL) & 0xff == value
        })
    }

    /// Runs `body` with the divisor over the data register, and sets LCR to `then`.
    fn with_divisor<R>(&self, then: u32, body: impl FnOnce() -> R) -> Option<R> {
        let opened = self.set_control(then | DIVISOR_LATCH);
        let result = opened.then(body);
        self.set_control(then & !DIVISOR_LATCH);
        result
    }

    /// Returns rate and frame; the rate only with the clock's, in Hz.
    pub fn line(&self, clock: Option<u32>) -> Line {
        let control = self.get(LINE_CONTROL) & 0xff;
        let clock = clock.filter(|_| self.divisor);
        let baud = clock.and_then(|clock| {
            let divisor = self.with_divisor(control, || {
                self.get(DATA) & 0xff | (self.get(DIVISOR_HIGH) & 0xff) << 8
            })?;
            clock.checked_div(16 * divisor)
        });
        Line {
            baud,
            parity: match (control & PARITY != 0, control & EVEN != 0) {
                (false, _) => Parity::None,
                (true, false) => Parity::Odd,
                (true, true) => Parity::Even,
            },
            bits: u8::try_from(5 + (control & 3)).unwrap_or(8),
            flow: false,
        }
    }

    /// Sets the line, if it is another. Leaves it where the rate cannot be made, or the port does
    /// not become idle. Flow control stays as it is: not every version of this port has it.
    pub fn set_line(&self, wanted: Line, clock: u32) {
        let is = self.line(Some(clock));
        let Some(baud) = wanted.baud.filter(|&baud| baud != 0 && self.divisor) else {
            return;
        };
        let divisor = (u64::from(clock) + 8 * u64::from(baud)) / (16 * u64::from(baud));
        let Ok(divisor @ 1..=0xffff) = u32::try_from(divisor) else {
            return;
        };
        let same = is.baud.is_some_and(|is| same_rate(is, baud));
        if same && (is.parity, is.bits) == (wanted.parity, wanted.bits) {
            return;
        }
        if !wait(|| self.get(LINE_STATUS) & TRANSMITTER_IDLE != 0) {
            return;
        }
        let parity = match wanted.parity {
            Parity::None => 0,
            Parity::Odd => PARITY,
            Parity::Even => PARITY | EVEN,
        };
        let control = parity | u32::from(wanted.bits.clamp(5, 8) - 5);
        self.with_divisor(control, || {
            self.set(DATA, divisor & 0xff);
            self.set(DIVISOR_HIGH, divisor >> 8);
        });
    }
}

#[cfg(test)]
mod tests {
    use platform_api::{DeviceNode, RegisterLayout};

    use super::super::probe;
    use super::*;
    use crate::{uart::Uart, watchdog::testing::Page};

    const CLOCK: u32 = 24_000_000;

    /// A port of words as U-Boot leaves it: 115200n8, idle. The divisor lies where the data does:
    /// memory has one of them.
    fn port(compatible: &str) -> (Page, Uart) {
        let page = Page::new();
        page.set(0, 13);
        page.set(4 * 3, 3);
        page.set(4 * 5, 0x60);
        let port = page.node(&[compatible], None, |node| {
            let layout = RegisterLayout {
                shift: Some(2),
                io_width: Some(4),
                offset: 0,
            };
            // SAFETY: the page is leaked and accessed as volatile only.
            unsafe { probe(&DeviceNode { layout, ..*node }) }
        });
        (page, Uart::Ns16550(port.unwrap()))
    }

    fn registers(page: Page) -> [u32; 3] {
        [0, 4, 12].map(|offset| page.get(offset))
    }

    #[test]
    fn what_is_set_already_is_left_alone() {
        let (page, mut port) = port("snps,dw-apb-uart");
        for (wanted, clock, shown) in [
            (Line::parse("115200n8"), Some(CLOCK), "115384n8"),
            (Line::parse("9600n8"), None, "n8"),
            (None, Some(CLOCK), "115384n8"),
            (Line::parse("1"), Some(CLOCK), "115384n8"),
            (Line::parse("9000000"), Some(CLOCK), "115384n8"),
        ] {
            let line = port.set_line(wanted, clock).unwrap();
            assert_eq!(line.to_string(), shown, "{wanted:?}");
            assert_eq!(registers(page), [13, 0, 3], "{wanted:?}");
        }
    }

    #[test]
    fn sets_another_rate_and_frame() {
        let (page, mut port) = port("ns16550a");
        let line = port.set_line(Line::parse("1200o7"), Some(CLOCK)).unwrap();
        assert_eq!(line.to_string(), "1200o7");
        assert_eq!(registers(page), [1250 & 0xff, 1250 >> 8, 0x0a]);
    }

    #[test]
    fn a_busy_port_is_not_waited_for_without_end() {
        let (page, mut port) = port("ns16550a");
        page.set(4 * 5, 0x20);
        let line = port.set_line(Line::parse("9600n8"), Some(CLOCK)).unwrap();
        assert_eq!(registers(page), [13, 0, 3]);
        assert_eq!(line.baud, Some(115_384));
    }

    #[test]
    fn the_mini_uart_s_rate_is_another_register_s() {
        let (page, mut port) = port("brcm,bcm2835-aux-uart");
        let line = port.set_line(Line::parse("9600n8"), Some(CLOCK)).unwrap();
        assert_eq!((line.baud, line.bits), (None, 8));
        assert_eq!(registers(page), [13, 0, 3]);
    }
}
