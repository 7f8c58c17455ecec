//! `version`: tells what this is.

use core::fmt::Write;

use super::{Command, CommandError, Group};
use crate::context::Context;

/// `version`.
pub static VERSION: Command = Command {
    name: "version",
    aliases: &[],
    group: Group::Info,
    summary: "print version and compiler",
    usage: "",
    example: "version",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    if arguments.len() != 1 {
        return Err(CommandError::usage());
    }
    let build = cx.build;
    // Writing to a context cannot fail.
    let _ = writeln!(cx, "{build}");
    Ok(())
}
