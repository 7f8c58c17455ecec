//! `printenv`: shows variables.

use alloc::string::String;
use core::fmt::Write;

use super::{Command, CommandError, Group};
use crate::{context::Context, env};

/// `printenv`.
pub static PRINTENV: Command = Command {
    name: "printenv",
    aliases: &[],
    group: Group::Environment,
    summary: "print environment variables",
    usage: "[-a]\n    - print [all] values of all environment variables\nname ...\n    - print value of environment variable 'name'",
    example: "printenv bootcmd",
    run,
};

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    match arguments.get(1..).unwrap_or_default() {
        [] => all(cx, false),
        ["-a"] => all(cx, true),
        ["-a", names @ ..] | names => some(cx, names),
    }
}

/// Appends `name=value`, with what would not read as one line hidden behind backslashes.
pub(super) fn push_line(text: &mut String, name: &str, value: &str) {
    text.extend([name, "="]);
    for character in value.chars() {
        if matches!(character, '\\' | '\n') {
            text.push('\\');
        }
        text.push(character);
    }
    text.push('\n');
}

/// Shows all variables; those whose names start with a dot only if `dots`.
fn all(cx: &mut Context<'_>, dots: bool) -> Result<(), CommandError> {
    // The console is written to while the variables are borrowed, hence a copy of them.
    let mut text = String::with_capacity(cx.env.size() + 64);
    for (name, value) in cx.env.iter() {
        if dots || !name.starts_with('.') {
            push_line(&mut text, name, value);
        }
    }
    // Writing to a string or a context cannot fail.
    let size = text.len() + 1;
    let _ = write!(text, "\nEnvironment size: {size}/{} bytes\n", env::CAPACITY);
    let _ = cx.write_str(&text);
    Ok(())
}

fn some(cx: &mut Context<'_>, names: &[&str]) -> Result<(), CommandError> {
    let mut defined = true;
    for name in names {
        let text = match cx.env.get(name) {
            Some(value) => [name, "=", value, "\n"].concat(),
            None => {
                defined = false;
                ["## Error: \"", name, "\" not defined\n"].concat()
            }
        };
        let _ = cx.write_str(&text);
    }
    if defined {
        Ok(())
    } else {
        Err(CommandError::status(1))
    }
}
