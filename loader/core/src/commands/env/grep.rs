//! `env grep`, `grepenv`: looks for variables.

use alloc::{format, string::String, vec::Vec};
use core::fmt::Write;

use super::options;
use crate::{
    commands::{Command, CommandError, Group, printenv},
    context::Context,
    shell::regex::Regex,
};

/// `grepenv`.
pub static GREPENV: Command = Command {
    name: "grepenv",
    aliases: &[],
    group: Group::Environment,
    summary: "search environment variables",
    usage: "[-e] [-n | -v | -b] string ...\n    \
            - list environment name=value pairs matching 'string'\n      \
            \"-e\": enable regular expressions;\n      \
            \"-n\": search variable names; \"-v\": search values;\n      \
            \"-b\": search both names and values (default)",
    example: "grepenv boot",
    run,
};

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (letters, patterns) = options(arguments.get(1..).unwrap_or_default(), "envb")?;
    if arguments.len() < 2 {
        return Err(CommandError::usage());
    }
    // The last of the others counts.
    let (names, values) = match letters.chars().rfind(|&letter| letter != 'e') {
        Some('n') => (true, false),
        Some('v') => (false, true),
        _ => (true, true),
    };
    let patterns = patterns
        .iter()
        .map(|pattern| Pattern::new(pattern, letters.contains('e')))
        .collect::<Result<Vec<_>, _>>()?;
    let mut text = String::new();
    for (name, value) in cx.env.iter() {
        let found = patterns
            .iter()
            .any(|pattern| (names && pattern.is_in(name)) || (values && pattern.is_in(value)));
        if found {
            printenv::push_line(&mut text, name, value);
        }
    }
    if text.is_empty() {
        return Err(CommandError::status(1));
    }
    let _ = cx.write_str(&text);
    Ok(())
}

/// What is looked for.
enum Pattern<'a> {
    Text(&'a str),
    Expression(Regex),
}

impl<'a> Pattern<'a> {
    fn new(pattern: &'a str, is_expression: bool) -> Result<Self, CommandError> {
        if !is_expression {
            return Ok(Self::Text(pattern));
        }
        Regex::new(pattern)
            .map(Self::Expression)
            .map_err(|error| CommandError::message(format!("\"{pattern}\": {error}")))
    }

    fn is_in(&self, text: &str) -> bool {
        match self {
            Self::Text(part) => holds(text, part),
            Self::Expression(expression) => expression.find(text, 0).is_some(),
        }
    }
}

/// Tells whether `text` contains `part`. `str::contains` would take 3 KiB of the image.
fn holds(text: &str, part: &str) -> bool {
    let mut starts = 0..=text.len();
    starts.any(|at| text.get(at..).is_some_and(|rest| rest.starts_with(part)))
}
