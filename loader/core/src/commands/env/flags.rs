//! `env flags`: which flags there are, and who has some.

use alloc::string::String;
use core::fmt::Write;

use crate::{
    commands::CommandError,
    context::Context,
    env::flags::{self, ACCESSES, Flags, TYPES},
};

pub(super) fn run(cx: &mut Context<'_>, _: &[&str]) -> Result<(), CommandError> {
    let mut text = String::from(
        "Available variable type flags (position 0):\n\
         \tFlag\tVariable Type Name\n\
         \t----\t------------------\n",
    );
    // Writing to a string cannot fail.
    for (letter, _, name) in TYPES {
        let _ = writeln!(text, "\t{letter}   -\t{name}");
    }
    text.push_str(
        "\nAvailable variable access flags (position 1):\n\
         \tFlag\tVariable Access Name\n\
         \t----\t--------------------\n",
    );
    for (letter, _, name) in ACCESSES {
        let _ = writeln!(text, "\t{letter}   -\t{name}");
    }
    text.push_str("\nStatic flags:\n");
    row(
        &mut text,
        "Variable Name",
        "Variable Type",
        "Variable Access",
    );
    row(
        &mut text,
        "-------------",
        "-------------",
        "---------------",
    );
    text.push_str("\nActive flags:\n");
    row(
        &mut text,
        "Variable Name",
        "Variable Type",
        "Variable Access",
    );
    row(
        &mut text,
        "-------------",
        "-------------",
        "---------------",
    );
    let list = cx.env.get(flags::VARIABLE).unwrap_or_default();
    for (name, _) in cx.env.iter() {
        let found = flags::lookup(list, name);
        if found != Flags::default() {
            let kind = TYPES.iter().find(|(_, kind, _)| *kind == found.kind);
            let access = ACCESSES
                .iter()
                .find(|(_, access, _)| *access == found.access);
            row(
                &mut text,
                name,
                kind.map_or("", |(_, _, name)| name),
                access.map_or("", |(_, _, name)| name),
            );
        }
    }
    let _ = cx.write_str(&text);
    Ok(())
}

/// Writes a row of columns that are 20 characters wide.
fn row(text: &mut String, name: &str, kind: &str, access: &str) {
    text.push('\t');
    for (column, end) in [(name, " "), (kind, " "), (access, "\n")] {
        text.push_str(column);
        for _ in column.len()..20 {
            text.push(' ');
        }
        text.push_str(end);
    }
}
