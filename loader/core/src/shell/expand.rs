//! Words into arguments: variables replaced, and split where they stood outside quotes.

use alloc::{string::String, vec::Vec};
use core::fmt;

use arrayvec::ArrayString;

use super::{
    ast::{Action, Form, Part, Word},
    state::{MAX_LOCALS, Scope},
};

/// The most arguments a command can have, its name among them.
pub const MAX_ARGUMENTS: usize = 256;

/// The most bytes a command's arguments can have together.
pub const MAX_EXPANDED: usize = 0x1_0000;

/// What unquoted values are split at, without the variable `IFS`.
const SEPARATORS: &str = " \t\n";

/// Expands the words of a command. A variable that is not set is empty; one that stood outside
/// quotes is split at the characters of `IFS`, and makes no word if nothing is left of it.
///
/// # Errors
/// More arguments or bytes than the limits; no room for what `${name:=word}` sets; or
/// `${name:?word}` without a value.
pub fn expand(words: &[Word<'_>], scope: &mut Scope<'_>) -> Result<Vec<String>, ExpandError> {
    let mut output = Arguments::default();
    for word in words {
        output.parts(word, scope)?;
        output.end_word()?;
    }
    Ok(output.done)
}

/// Expands a word to one text that is not split: the value of an assignment.
///
/// # Errors
/// As [`expand`].
pub fn expand_one(word: &Word<'_>, scope: &mut Scope<'_>) -> Result<String, ExpandError> {
    let mut output = Arguments {
        whole: true,
        ..Arguments::default()
    };
    output.parts(word, scope)?;
    Ok(output.word.unwrap_or_default())
}

/// Arguments under construction.
#[derive(Default)]
struct Arguments {
    done: Vec<String>,
    word: Option<String>,
    bytes: usize,
    /// Nothing is split.
    whole: bool,
}

impl Arguments {
    fn parts(&mut self, word: &Word<'_>, scope: &mut Scope<'_>) -> Result<(), ExpandError> {
        word.parts().try_for_each(|part| self.part(part, scope))
    }

    fn part(&mut self, part: &Part<'_>, scope: &mut Scope<'_>) -> Result<(), ExpandError> {
        match part {
            Part::Text { text, .. } => self.append(text),
            Part::Variable { name, quoted, form } => match form {
                None => self.variable(name, *quoted, scope),
                Some(form) => self.form(name, *quoted, form, scope),
            },
        }
    }

    fn variable(&mut self, name: &str, quoted: bool, scope: &Scope<'_>) -> Result<(), ExpandError> {
        if name == "?" {
            return self.append(&status_text(scope.status));
        }
        // `${a-b}` is the variable `a-b` if there is one.
        let value = scope.get(name).or_else(|| {
            let (name, default) = name.split_once('-')?;
            Some(scope.get(name).unwrap_or(default))
        });
        self.value(value.unwrap_or(""), quoted, scope)
    }

    fn value(&mut self, value: &str, quoted: bool, scope: &Scope<'_>) -> Result<(), ExpandError> {
        match quoted || self.whole {
            true => self.append(value),
            false => self.append_split(value, scope.get("IFS").unwrap_or(SEPARATORS)),
        }
    }

    fn form(
        &mut self,
        name: &str,
        quoted: bool,
        form: &Form<'_>,
        scope: &mut Scope<'_>,
    ) -> Result<(), ExpandError> {
        let value = match name {
            "?" => Some(""),
            name => scope.get(name),
        };
        let there = value.is_some_and(|value| !form.colon || !value.is_empty() || name == "?");
        match (there, form.action) {
            (true, Action::Alternative) | (false, Action::Default) => {
                self.form_word(quoted, form, scope)
            }
            (false, Action::Alternative) => Ok(()),
            (true, _) => self.variable(name, quoted, scope),
            (false, Action::Assign) => {
                let value = expand_one(&form.word, scope)?;
                if !scope.locals.set(name, &value) {
                    return Err(ExpandError::NoRoom(name.into()));
                }
                self.value(&value, quoted, scope)
            }
            (false, Action::Require) => Err(ExpandError::Unset {
                name: name.into(),
                message: expand_one(&form.word, scope)?,
            }),
        }
    }

    /// The word of a form, outside quotes: split like a value, where it is not quoted itself.
    fn form_word(
        &mut self,
        quoted: bool,
        form: &Form<'_>,
        scope: &mut Scope<'_>,
    ) -> Result<(), ExpandError> {
        for part in form.word.parts() {
            match part {
                Part::Text {
                    text,
                    quoted: false,
                } => self.value(text, quoted, scope)?,
                part => self.part(part, scope)?,
            }
        }
        Ok(())
    }

    fn append(&mut self, text: &str) -> Result<(), ExpandError> {
        self.bytes = self.bytes.saturating_add(text.len());
        if self.bytes > MAX_EXPANDED {
            return Err(ExpandError::TooLong);
        }
        self.word.get_or_insert_default().push_str(text);
        Ok(())
    }

    /// Splits as POSIX does: blanks among the separators count once however many there are,
    /// any other separator ends a field, be it empty.
    fn append_split(&mut self, value: &str, separators: &str) -> Result<(), ExpandError> {
        let mut rest = value;
        // The last field was ended by blanks: a separator behind them ends no other.
        let mut ended_by_blank = false;
        while let Some(first) = rest.chars().next() {
            let end = rest.find(|letter| separators.contains(letter));
            match rest.split_at_checked(end.unwrap_or(rest.len())) {
                Some(("", _)) => {
                    let blank = first.is_ascii_whitespace();
                    if self.word.is_some() {
                        self.end_word()?;
                        ended_by_blank = blank;
                    } else if !blank {
                        if !ended_by_blank {
                            self.append("")?;
                            self.end_word()?;
                        }
                        ended_by_blank = false;
                    }
                    rest = rest.get(first.len_utf8()..).unwrap_or("");
                }
                Some((field, after)) => {
                    self.append(field)?;
                    ended_by_blank = false;
                    rest = after;
                }
                None => return Ok(()),
            }
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

/// Returns a status in decimal, without the heap.
fn status_text(status: u8) -> ArrayString<3> {
    use fmt::Write;
    let mut text = ArrayString::new();
    // Three digits hold every u8, so this cannot fail.
    let _ = write!(text, "{status}");
    text
}

/// Why a command was not expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExpandError {
    /// More than [`MAX_ARGUMENTS`].
    TooMany,
    /// More than [`MAX_EXPANDED`].
    TooLong,
    /// No room for the shell variable of this name.
    NoRoom(String),
    /// `${name:?message}` without a value.
    Unset {
        /// The name.
        name: String,
        /// What the script says about it.
        message: String,
    },
}

impl fmt::Display for ExpandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany => write!(f, "more than {MAX_ARGUMENTS} arguments"),
            Self::TooLong => write!(f, "the arguments take more than {MAX_EXPANDED} bytes"),
            Self::NoRoom(name) => write!(
                f,
                "no room for \"{name}\": shell variables take {MAX_LOCALS} bytes at most"
            ),
            Self::Unset { name, message } if message.is_empty() => {
                write!(f, "## Error: \"{name}\" not defined")
            }
            Self::Unset { name, message } => write!(f, "{name}: {message}"),
        }
    }
}

impl core::error::Error for ExpandError {}
