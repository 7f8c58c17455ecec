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
    let (line, wanted) = (cx.board.line, cx.board.line_wanted);
    if line.is_none() && wanted.is_none() {
        return Ok(());
    }
    let _ = match line {
        Some(line) if line.baud.is_some() => write!(cx, "Line: {line}"),
        Some(line) => write!(cx, "Line: {line}, at the rate of the first stage"),
        None => write!(cx, "Line: as the first stage set it"),
    };
    // Whoever looks for a reason why nothing is readable wants to know both.
    if let Some(wanted) = wanted.filter(|_| line.is_none_or(|line| line.baud.is_none())) {
        let _ = write!(cx, "; the tree says {wanted}");
    }
    let _ = cx.write_str("\n");
    Ok(())
}
