//! What Tab can add: commands, their subcommands, variables, disks, files, paths of the tree.
//!
//! Nobody writes tables for it: what a command takes where is read from its usage, which
//! `help` shows.

mod sources;
mod usage;
mod words;

#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use self::{sources::Sources, words::Words};
use super::editor::Candidate;
use crate::{commands, context::Context};

/// The most candidates looked at.
const MAX_CANDIDATES: usize = 1000;

/// Returns the ways to go on with a line that reads `head` up to the cursor, sorted.
pub fn complete(cx: &mut Context<'_>, head: &str) -> Vec<Candidate> {
    let words = Words::split(head);
    let mut sources = Sources::new(&words);
    if let Some((name, braced)) = words.variable() {
        sources.variables(cx, name, braced);
        return sources.take();
    }
    let Some((name, arguments)) = words.before.split_first() else {
        sources.commands();
        return sources.take();
    };
    if let Some(command) = commands::find(name) {
        usage::expected(command, arguments, |kind| sources.add(cx, kind, arguments));
    }
    sources.take()
}
