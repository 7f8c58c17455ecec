//! What can be wrong with a text.

use alloc::{boxed::Box, string::String};
use core::fmt;

use super::ast::Position;

/// Bytes of the longest text that is parsed.
pub const MAX_TEXT: usize = 0x1_0000;

/// How deep `if`, `for`, `while` and `!` may nest in a text.
pub const MAX_NESTING: u8 = 24;

/// How deep `${a:-${b:-c}}` may nest.
pub const MAX_FORMS: u8 = 8;

/// Bytes of memory that all texts being run and their trees may take, about.
pub const MAX_TREE: usize = 0x14_0000;

/// The end of the text, as errors name it.
pub(super) const END: &str = "the end";

/// A syntax error and its place. One pointer, since all of the parser hands it on at each `?`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError(Box<(Position, SyntaxProblem)>);

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyntaxProblem {
    /// A quote or brace that is never closed.
    Unclosed(char),
    /// `&` or `|` alone.
    LoneOperator(char),
    /// `${...}` with something that is no name, or no form of one.
    BadVariable(String),
    /// A command was expected before this.
    MissingCommand(&'static str),
    /// A part of a compound command was expected here.
    Expected {
        /// What was.
        wanted: &'static str,
        /// The keyword that began the command.
        opener: &'static str,
        /// Where that stands.
        opened: Position,
        /// What there is instead.
        found: &'static str,
    },
    /// This follows the end of a compound command without `;`.
    MissingSeparator(&'static str),
    /// A keyword without the one that must come before.
    Stray {
        /// The keyword.
        keyword: &'static str,
        /// What it belongs to.
        opener: &'static str,
    },
    /// The variable of `for` cannot be one.
    BadLoopVariable,
    /// Deeper than [`MAX_NESTING`] or [`MAX_FORMS`].
    TooDeep,
    /// More bytes than [`MAX_TEXT`].
    TooLong(usize),
    /// The tree would take more than what is left of [`MAX_TREE`].
    TooLarge,
}

impl SyntaxError {
    /// Returns where it is.
    #[must_use]
    pub fn position(&self) -> Position {
        self.0.0
    }

    /// Returns what it is.
    #[must_use]
    pub fn problem(&self) -> &SyntaxProblem {
        &self.0.1
    }

    /// Tells whether it is the end of the text that is wrong: more text may complete it.
    pub fn is_open(&self) -> bool {
        match *self.problem() {
            SyntaxProblem::Unclosed('\'' | '"') => true,
            SyntaxProblem::MissingCommand(found) | SyntaxProblem::Expected { found, .. } => {
                found == END
            }
            _ => false,
        }
    }
}

impl SyntaxProblem {
    #[cold]
    pub(super) fn at(self, position: Position) -> SyntaxError {
        SyntaxError(Box::new((position, self)))
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (position, problem) = &*self.0;
        write!(f, "syntax error at {position}: {problem}")
    }
}

impl fmt::Display for SyntaxProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed('{') => f.write_str("${ without }"),
            Self::Unclosed(quote) => write!(f, "{quote} without a closing {quote}"),
            Self::LoneOperator(sign) => {
                write!(f, "a single '{sign}'; did you mean '{sign}{sign}'?")
            }
            Self::BadVariable(name) => write!(f, "${{{name}}} does not name a variable"),
            Self::MissingCommand(found) => write!(f, "a command is missing before {found}"),
            Self::Expected {
                wanted,
                opener,
                opened,
                found,
            } => write!(
                f,
                "expected {wanted} for the '{opener}' at {opened}, found {found}"
            ),
            Self::MissingSeparator(found) => write!(f, "expected ';' or a new line before {found}"),
            Self::Stray { keyword, opener } => write!(f, "'{keyword}' without '{opener}'"),
            Self::BadLoopVariable => {
                f.write_str("expected a variable after 'for': letters, digits and '_'")
            }
            Self::TooDeep => write!(
                f,
                "nested too deep: at most {MAX_NESTING} commands or {MAX_FORMS} variables"
            ),
            Self::TooLong(bytes) => write!(f, "{bytes} bytes are more than {MAX_TEXT}"),
            Self::TooLarge => f.write_str("more commands than there is memory for"),
        }
    }
}

impl core::error::Error for SyntaxError {}
