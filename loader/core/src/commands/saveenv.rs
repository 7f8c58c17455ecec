//! `saveenv`: keeps the variables on the card.

use core::fmt::Write;

use super::{Command, CommandError, Group};
use crate::{context::Context, env};

/// `saveenv`.
pub static SAVEENV: Command = Command {
    name: "saveenv",
    aliases: &[],
    group: Group::Environment,
    summary: "save environment variables to persistent storage",
    usage: "",
    example: "saveenv",
    run,
};

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    if arguments.len() > 1 {
        return Err(CommandError::usage());
    }
    let _ = cx.write_str("Saving Environment to FAT... ");
    let saved = env::save(cx);
    let _ = cx.write_str(match saved {
        Ok(()) => "OK\n",
        Err(_) => "Failed (1)\n",
    });
    saved
}

/// `env load`.
pub(super) fn load(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    if arguments.len() > 1 {
        return Err(CommandError::usage());
    }
    let _ = cx.write_str("Loading Environment from FAT... ");
    if env::load(cx) {
        let _ = cx.write_str("OK\n");
        Ok(())
    } else {
        Err(CommandError::status(1))
    }
}
