//! `setenv`: sets and deletes variables.

use core::fmt::Write;

use super::{Command, CommandError, Group};
use crate::{
    context::Context,
    env::{self, flags},
};

/// `setenv`.
pub static SETENV: Command = Command {
    name: "setenv",
    aliases: &[],
    group: Group::Environment,
    summary: "set environment variables",
    usage: "[-f] name value ...\n    - [forcibly] set environment variable 'name' to 'value ...'\n[-f] name\n    - [forcibly] delete environment variable 'name'",
    example: "setenv bootfile zImage",
    run,
};

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let mut words = arguments.get(1..).unwrap_or_default();
    let mut force = false;
    while let [first, rest @ ..] = words
        && first.starts_with('-')
    {
        if !first.chars().skip(1).all(|letter| letter == 'f') {
            return Err(CommandError::usage());
        }
        force = true;
        words = rest;
    }
    match words {
        [] => Err(CommandError::usage()),
        [name] => {
            env::validate_name(name)?;
            cx.env.try_remove(name, force)?;
            Ok(())
        }
        [name, values @ ..] => {
            let value = values.join(" ");
            cx.env.assign(name, &value, force)?;
            if *name == flags::VARIABLE {
                for unknown in flags::unknown_letters(&value) {
                    let _ = writeln!(cx, "{unknown}");
                }
            }
            Ok(())
        }
    }
}
