//! Words into arguments: variables replaced, and split where they stood outside quotes.

use alloc::{string::String, vec::Vec};
use core::fmt;

use super::ast::{Part, Word};
use crate::env::Environment;

/// The most arguments a command can have, its name among them.
pub const MAX_ARGUMENTS: usize = 256;

/// The most bytes a command's arguments can have together.
pub const MAX_EXPANDED: usize = 0x1_0000;

/// Expands the words of a command. A variable that is not set is empty; one that stood outside
/// quotes is split at blanks, and makes no word if nothing is left of it.
///
/// # Errors
/// More arguments or bytes than the limits.
pub fn expand(words: &[Word], env: &Environment, status: u8) -> Result<Vec<String>, ExpandError> {
    let mut output = Arguments::default();
    for word in words {
        for part in &word.parts {
            match part {
                Part::Text { text, .. } => output.append(text)?,
                Part::Variable { name, quoted } => {
                    let mut digits = StatusText::default();
                    let value = match name.as_str() {
                        "?" => digits.format(status),
                        name => env.get(name).unwrap_or(""),
                    };
                    if *quoted {
                        output.append(value)?;
                    } else {
                        output.append_split(value)?;
                    }
                }
            }
        }
        output.end_word()?;
    }
    Ok(output.done)
}

/// A status in decimal, without the heap.
#[derive(Default)]
struct StatusText(arrayvec::ArrayString<3>);

impl StatusText {
    fn format(&mut self, status: u8) -> &str {
        use fmt::Write;
        // Three digits hold every u8, so this cannot fail.
        let _ = write!(self.0, "{status}");
        &self.0
    }
}

/// Arguments under construction.
#[derive(Default)]
struct Arguments {
    done: Vec<String>,
    word: Option<String>,
    bytes: usize,
}

impl Arguments {
    fn append(&mut self, text: &str) -> Result<(), ExpandError> {
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > MAX_EXPANDED {
            return Err(ExpandError::TooLong);
        }
        self.word.get_or_insert_default().push_str(text);
        Ok(())
    }

    fn append_split(&mut self, value: &str) -> Result<(), ExpandError> {
        if value.starts_with(is_blank) {
            self.end_word()?;
        }
        for (index, field) in value.split_ascii_whitespace().enumerate() {
            if index > 0 {
                self.end_word()?;
            }
            self.append(field)?;
        }
        if value.ends_with(is_blank) {
            self.end_word()?;
        }
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), ExpandError> {
        if let Some(word) = self.word.take() {
            if self.done.len() >= MAX_ARGUMENTS {
                return Err(ExpandError::TooMany);
            }
            self.done.push(word);
        }
        Ok(())
    }
}

fn is_blank(letter: char) -> bool {
    letter.is_ascii_whitespace()
}

/// Why a command was not expanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpandError {
    /// More than [`MAX_ARGUMENTS`].
    TooMany,
    /// More than [`MAX_EXPANDED`].
    TooLong,
}

impl fmt::Display for ExpandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => write!(f, "more than {MAX_ARGUMENTS} arguments"),
            Self::TooLong => write!(f, "the arguments take more than {MAX_EXPANDED} bytes"),
        }
    }
}

impl core::error::Error for ExpandError {}
