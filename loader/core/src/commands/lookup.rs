//! Finds commands and shows their usage.

use alloc::vec::Vec;
use core::fmt::Write;

use super::{COMMANDS, Command};
use crate::context::Context;

/// Finds the command that a word names: by its name or alias, by the part of the word before a
/// dot (`md.b`), or as U-Boot does by the beginning of exactly one command's name (`pri`).
pub fn find(word: &str) -> Option<&'static Command> {
    let name = word.split_once('.').map_or(word, |(name, _)| name);
    if name.is_empty() {
        return None;
    }
    if let Some(command) = COMMANDS.iter().find(|command| command.is_named(name)) {
        return Some(command);
    }
    let mut candidates = COMMANDS
        .iter()
        .filter(|command| command.name.starts_with(name));
    match (candidates.next(), candidates.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    }
}

/// Lists every name and alias that begins with `prefix`, sorted.
pub fn names_with_prefix(prefix: &str) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    let all = COMMANDS
        .iter()
        .flat_map(|command| core::iter::once(&command.name).chain(command.aliases));
    for name in all.filter(|name| name.starts_with(prefix)) {
        // The table is sorted but for aliases; a library sort would take 9 KiB of the image.
        let at = names.partition_point(|other| other < name);
        names.insert(at, name);
    }
    names
}

/// Shows a command's summary and usage, as `help NAME` and a usage error do.
pub fn print_usage(cx: &mut Context<'_>, command: &Command) {
    let Command { name, summary, .. } = command;
    // Writing to a context cannot fail.
    let _ = writeln!(cx, "{name} - {summary}\n\nUsage:");
    // U-Boot writes the blank behind the name always.
    if command.usage.is_empty() {
        let _ = writeln!(cx, "{name} ");
    }
    for form in command.usage.lines() {
        let _ = match form {
            "" => writeln!(cx, "{name} "),
            form if form.starts_with([' ', '\t']) => writeln!(cx, "{form}"),
            form => writeln!(cx, "{name} {form}"),
        };
    }
}

impl Command {
    fn is_named(&self, name: &str) -> bool {
        self.name == name || self.aliases.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_unambiguous() {
        let names: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
        let all = names_with_prefix("");
        assert!(all.is_sorted_by(|a, b| a < b), "{all:?}");
    }

    #[test]
    fn every_command_is_documented() {
        for command in COMMANDS {
            assert!(!command.summary.is_empty(), "{}", command.name);
            for form in command.usage.lines() {
                // The name is put in front of a form; what explains one is indented.
                assert!(!form.starts_with(command.name), "{}: {form}", command.name);
                assert!(!form.starts_with("- "), "{}: {form}", command.name);
            }
            let first = command.example.split(' ').next().unwrap();
            assert_eq!(
                find(first).map(|found| found.name),
                Some(command.name),
                "the example of {}",
                command.name
            );
            assert!(crate::shell::parse(command.example).is_ok());
        }
    }

    #[test]
    fn finds_by_name_alias_width_and_prefix() {
        for (word, name) in [
            ("md", "md"),
            ("md.b", "md"),
            ("?", "help"),
            ("pri", "printenv"),
            ("bootd", "bootd"),
            ("boot", "boot"),
        ] {
            assert_eq!(find(word).map(|found| found.name), Some(name), "{word}");
        }
        for word in ["", ".b", "m", "nosuch", "mdx", "MD"] {
            assert!(find(word).is_none(), "{word}");
        }
    }
}
