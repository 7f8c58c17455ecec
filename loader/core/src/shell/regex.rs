//! Regular expressions: those of U-Boot's `setexpr sub`, in time bounded by the product of the
//! lengths of pattern and text, whatever the pattern.
//!
//! `^ $ . [abc] [^a-z] \s \S \d \n \r \t * + ? *? +? ( ) |`. The first alternative that matches
//! wins, and a match starts as far left as there is one. Ranges in brackets are ours: U-Boot's
//! matcher takes the dash for itself.

mod compile;
mod search;

use alloc::vec::Vec;
use core::fmt;

/// The most instructions of a pattern: about one a character.
pub const MAX_PROGRAM: usize = 512;

/// The most bytes of a text that is searched.
pub const MAX_SUBJECT: usize = 0x4000;

/// How deep brackets may nest.
const MAX_DEPTH: u8 = 16;

/// Brackets that can be referred to, and the whole match.
pub const GROUPS: usize = 10;

/// A compiled pattern.
#[derive(Debug)]
pub struct Regex {
    program: Vec<Instruction>,
    groups: usize,
}

/// What the groups matched: byte ranges, the whole match first.
pub type Captures = [Option<(usize, usize)>; GROUPS];

#[derive(Clone, Debug, PartialEq, Eq)]
enum Instruction {
    /// Takes a character that is in the set.
    Take(Set),
    /// Goes on at the start of the text only.
    Start,
    /// Goes on at the end of the text only.
    End,
    /// Notes the position.
    Save(usize),
    /// Goes on at both, the first preferred.
    Split(usize, usize),
    /// Goes on elsewhere.
    Jump(usize),
    /// Done.
    Match,
}

/// A set of characters.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Set {
    Any,
    One(char),
    Digit,
    Space,
    NotSpace,
    /// Between the two, both included.
    Range(char, char),
    /// In one of these; or in none.
    Several {
        negated: bool,
        sets: Vec<Set>,
    },
}

impl Set {
    fn contains(&self, letter: char) -> bool {
        match self {
            Self::Any => true,
            Self::One(other) => letter == *other,
            Self::Digit => letter.is_ascii_digit(),
            Self::Space => letter.is_ascii_whitespace(),
            Self::NotSpace => !letter.is_ascii_whitespace(),
            Self::Range(first, last) => (*first..=*last).contains(&letter),
            Self::Several { negated, sets } => {
                sets.iter().any(|set| set.contains(letter)) != *negated
            }
        }
    }
}

impl Regex {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// Brackets that do not match, a repetition of nothing, or a pattern beyond the limits.
    pub fn new(pattern: &str) -> Result<Self, RegexError> {
        compile::compile(pattern)
    }

    /// Finds the first match at or behind byte `from` of a text, whose first [`MAX_SUBJECT`]
    /// bytes count.
    pub fn find(&self, text: &str, from: usize) -> Option<Captures> {
        search::search(self, text, from)
    }

    /// Returns how many groups the pattern has, the whole not counted.
    pub fn groups(&self) -> usize {
        self.groups
    }
}

/// Why a pattern was refused. The first four in U-Boot's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegexError {
    /// `[` without `]`.
    Bracket,
    /// `(` without `)`.
    Parenthesis,
    /// `)` without `(`.
    Unbalanced,
    /// More than [`MAX_PROGRAM`].
    TooLong,
    /// `*`, `+` or `?` without anything before.
    NothingToRepeat(char),
    /// Deeper than it may nest, or more than nine groups.
    TooManyGroups,
}

impl fmt::Display for RegexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bracket => f.write_str("No closing ']' bracket"),
            Self::Parenthesis => f.write_str("No closing bracket"),
            Self::Unbalanced => f.write_str("Unbalanced brackets"),
            Self::TooLong => f.write_str("RE is too long (code overflow)"),
            Self::NothingToRepeat(sign) => write!(f, "Nothing before '{sign}'"),
            Self::TooManyGroups => write!(f, "More than {} groups", GROUPS - 1),
        }
    }
}

impl core::error::Error for RegexError {}

#[cfg(test)]
mod tests;
