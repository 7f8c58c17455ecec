//! Colours, for a terminal that is said to have them: variable `term`.
//!
//! Without the variable not one escape sequence is sent: what reads this console may be a program.

use crate::env::Environment;

/// Beginnings of names of terminals that have colours; so does each that says so (`vt100-color`).
const WITH_COLOUR: &[&str] = &["ansi", "linux", "xterm", "screen", "tmux", "rxvt"];

/// Switches everything off again.
const OFF: &str = "\x1b[0m";

/// Tells whether the variable `term` names a terminal with colours.
pub fn coloured(env: &Environment) -> bool {
    env.get("term").is_some_and(|term| {
        term.contains("color") || WITH_COLOUR.iter().any(|name| term.starts_with(name))
    })
}

/// Returns what stands before and behind a prompt: bold green.
pub fn prompt(coloured: bool) -> (&'static str, &'static str) {
    if coloured {
        ("\x1b[1;32m", OFF)
    } else {
        ("", "")
    }
}

/// Returns what stands before and behind an error: red.
pub fn error(coloured: bool) -> (&'static str, &'static str) {
    if coloured {
        ("\x1b[31m", OFF)
    } else {
        ("", "")
    }
}
