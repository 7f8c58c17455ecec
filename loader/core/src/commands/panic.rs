//! `panic`: gives up, as U-Boot does: a message and a reset.

use core::fmt::Write;

use super::{Command, CommandError, Group};
use crate::context::Context;

/// The descriptor.
pub static PANIC: Command = Command {
    name: "panic",
    aliases: &[],
    group: Group::Misc,
    summary: "Panic with optional message",
    usage: "[message]\n    - print 'message' and reset",
    example: "panic 'no kernel'",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let message = match *arguments {
        [_] => "",
        [_, message] => message,
        _ => return Err(CommandError::usage()),
    };
    // Writing to a context cannot fail.
    let _ = writeln!(cx, "{message}\nresetting ...");
    cx.machine.console.flush();
    Err(cx.machine.power.reset().into())
}
