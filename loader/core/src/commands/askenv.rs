//! `askenv`: asks for a variable's value.

use alloc::format;

use super::{Command, CommandError, Group, editenv::store};
use crate::{console::read_line, context::Context, env};

/// The most bytes kept if nothing is said, as U-Boot's.
const DEFAULT_SIZE: usize = 1023;

/// `askenv`.
pub static ASKENV: Command = Command {
    name: "askenv",
    aliases: &[],
    group: Group::Environment,
    summary: "get environment variables from stdin",
    usage: "name [message] [size]\n    - display 'message' and get environment variable 'name' from stdin (max 'size' chars)",
    example: "askenv serverip Which server? 15",
    run,
};

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [_, name, words @ ..] = arguments else {
        return Err(CommandError::usage());
    };
    env::validate_name(name)?;
    // A number at the end is the size, in decimal.
    let (message, size) = match words {
        [message @ .., last] => match last.parse() {
            Ok(size) => (message, size),
            Err(_) => (words, DEFAULT_SIZE),
        },
        [] => (words, DEFAULT_SIZE),
    };
    let prompt = match message {
        [] => format!("Please enter '{name}': "),
        words => format!("{} ", words.join(" ")),
    };
    if size == 0 {
        return Err(CommandError::usage());
    }
    let mut line = read_line(cx, &prompt, "")?;
    while line.len() > size {
        line.pop();
    }
    store(cx, name, &line)
}
