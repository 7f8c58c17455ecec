//! How a serial line is set up.

use core::fmt;

/// The parity bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Parity {
    /// There is none.
    #[default]
    None,
    /// An odd number of ones.
    Odd,
    /// An even number of ones.
    Even,
}

/// A serial line: rate and frame. One stop bit, as everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// Bits a second; `None`: not known, or as it is.
    pub baud: Option<u32>,
    /// The parity bit.
    pub parity: Parity,
    /// Bits of a character, 5 to 8.
    pub bits: u8,
    /// The receiver holds the sender off by RTS and CTS.
    pub flow: bool,
}

impl Line {
    /// Eight bits, no parity, at this rate.
    pub const fn at(baud: Option<u32>) -> Self {
        Self {
            baud,
            parity: Parity::None,
            bits: 8,
            flow: false,
        }
    }

    /// Reads the options of a `stdout-path` (kernel: `BBBBPNF`): the rate, and then, each of which
    /// may be missing, `n`, `o` or `e` for the parity, the number of bits, `r` for flow control.
    /// `None` if that is not what it says: the line then stays as it is.
    pub fn parse(options: &str) -> Option<Self> {
        let digits = options.bytes().take_while(u8::is_ascii_digit).count();
        let (baud, frame) = options.split_at_checked(digits)?;
        let baud: u32 = baud.parse().ok().filter(|&baud| baud != 0)?;
        let mut line = Self::at(Some(baud));
        let mut frame = frame.bytes().peekable();
        let parity = match frame.peek() {
            Some(b'n') => Some(Parity::None),
            Some(b'o') => Some(Parity::Odd),
            Some(b'e') => Some(Parity::Even),
            _ => None,
        };
        if let Some(parity) = parity {
            frame.next();
            line.parity = parity;
        }
        if let Some(bits) = frame.next_if(|byte| matches!(byte, b'5'..=b'8')) {
            line.bits = bits - b'0';
        }
        line.flow = frame.next_if_eq(&b'r').is_some();
        frame.next().is_none().then_some(line)
    }
}

impl fmt::Display for Line {
    /// Writes it as a `stdout-path` has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(baud) = self.baud {
            write!(f, "{baud}")?;
        }
        let parity = match self.parity {
            Parity::None => 'n',
            Parity::Odd => 'o',
            Parity::Even => 'e',
        };
        let flow = if self.flow { "r" } else { "" };
        write!(f, "{parity}{}{flow}", self.bits)
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::ToString;

    #[test]
    fn reads_what_trees_say() {
        for (options, shown) in [
            ("115200n8", "115200n8"),
            ("115200", "115200n8"),
            ("9600e7", "9600e7"),
            ("1500000o", "1500000o8"),
            ("57600n8r", "57600n8r"),
            ("38400r", "38400n8r"),
        ] {
            assert_eq!(Line::parse(options).unwrap().to_string(), shown);
        }
        for bad in [
            "",
            "n8",
            "0",
            "115200x",
            "115200n9",
            "115200n8rr",
            "99999999999",
            "-1",
            "+9600",
        ] {
            assert_eq!(Line::parse(bad), None, "{bad}");
        }
    }
}
