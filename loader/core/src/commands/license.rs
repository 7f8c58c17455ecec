//! `license`: under which terms this program may be used.

use core::fmt::Write;

use super::{Command, CommandError, Group};
use crate::context::Context;

/// The descriptor.
pub static LICENSE: Command = Command {
    name: "license",
    aliases: &[],
    group: Group::Info,
    summary: "print license text",
    usage: "",
    example: "license",
    run,
};

/// The shorter of the two.
const MIT: &str = include_str!("../../../../LICENSE-MIT");

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    if arguments.len() != 1 {
        return Err(CommandError::usage());
    }
    // Writing to a context cannot fail.
    let _ = writeln!(
        cx,
        "Baton may be used under the MIT license, below, or the Apache License, Version 2.0\n\
         (http://www.apache.org/licenses/LICENSE-2.0), at your option.\n\n{MIT}"
    );
    Ok(())
}
