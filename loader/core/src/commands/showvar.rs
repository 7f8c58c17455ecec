//! `showvar`: shows shell variables.

use core::fmt::Write;

use super::{Command, CommandError, Group};
use crate::context::Context;

/// `showvar`.
pub static SHOWVAR: Command = Command {
    name: "showvar",
    aliases: &[],
    group: Group::Environment,
    summary: "print local hushshell variables",
    usage: "\n    - print values of all hushshell variables\nname ...\n    - print value of hushshell variable 'name'",
    example: "showvar",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let names = arguments.get(1..).unwrap_or_default();
    if names.is_empty() {
        let all = cx.shell.locals.iter();
        let text: alloc::string::String = all
            .flat_map(|(name, value)| [name, "=", value, "\n"])
            .collect();
        // Writing to a context cannot fail.
        let _ = cx.write_str(&text);
        return Ok(());
    }
    let mut defined = true;
    for name in names {
        let text = match cx.shell.locals.get(name) {
            Some(value) => [name, "=", value, "\n"].concat(),
            None => {
                defined = false;
                ["## Error: \"", name, "\" not defined\n"].concat()
            }
        };
        let _ = cx.write_str(&text);
    }
    match defined {
        true => Ok(()),
        false => Err(CommandError::status(1)),
    }
}
