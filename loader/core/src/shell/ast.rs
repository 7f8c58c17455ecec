//! The tree of a script.

use alloc::{string::String, vec::Vec};
use core::fmt;

/// A place in a script, both counted from 1; columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Commands that run one after the other: separated by `;` or newlines.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// In order.
    pub chains: Vec<Chain>,
}

/// Commands joined by `&&` and `||`, which bind equally and to the left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The first command.
    pub first: Command,
    /// The others, each with what joins it to those before.
    pub rest: Vec<(Connector, Command)>,
}

/// What decides whether the next command of a chain runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connector {
    /// `&&`: only after status 0.
    And,
    /// `||`: only after another status.
    Or,
}

/// One command. The compound ones (`if`, `for`, `while`) will be variants beside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A name and arguments.
    Simple(Simple),
}

/// A name and arguments, not yet expanded; at least one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simple {
    /// Where it starts.
    pub position: Position,
    /// The words.
    pub words: Vec<Word>,
}

/// Adjacent parts that make one word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// In order; never empty in a parsed tree (`''` is one empty quoted text).
    pub parts: Vec<Part>,
}

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Characters that stand for themselves.
    Text {
        /// The characters, quotes and backslashes removed.
        text: String,
        /// They stood in quotes, or behind a backslash: not a keyword, and a word even if empty.
        quoted: bool,
    },
    /// `$name`, `${name}`, or `$?` under the name `?`.
    Variable {
        /// The name.
        name: String,
        /// It stood in double quotes: its value is not split into words.
        quoted: bool,
    },
}
