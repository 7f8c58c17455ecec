//! `env`: everything about variables.

mod default;
mod delete;
mod export;
mod flags;
mod grep;
mod import;
mod info;

use super::{Command, CommandError, Group, askenv, editenv, printenv, run, saveenv, setenv};
use crate::context::Context;

pub use grep::GREPENV;

/// `env`.
pub static ENV: Command = Command {
    name: "env",
    aliases: &[],
    group: Group::Environment,
    summary: "environment handling commands",
    usage: "ask name [message] [size] - ask for environment variable\n\
            default [-f] -a - [forcibly] reset default environment\n\
            default [-f] var [...] - [forcibly] reset variable(s) to their default values\n\
            delete [-f] var [...] - [forcibly] delete variable(s)\n\
            edit name - edit environment variable\n\
            exists name - tests for existence of variable\n\
            export [-t | -b | -c] [-s size] addr [var ...] - export environment\n\
            flags - print variables that have non-default flags\n\
            grep [-e] [-n | -v | -b] string [...] - search environment\n\
            import [-d] [-t [-r] | -b | -c] addr [size] [var ...] - import environment\n\
            info - display environment information\n\
            info [-d] [-p] [-q] - evaluate environment information\n    \
            -d: default environment is used; -p: environment can be persisted; -q: quiet\n\
            load - load environment\n\
            print [-a | name ...] - print environment\n\
            run var [...] - run commands in an environment variable\n\
            save - save environment\n\
            set [-f] name [arg ...]",
    example: "env print bootcmd",
    run: dispatch,
};

type Handler = fn(&mut Context<'_>, &[&str]) -> Result<(), CommandError>;

/// The subcommands. Each gets its arguments with its own name in front.
const SUBCOMMANDS: &[(&str, Handler)] = &[
    ("ask", askenv::run),
    ("default", default::run),
    ("delete", delete::run),
    ("edit", editenv::run),
    ("exists", exists),
    ("export", export::run),
    ("flags", flags::run),
    ("grep", grep::run),
    ("import", import::run),
    ("info", info::run),
    ("load", saveenv::load),
    ("print", printenv::run),
    ("run", run::run),
    ("save", saveenv::run),
    ("set", setenv::run),
];

fn dispatch(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let arguments = arguments.get(1..).unwrap_or_default();
    let name = arguments.first().ok_or_else(CommandError::usage)?;
    // As commands are, a subcommand is found by a beginning that no other has.
    let exact = SUBCOMMANDS.iter().find(|(other, _)| other == name);
    let mut alike = SUBCOMMANDS
        .iter()
        .filter(|(other, _)| other.starts_with(name) && !name.is_empty());
    let found = exact.or(match (alike.next(), alike.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    });
    match found {
        Some((_, handler)) => handler(cx, arguments),
        None => Err(CommandError::usage()),
    }
}

fn exists(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    match arguments {
        [_, name] => match cx.env.get(name) {
            Some(_) => Ok(()),
            None => Err(CommandError::status(1)),
        },
        _ => Err(CommandError::usage()),
    }
}

/// Splits options off the front of arguments: the letters of every word that starts with `-`. A
/// letter that is not among `known` is a usage error.
fn options<'a>(
    arguments: &'a [&'a str],
    known: &str,
) -> Result<(alloc::string::String, &'a [&'a str]), CommandError> {
    let mut letters = alloc::string::String::new();
    let mut rest = arguments;
    while let [first, more @ ..] = rest
        && let Some(word) = first.strip_prefix('-')
    {
        if !word.chars().all(|letter| known.contains(letter)) {
            return Err(CommandError::usage());
        }
        letters.push_str(word);
        rest = more;
    }
    Ok((letters, rest))
}

/// Refuses options that name more than one form.
fn one_form(command: &str, letters: &str) -> Result<(), CommandError> {
    if letters.matches(['b', 'c', 't']).count() > 1 {
        return Err(CommandError::message(alloc::format!(
            "## Error: {command}: only one of \"-b\", \"-c\" or \"-t\" allowed"
        )));
    }
    Ok(())
}
