//! The value of a rule: what was found, or what is owed.

use core::fmt;

/// What a rule found or wants: a number, or a word where no number says it.
///
/// A number is printed in hexadecimal without a prefix; a word therefore has at least one
/// character that is no hexadecimal digit (`absent`, `none`, never `bad`), and no space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A register's contents, an address, a count.
    Number(u64),
    /// One word.
    Word(&'a str),
}

impl<'a> Value<'a> {
    /// Reads a value back; `None` if the text is empty, holds a space, or is a number of more
    /// than 64 bits.
    pub fn parse(text: &'a str) -> Option<Self> {
        if text.is_empty() || text.contains(char::is_whitespace) {
            return None;
        }
        if text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return u64::from_str_radix(text, 16).ok().map(Self::Number);
        }
        Some(Self::Word(text))
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Number(u64::from(number))
    }
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number:x}"),
            Self::Word(word) => f.write_str(word),
        }
    }
}
