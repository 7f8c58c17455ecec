//! `base`: what is added to the addresses of the memory commands.

use core::fmt::Write;

use super::{Command, CommandError, Group, parse_hex};
use crate::context::Context;

/// The descriptor.
pub static BASE: Command = Command {
    name: "base",
    aliases: &[],
    group: Group::Memory,
    summary: "print or set address offset",
    usage: "\n    - print address offset for memory commands\noff\n    - set address offset for memory commands to 'off'",
    example: "base 40000000; md.l 200000 1; base 0",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    match *arguments {
        [_] => {}
        [_, base] => cx.remembered.base = parse_hex(base)?,
        _ => return Err(CommandError::usage()),
    }
    let base = cx.remembered.base;
    // Writing to a context cannot fail.
    let _ = writeln!(cx, "Base Address: 0x{base:08x}");
    Ok(())
}
