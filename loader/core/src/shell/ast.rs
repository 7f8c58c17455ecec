//! The tree of a script. It prints ([`core::fmt::Display`]) as a text that parses to itself.

use alloc::{boxed::Box, string::String, vec::Vec};
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

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Assignments, a name and arguments.
    Simple(Simple),
    /// `! command`.
    Not(Box<Command>),
    /// `if ...; then ...; elif ...; then ...; else ...; fi`.
    If(Box<If>),
    /// `for name in words; do ...; done`.
    For(Box<For>),
    /// `while ...; do ...; done`, or `until`.
    While(Box<While>),
}

/// Assignments, a name and arguments, not yet expanded; one of them at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simple {
    /// Where it starts.
    pub position: Position,
    /// `name=value` before the words: they set shell variables, and those stay set.
    pub assignments: Vec<Assignment>,
    /// The words.
    pub words: Vec<Word>,
}

/// `name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The name.
    pub name: String,
    /// The value, which is not split into words.
    pub value: Word,
}

/// `if`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct If {
    /// Conditions, and what runs after the first that succeeds: `if`, then each `elif`.
    pub arms: Vec<(List, List)>,
    /// What runs if none does.
    pub otherwise: Option<List>,
}

/// `for`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct For {
    /// Where it starts.
    pub position: Position,
    /// The shell variable.
    pub name: String,
    /// What it takes on, expanded once.
    pub words: Vec<Word>,
    /// What runs for each.
    pub body: List,
}

/// `while` and `until`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct While {
    /// It is `until`: runs while the condition fails.
    pub until: bool,
    /// What is run, and decides.
    pub condition: List,
    /// What runs if so, again and again.
    pub body: List,
}

/// Adjacent parts that make one word.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word {
    /// In order; never empty in a command (`''` is one empty quoted text).
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
    /// `$name`, `${name}`, `${name:-word}`, or `$?` under the name `?`.
    Variable {
        /// The name.
        name: String,
        /// It stood in double quotes: its value is not split into words.
        quoted: bool,
        /// What to do if it is set, or is not.
        form: Option<Box<Form>>,
    },
}

/// The part of `${name:-word}` behind the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// There is a colon: an empty value counts as none.
    pub colon: bool,
    /// What to do.
    pub action: Action,
    /// The word; may be empty.
    pub word: Word,
}

/// What `${name:-word}` and its kin do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// `-`: the word stands in for a missing value.
    Default,
    /// `=`: as `-`, and the shell variable is set to it.
    Assign,
    /// `+`: the word stands in for a value that is there; nothing for a missing one.
    Alternative,
    /// `?`: the command fails without a value, and the word says why.
    Require,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 4] = [
        Self::Default,
        Self::Assign,
        Self::Alternative,
        Self::Require,
    ];

    /// Returns the character that stands for it.
    pub const fn sign(self) -> char {
        match self {
            Self::Default => '-',
            Self::Assign => '=',
            Self::Alternative => '+',
            Self::Require => '?',
        }
    }
}

impl Word {
    /// Returns the text of a word that is nothing but one text without quotes.
    pub fn plain(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [
                Part::Text {
                    text,
                    quoted: false,
                },
            ] => Some(text),
            _ => None,
        }
    }
}
