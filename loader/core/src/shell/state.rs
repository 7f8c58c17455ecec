//! What the shell remembers between commands.

use alloc::{string::String, vec::Vec};
use core::fmt;

use super::syntax::MAX_TREE;
use crate::env::Environment;

/// Bytes that all shell variables may take, names and values.
pub const MAX_LOCALS: usize = 0x1_0000;

/// How deep commands may nest while they run, in levels: a block (`if`, `for`...) is one, a
/// text that `run` or `source` runs is [`TEXT_LEVELS`]. What it bounds is the stack.
pub const MAX_LEVELS: u8 = 96;

/// Levels that a text takes.
pub const TEXT_LEVELS: u8 = 4;

/// The shell's part of a session.
#[derive(Debug, Default)]
pub struct State {
    /// Shell variables: set by `name=value`, seen by `$name` and `showvar`, not saved, not run.
    pub locals: Locals,
    pub(super) level: u8,
    /// Bytes that the trees being run take, about.
    pub(super) tree: usize,
    /// The texts being run, the innermost last.
    pub(super) texts: Vec<Place>,
}

/// How deep in scripts and blocks a command stands. A command that faults leaves without
/// putting this back, so whoever runs one notes it before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    level: u8,
    tree: usize,
    texts: usize,
}

/// A text that is run, and how far it is.
#[derive(Debug)]
pub(super) struct Place {
    /// The script's name; none for what was typed, or stands in a variable.
    pub script: String,
    /// The line, counted from 1.
    pub line: u32,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}", self.script, self.line)
    }
}

impl State {
    /// Goes back to the prompt: nothing is being run.
    pub fn reset(&mut self) {
        self.level = 0;
        self.tree = 0;
        self.texts.clear();
    }

    /// Tells whether nothing is being run.
    pub fn is_idle(&self) -> bool {
        self.level == 0 && self.tree == 0 && self.texts.is_empty()
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            level: self.level,
            tree: self.tree,
            texts: self.texts.len(),
        }
    }

    pub(super) fn return_to(&mut self, mark: Mark) {
        self.level = mark.level;
        self.tree = mark.tree;
        self.texts.truncate(mark.texts);
    }

    /// Goes down by `levels`; says if that is too deep. [`State::return_to`] comes back.
    pub(super) fn enter(&mut self, levels: u8) -> bool {
        match self.level.checked_add(levels) {
            Some(level) if level <= MAX_LEVELS => {
                self.level = level;
                true
            }
            _ => false,
        }
    }

    /// Returns how many bytes another tree may take.
    pub(super) fn tree_budget(&self) -> usize {
        MAX_TREE.saturating_sub(self.tree)
    }
}

/// Shell variables, in the order they were first set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Locals {
    variables: Vec<(String, String)>,
}

impl Locals {
    /// Returns a variable's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| value)
    }

    /// Iterates over names and values, in the order they were first set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Sets a variable; says no, and changes nothing, if all would take more than
    /// [`MAX_LOCALS`] bytes.
    #[must_use]
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        let others = self.iter().filter(|(other, _)| *other != name);
        let size = others.fold(name.len() + value.len() + 2, |size, (name, value)| {
            size + name.len() + value.len() + 2
        });
        if size > MAX_LOCALS {
            return false;
        }
        match self.variables.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => {
                old.clear();
                old.push_str(value);
            }
            None => self.variables.push((name.into(), value.into())),
        }
        true
    }
}

/// Where the words of a command find values.
#[derive(Debug)]
pub struct Scope<'a> {
    /// Looked at first, as U-Boot does.
    pub env: &'a Environment,
    /// Looked at second; `${name:=word}` sets here.
    pub locals: &'a mut Locals,
    /// `$?`.
    pub status: u8,
}

impl Scope<'_> {
    /// Returns the value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.env.get(name).or_else(|| self.locals.get(name))
    }
}
