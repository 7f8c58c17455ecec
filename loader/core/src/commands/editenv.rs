//! `editenv`: edits a variable's value.

use super::{Command, CommandError, Group};
use crate::{console::read_line, context::Context, env};

/// `editenv`.
pub static EDITENV: Command = Command {
    name: "editenv",
    aliases: &[],
    group: Group::Environment,
    summary: "edit environment variable",
    usage: "name\n    - edit environment variable 'name'; an empty line deletes it",
    example: "editenv bootcmd",
    run,
};

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    match arguments {
        [_, name] => edit(cx, name),
        _ => Err(CommandError::usage()),
    }
}

/// Shows a variable's value to be edited, and sets what comes of it.
///
/// # Errors
/// Ctrl-C, with nothing changed; or the variable cannot be set.
pub(super) fn edit(cx: &mut Context<'_>, name: &str) -> Result<(), CommandError> {
    env::validate_name(name)?;
    let value = cx.env.get(name).map(alloc::string::String::from);
    let line = read_line(cx, "edit: ", value.as_deref().unwrap_or_default())?;
    store(cx, name, &line)
}

/// Sets a variable to what was typed, or deletes it if that was nothing.
pub(super) fn store(cx: &mut Context<'_>, name: &str, line: &str) -> Result<(), CommandError> {
    if line.is_empty() {
        cx.env.try_remove(name, false)?;
        return Ok(());
    }
    Ok(cx.env.assign(name, line, false)?)
}
