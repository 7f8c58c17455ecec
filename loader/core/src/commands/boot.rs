//! `boot` and `bootd`: run `bootcmd`.

use super::{Command, CommandError, Group, run::run_variable};
use crate::context::Context;

/// `boot`.
pub static BOOT: Command = Command {
    name: "boot",
    aliases: &[],
    group: Group::Boot,
    summary: "boot default, i.e., run 'bootcmd'",
    usage: "",
    example: "boot",
    run,
};

/// `bootd`, U-Boot's other name for it.
pub static BOOTD: Command = Command {
    name: "bootd",
    aliases: &[],
    group: Group::Boot,
    summary: "boot default, i.e., run 'bootcmd'",
    usage: "",
    example: "bootd",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    if arguments.len() > 1 {
        return Err(CommandError::usage());
    }
    run_variable(cx, "bootcmd")
}
