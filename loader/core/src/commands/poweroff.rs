//! `poweroff`: turns the machine off.

use core::fmt::Write;

use super::{Command, CommandError, Group};
use crate::context::Context;

/// `poweroff`.
pub static POWEROFF: Command = Command {
    name: "poweroff",
    aliases: &[],
    group: Group::Misc,
    summary: "Perform POWEROFF of the device",
    usage: "",
    example: "poweroff",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    if arguments.len() > 1 {
        return Err(CommandError::usage());
    }
    // Writing to a context cannot fail.
    let _ = cx.write_str("poweroff ...\n");
    cx.machine.console.flush();
    Err(cx.machine.power.power_off().into())
}
