//! `echo`: shows its arguments.

use core::fmt::Write;

use super::{Command, CommandError, Group};
use crate::context::Context;

/// `echo`.
pub static ECHO: Command = Command {
    name: "echo",
    aliases: &[],
    group: Group::Environment,
    summary: "echo args to console",
    usage: "[-n] [args..]\n    - echo args to console; -n suppresses newline",
    example: "echo booting ${bootfile}",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let mut text = match arguments {
        [_, "-n", words @ ..] => return write(cx, &words.join(" ")),
        [_, words @ ..] => words.join(" "),
        [] => return Err(CommandError::usage()),
    };
    text.push('\n');
    write(cx, &text)
}

fn write(cx: &mut Context<'_>, text: &str) -> Result<(), CommandError> {
    // Writing to a context cannot fail.
    let _ = cx.write_str(text);
    Ok(())
}
