//! `reset`: starts the machine afresh.

use core::fmt::Write;

use super::{Command, CommandError, Group};
use crate::context::Context;

/// `reset`.
pub static RESET: Command = Command {
    name: "reset",
    aliases: &[],
    group: Group::Misc,
    summary: "Perform RESET of the CPU",
    usage: "",
    example: "reset",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    if arguments.len() > 1 {
        return Err(CommandError::Usage);
    }
    // Writing to a context cannot fail.
    let _ = cx.write_str("resetting ...\n");
    cx.machine.console.flush();
    Err(cx.machine.power.reset().into())
}
