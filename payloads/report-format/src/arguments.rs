//! What the witness is told on the kernel's command line.

use core::fmt;

/// The witness's own words on the command line; all others are somebody else's.
///
/// `Display` writes them as they are read, for a tool that builds a command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arguments {
    /// `report.image=HEX`: the CRC-32 of the image file.
    pub image: Option<u32>,
    /// `report.initrd=HEX`: the CRC-32 of the initrd file.
    pub initrd: Option<u32>,
    /// `report.then=WORD`: what to do after the last line.
    pub then: Then,
}

/// What the witness does after its last line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Then {
    /// Turns the machine off (PSCI `SYSTEM_OFF`).
    #[default]
    PowerOff,
    /// Resets it (PSCI `SYSTEM_RESET`).
    Reset,
    /// Waits for ever.
    Halt,
}

/// A word that is ours by its name, but cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgumentError<'a> {
    /// The word.
    pub word: &'a str,
}

impl fmt::Display for ArgumentError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is not an argument of the witness", self.word)
    }
}

impl core::error::Error for ArgumentError<'_> {}

impl Arguments {
    /// Reads the witness's words from a command line. Of a word given twice the last counts.
    ///
    /// What could be read is returned even if a word could not: the last such word comes along.
    pub fn parse(command_line: &str) -> (Self, Option<ArgumentError<'_>>) {
        let mut arguments = Self::default();
        let mut error = None;
        for word in command_line.split_ascii_whitespace() {
            let Some(argument) = word.strip_prefix("report.") else {
                continue;
            };
            if arguments.set(argument).is_none() {
                error = Some(ArgumentError { word });
            }
        }
        (arguments, error)
    }

    fn set(&mut self, argument: &str) -> Option<()> {
        let (name, value) = argument.split_once('=')?;
        match name {
            "image" => self.image = Some(crc(value)?),
            "initrd" => self.initrd = Some(crc(value)?),
            "then" => self.then = Then::parse(value)?,
            _ => return None,
        }
        Some(())
    }
}

/// Reads up to eight hexadecimal digits, with or without `0x`.
fn crc(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    all_digits
        .then(|| u32::from_str_radix(digits, 16).ok())
        .flatten()
}

impl Then {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "poweroff" => Some(Self::PowerOff),
            "reset" => Some(Self::Reset),
            "halt" => Some(Self::Halt),
            _ => None,
        }
    }
}

impl fmt::Display for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PowerOff => "poweroff",
            Self::Reset => "reset",
            Self::Halt => "halt",
        })
    }
}

impl fmt::Display for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(crc) = self.image {
            write!(f, "report.image={crc:08x} ")?;
        }
        if let Some(crc) = self.initrd {
            write!(f, "report.initrd={crc:08x} ")?;
        }
        write!(f, "report.then={}", self.then)
    }
}
