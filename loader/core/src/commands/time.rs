//! `time`: runs a command, and says how long it took.

use core::fmt::Write;

use super::{Command, CommandError, Failure, Group, find};
use crate::context::Context;

/// `time`.
pub static TIME: Command = Command {
    name: "time",
    aliases: &[],
    group: Group::Misc,
    summary: "run commands and summarize execution time",
    usage: "command [args...]",
    example: "time sleep 0.1",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (name, words) = match arguments {
        [_, words @ ..] => (words.first(), words),
        [] => (None, arguments),
    };
    let name = name.ok_or_else(CommandError::usage)?;
    let Some(command) = find(name) else {
        let text = alloc::format!("Unknown command '{name}' - try 'help'");
        return Err(CommandError::message(text));
    };
    let start = cx.machine.clock.microseconds();
    let mut result = (command.run)(cx, words);
    let taken = cx.machine.clock.microseconds().wrapping_sub(start);
    if let Err(error) = &result
        && matches!(error.failure(), Failure::Usage)
    {
        // The usage of the command, not of this one.
        super::print_usage(cx, command);
        result = Err(CommandError::status(1));
    }
    report(cx, taken.saturating_add(500) / 1000);
    result
}

/// Says it as U-Boot does.
fn report(cx: &mut Context<'_>, milliseconds: u64) {
    let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
    // Writing to a context cannot fail.
    let _ = cx.write_str("\ntime:");
    if seconds >= 60 {
        let _ = write!(cx, " {} minutes,", seconds / 60);
    }
    let _ = writeln!(cx, " {}.{rest:03} seconds", seconds % 60);
}
