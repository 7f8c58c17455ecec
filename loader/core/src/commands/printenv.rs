//! `printenv`: shows variables.

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

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    match arguments.get(1..).unwrap_or_default() {
        [] | ["-a"] => all(cx),
        names => some(cx, names),
    }
}

fn all(cx: &mut Context<'_>) -> Result<(), CommandError> {
    // The console is written to while the variables are borrowed, hence a copy of them.
    let mut text = alloc::string::String::with_capacity(cx.env.size() + 64);
    for (name, value) in cx.env.iter() {
        text.extend([name, "=", value, "\n"]);
    }
    // Writing to a string or a context cannot fail.
    let _ = write!(
        text,
        "\nEnvironment size: {}/{} bytes\n",
        cx.env.size(),
        env::CAPACITY
    );
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
        Err(CommandError::Status(1))
    }
}
