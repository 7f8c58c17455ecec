//! `env grep`, `grepenv`: looks for variables.

use alloc::string::String;
use core::fmt::Write;

use super::options;
use crate::{
    commands::{Command, CommandError, Group, printenv},
    context::Context,
};

/// `grepenv`.
pub static GREPENV: Command = Command {
    name: "grepenv",
    aliases: &[],
    group: Group::Environment,
    summary: "search environment variables",
    usage: "[-n | -v | -b] string ...\n    \
            - list environment name=value pairs matching 'string'\n      \
            \"-n\": search variable names; \"-v\": search values;\n      \
            \"-b\": search both names and values (default)",
    example: "grepenv boot",
    run,
};

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (letters, patterns) = options(arguments.get(1..).unwrap_or_default(), "nvb")?;
    if arguments.len() < 2 {
        return Err(CommandError::Usage);
    }
    // The last letter counts.
    let (names, values) = match letters.chars().next_back() {
        Some('n') => (true, false),
        Some('v') => (false, true),
        _ => (true, true),
    };
    let mut text = String::new();
    for (name, value) in cx.env.iter() {
        let found = patterns
            .iter()
            .any(|pattern| (names && holds(name, pattern)) || (values && holds(value, pattern)));
        if found {
            printenv::push_line(&mut text, name, value);
        }
    }
    if text.is_empty() {
        return Err(CommandError::Status(1));
    }
    let _ = cx.write_str(&text);
    Ok(())
}

/// Tells whether `text` contains `part`. `str::contains` would take 3 KiB of the image.
fn holds(text: &str, part: &str) -> bool {
    let mut starts = 0..=text.len();
    starts.any(|at| text.get(at..).is_some_and(|rest| rest.starts_with(part)))
}
