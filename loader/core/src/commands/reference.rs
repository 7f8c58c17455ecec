//! The command reference, docs/commands.md, made from the descriptors.
//!
//! A test compares it with the committed file; `UPDATE_DOCS=1 cargo test -p baton-core --test
//! reference` writes that file anew. Nothing calls this on the target, so it costs no byte there.

use alloc::string::String;
use core::fmt::Write;

use super::{COMMANDS, Command, Group};

/// The chapters, in order.
const GROUPS: &[(Group, &str)] = &[
    (Group::Boot, "Booting"),
    (Group::Environment, "Variables and the shell"),
    (Group::Info, "Information"),
    (Group::Memory, "Memory"),
    (Group::Storage, "Files and devices"),
    (Group::Tree, "The device tree"),
    (Group::Misc, "Everything else"),
];

const INTRODUCTION: &str = "\
# Commands

<!-- Generated from the descriptors in loader/core/src/commands; to write it anew:
     UPDATE_DOCS=1 cargo test -p baton-core --test reference -->

Numbers are hexadecimal, with or without `0x`, where nothing else is said. A command can be shortened to what begins no
other command's name. Ctrl-C stops any command, and the rest of its line. The language around them, `if`, `for`, `${name}`,
`$?` and the rest, is in [shell.md](shell.md).
";

/// Renders the reference as Markdown.
pub fn render() -> String {
    let mut page = String::from(INTRODUCTION);
    for (group, title) in GROUPS {
        let mut commands = COMMANDS
            .iter()
            .filter(|command| command.group == *group)
            .peekable();
        if commands.peek().is_some() {
            page.extend(["\n## ", title, "\n"]);
        }
        for command in commands {
            // Writing to a string cannot fail.
            let _ = describe(&mut page, command);
        }
    }
    page
}

fn describe(page: &mut String, command: &Command) -> core::fmt::Result {
    let name = command.name;
    write!(page, "\n### {name}\n\n{}", command.summary)?;
    for alias in command.aliases {
        write!(page, "; also `{alias}`")?;
    }
    write!(page, "\n\n```text\n")?;
    if command.usage.is_empty() {
        writeln!(page, "{name}")?;
    }
    for form in command.usage.lines() {
        match form {
            "" => writeln!(page, "{name}")?,
            form if form.starts_with([' ', '\t']) => writeln!(page, "{form}")?,
            form => writeln!(page, "{name} {form}")?,
        }
    }
    write!(page, "```\n\nExample: `{}`\n", command.example)
}
