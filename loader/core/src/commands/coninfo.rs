//! `coninfo`: which consoles there are.

use core::fmt::Write;

use super::{Command, CommandError, Group};
use crate::context::Context;

/// The descriptor.
pub static CONINFO: Command = Command {
    name: "coninfo",
    aliases: &[],
    group: Group::Info,
    summary: "print console devices and information",
    usage: "",
    example: "coninfo",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    if arguments.len() != 1 {
        return Err(CommandError::usage());
    }
    let path = core::mem::take(&mut cx.board.console);
    let name = path.rsplit('/').next().unwrap_or_default();
    // The flags are U-Boot's: input, output, a device of its own. Writing cannot fail.
    let _ = writeln!(
        cx,
        "List of available devices:\n{name:<8} {:08x} IO stdin stdout stderr ",
        7
    );
    cx.board.console = path;
    Ok(())
}
