//! What a wait looks for.

use std::{fmt, ops::Range};

use regex_lite::Regex;

/// Literal text, or a regular expression.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// This text, exactly.
    Literal(String),
    /// A regular expression; `(?m)^` sees what came before the place where the search starts.
    Regex(Regex),
}

/// What a wait found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    /// Everything between the last match and this one.
    pub before: String,
    /// The text that matched.
    pub text: String,
    /// The expression's groups, group 0 first; empty for a literal.
    pub groups: Vec<Option<String>>,
}

impl Match {
    /// Returns a group's text; a group that did not take part, or does not exist, is empty.
    pub fn group(&self, index: usize) -> &str {
        self.groups
            .get(index)
            .and_then(Option::as_deref)
            .unwrap_or_default()
    }
}

impl Pattern {
    /// Finds the first occurrence in `text` at or after the byte `start`.
    pub(crate) fn find(&self, text: &str, start: usize) -> Option<(Range<usize>, Match)> {
        let (range, groups) = match self {
            Self::Literal(wanted) => {
                let at = start + text.get(start..)?.find(wanted.as_str())?;
                (at..at + wanted.len(), Vec::new())
            }
            Self::Regex(regex) => {
                let found = regex.captures_at(text, start)?;
                let groups = found
                    .iter()
                    .map(|group| group.map(|group| group.as_str().to_owned()))
                    .collect();
                (found.get(0)?.range(), groups)
            }
        };
        let found = Match {
            before: text.get(start..range.start)?.to_owned(),
            text: text.get(range.clone())?.to_owned(),
            groups,
        };
        Some((range, found))
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) => write!(f, "{text:?}"),
            Self::Regex(regex) => write!(f, "/{}/", regex.as_str()),
        }
    }
}

impl From<&str> for Pattern {
    fn from(text: &str) -> Self {
        Self::Literal(text.to_owned())
    }
}

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self::Literal(text)
    }
}

impl From<&String> for Pattern {
    fn from(text: &String) -> Self {
        Self::Literal(text.clone())
    }
}

impl From<Regex> for Pattern {
    fn from(regex: Regex) -> Self {
        Self::Regex(regex)
    }
}

impl From<&Pattern> for Pattern {
    fn from(pattern: &Pattern) -> Self {
        pattern.clone()
    }
}

/// Compiles a regular expression that a test wrote.
///
/// # Panics
/// If it is not one: a mistake in the test.
#[allow(clippy::panic)]
pub fn regex(expression: &str) -> Pattern {
    match Regex::new(expression) {
        Ok(regex) => Pattern::Regex(regex),
        Err(error) => panic!("/{expression}/: {error}"),
    }
}
