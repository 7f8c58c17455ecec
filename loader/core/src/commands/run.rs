//! `run`: runs the commands in variables.

use alloc::{format, string::String};

use super::{Command, CommandError, Group};
use crate::{
    context::Context,
    shell::{Outcome, execute},
};

/// `run`.
pub static RUN: Command = Command {
    name: "run",
    aliases: &[],
    group: Group::Environment,
    summary: "run commands in an environment variable",
    usage: "var [...]\n    - run the commands in the environment variable(s) 'var'",
    example: "run bootcmd",
    run,
};

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let names = arguments.get(1..).unwrap_or_default();
    if names.is_empty() {
        return Err(CommandError::usage());
    }
    names.iter().try_for_each(|name| run_variable(cx, name))
}

/// Runs one variable's commands; fails as their last one does.
///
/// # Errors
/// The variable is not set, the last status is not 0, or Ctrl-C.
pub(super) fn run_variable(cx: &mut Context<'_>, name: &str) -> Result<(), CommandError> {
    let text = cx
        .env
        .get(name)
        .map(String::from)
        .ok_or_else(|| CommandError::message(format!("## Error: \"{name}\" not defined")))?;
    match (execute(cx, &text), cx.status) {
        (Outcome::Interrupted, _) => Err(CommandError::interrupted()),
        (Outcome::Finished | Outcome::Exited, 0) => Ok(()),
        (Outcome::Finished | Outcome::Exited, status) => Err(CommandError::status(status)),
    }
}
