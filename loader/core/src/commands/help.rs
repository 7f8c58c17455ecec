//! `help`: shows what commands there are, and how they are used.

use core::fmt::Write;

use super::{COMMANDS, Command, CommandError, Group, find, names_with_prefix, print_usage};
use crate::context::Context;

/// `help`.
pub static HELP: Command = Command {
    name: "help",
    aliases: &["?"],
    group: Group::Info,
    summary: "print command description/usage",
    usage: "\n    - print brief description of all commands\ncommand ...\n    - print detailed usage of 'command'",
    example: "help md",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let names = arguments.get(1..).unwrap_or_default();
    if names.is_empty() {
        list(cx);
        return Ok(());
    }
    for name in names {
        match find(name) {
            Some(command) => {
                if command.name != *name && command.aliases.contains(name) {
                    let _ = writeln!(cx, "{name} - alias for '{}'", command.name);
                }
                print_usage(cx, command);
            }
            None => {
                // Writing to a context cannot fail.
                let _ = writeln!(
                    cx,
                    "Unknown command '{name}' - try 'help' without arguments for list of all known commands\n"
                );
            }
        }
    }
    // As in U-Boot, which says 1 also where it knows the command.
    Err(CommandError::status(1))
}

/// Lists every name, aliases among them, in U-Boot's shape.
fn list(cx: &mut Context<'_>) {
    for name in names_with_prefix("") {
        let _ = match COMMANDS.iter().find(|command| command.name == name) {
            Some(command) => writeln!(cx, "{name:<10}- {}", command.summary),
            None => match find(name) {
                Some(command) => writeln!(cx, "{name:<10}- alias for '{}'", command.name),
                None => Ok(()),
            },
        };
    }
}
