//! The tree of a script. It borrows from the text wherever that has the words as they are, and
//! prints ([`core::fmt::Display`]) as a text that parses to itself.

use alloc::{borrow::Cow, boxed::Box, vec::Vec};
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
pub struct List<'a> {
    /// In order.
    pub chains: Vec<Chain<'a>>,
}

/// Commands joined by `&&` and `||`, which bind equally and to the left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain<'a> {
    /// The first command.
    pub first: Command<'a>,
    /// The others, each with what joins it to those before.
    pub rest: Vec<(Connector, Command<'a>)>,
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
pub enum Command<'a> {
    /// Assignments, a name and arguments.
    Simple(Simple<'a>),
    /// `! command`.
    Not(Box<Command<'a>>),
    /// `if ...; then ...; elif ...; then ...; else ...; fi`.
    If(Box<If<'a>>),
    /// `for name in words; do ...; done`.
    For(Box<For<'a>>),
    /// `while ...; do ...; done`, or `until`.
    While(Box<While<'a>>),
}

/// Assignments, a name and arguments, not yet expanded; one of them at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Simple<'a> {
    /// The line it starts in, counted from 1.
    pub line: u32,
    /// `name=value` before the words: they set shell variables, and those stay set.
    pub assignments: Vec<Assignment<'a>>,
    /// The words.
    pub words: Vec<Word<'a>>,
}

/// `name=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment<'a> {
    /// The name.
    pub name: Cow<'a, str>,
    /// The value, which is not split into words.
    pub value: Word<'a>,
}

/// `if`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct If<'a> {
    /// Conditions, and what runs after the first that succeeds: `if`, then each `elif`.
    pub arms: Vec<(List<'a>, List<'a>)>,
    /// What runs if none does.
    pub otherwise: Option<List<'a>>,
}

/// `for`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct For<'a> {
    /// The line it starts in, counted from 1.
    pub line: u32,
    /// The shell variable.
    pub name: Cow<'a, str>,
    /// What it takes on, expanded once.
    pub words: Vec<Word<'a>>,
    /// What runs for each.
    pub body: List<'a>,
}

/// `while` and `until`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct While<'a> {
    /// It is `until`: runs while the condition fails.
    pub until: bool,
    /// What is run, and decides.
    pub condition: List<'a>,
    /// What runs if so, again and again.
    pub body: List<'a>,
}

/// Adjacent parts that make one word. The first stands apart because most have no other, and
/// take nothing of the heap so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Word<'a> {
    /// The first; always there in a command (`''` is one empty quoted text).
    pub first: Option<Part<'a>>,
    /// The others, in order.
    pub rest: Vec<Part<'a>>,
}

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Characters that stand for themselves.
    Text {
        /// The characters, quotes and backslashes removed.
        text: Cow<'a, str>,
        /// They stood in quotes, or behind a backslash: not a keyword, and a word even if empty.
        quoted: bool,
    },
    /// `$name`, `${name}`, `${name:-word}`, or `$?` under the name `?`.
    Variable {
        /// The name.
        name: Cow<'a, str>,
        /// It stood in double quotes: its value is not split into words.
        quoted: bool,
        /// What to do if it is set, or is not.
        form: Option<Box<Form<'a>>>,
    },
}

/// The part of `${name:-word}` behind the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form<'a> {
    /// There is a colon: an empty value counts as none.
    pub colon: bool,
    /// What to do.
    pub action: Action,
    /// The word; may be empty.
    pub word: Word<'a>,
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

impl<'a> Word<'a> {
    /// Iterates over the parts.
    pub fn parts(&self) -> impl Iterator<Item = &Part<'a>> {
        self.first.iter().chain(&self.rest)
    }

    /// Returns the text of a word that is nothing but one text without quotes.
    pub fn plain(&self) -> Option<&str> {
        match (&self.first, self.rest.as_slice()) {
            (
                Some(Part::Text {
                    text,
                    quoted: false,
                }),
                [],
            ) => Some(text),
            _ => None,
        }
    }
}
