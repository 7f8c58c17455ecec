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
    usage: "\n    - cold boot without level specifier\n-w\n    - warm reset if implemented",
    example: "reset",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let warm = match *arguments {
        [_] => false,
        [_, "-w"] => true,
        _ => return Err(CommandError::usage()),
    };
    // Writing to a context cannot fail.
    let _ = cx.write_str("resetting ...\n");
    cx.machine.console.flush();
    let power = &mut cx.machine.power;
    let error = if warm {
        power.warm_reset()
    } else {
        power.reset()
    };
    Err(error.into())
}
