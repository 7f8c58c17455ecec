//! `setenv`: sets and deletes variables.

use super::{Command, CommandError, Group};
use crate::{context::Context, env};

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

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    // No variable is read-only, so there is nothing to force.
    let words = match arguments {
        [_, "-f", words @ ..] | [_, words @ ..] => words,
        [] => &[],
    };
    match words {
        [] => Err(CommandError::Usage),
        [name] => {
            env::validate_name(name)?;
            cx.env.remove(name);
            Ok(())
        }
        [name, values @ ..] => Ok(cx.env.try_set(name, &values.join(" "))?),
    }
}
