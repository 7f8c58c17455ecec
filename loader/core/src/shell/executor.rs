//! Runs a tree.

use alloc::vec::Vec;
use core::fmt::Write;

use super::{
    ast::{Command, Connector, List, Simple},
    expand, parse,
};
use crate::{
    commands::{self, CommandError},
    context::Context,
};

/// How deep `run` may nest. Each level takes a few frames of the stack.
pub const MAX_DEPTH: u8 = 16;

/// How a text ended. `Context::status` has the status in either case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its last command finished.
    Finished,
    /// Ctrl-C: whatever runs this stops too, and the prompt tells the user.
    Interrupted,
}

/// Parses a text and runs it. Errors are told on the console, and in `$?`. A text without a
/// command succeeds.
pub fn execute(cx: &mut Context<'_>, text: &str) -> Outcome {
    if cx.depth >= MAX_DEPTH {
        fail(cx, format_args!("commands nest deeper than {MAX_DEPTH}"));
        return Outcome::Finished;
    }
    match parse(text) {
        Ok(list) if list.chains.is_empty() => {
            cx.status = 0;
            Outcome::Finished
        }
        Ok(list) => {
            cx.depth += 1;
            let outcome = run_list(cx, &list);
            cx.depth -= 1;
            outcome
        }
        Err(error) => {
            fail(cx, format_args!("{error}"));
            Outcome::Finished
        }
    }
}

/// Tells of a failure, and makes the status 1.
fn fail(cx: &mut Context<'_>, message: core::fmt::Arguments<'_>) {
    // Writing to a context cannot fail.
    let _ = writeln!(cx, "{message}");
    cx.log.record(message);
    cx.log.store();
    cx.status = 1;
}

fn run_list(cx: &mut Context<'_>, list: &List) -> Outcome {
    for chain in &list.chains {
        let mut outcome = run_command(cx, &chain.first);
        for (connector, command) in &chain.rest {
            let wanted = match connector {
                Connector::And => cx.status == 0,
                Connector::Or => cx.status != 0,
            };
            if outcome == Outcome::Finished && wanted {
                outcome = run_command(cx, command);
            }
        }
        if outcome == Outcome::Interrupted {
            return outcome;
        }
    }
    Outcome::Finished
}

fn run_command(cx: &mut Context<'_>, command: &Command) -> Outcome {
    if cx.interrupted() {
        cx.status = 1;
        return Outcome::Interrupted;
    }
    match command {
        Command::Simple(simple) => run_simple(cx, simple),
    }
}

fn run_simple(cx: &mut Context<'_>, simple: &Simple) -> Outcome {
    let words = match expand(&simple.words, &cx.env, cx.status) {
        Ok(words) => words,
        Err(error) => {
            fail(cx, format_args!("{error}"));
            return Outcome::Finished;
        }
    };
    let arguments: Vec<&str> = words.iter().map(|word| word.as_str()).collect();
    // Words that expand to nothing are no command, and succeed.
    let Some(name) = arguments.first() else {
        cx.status = 0;
        return Outcome::Finished;
    };
    match commands::find(name) {
        Some(command) => run_found(cx, command, &arguments),
        None => {
            fail(cx, format_args!("Unknown command '{name}' - try 'help'"));
            Outcome::Finished
        }
    }
}

/// Runs a command where a fault only ends the command. The nesting depth is put back here: a
/// faulted `run` leaves without doing so.
fn run_found(cx: &mut Context<'_>, command: &commands::Command, arguments: &[&str]) -> Outcome {
    let guard = cx.machine.guard;
    let depth = cx.depth;
    let mut result = Ok(());
    let ended = guard.run(&mut || result = (command.run)(cx, arguments));
    cx.depth = depth;
    if ended.is_err() {
        cx.status = 1;
        cx.log
            .record(format_args!("fault in {}", arguments.join(" ")));
        cx.log.store();
        // The fault's report ended in a newline, by another way than through the context.
        cx.at_line_start = true;
        return Outcome::Finished;
    }
    report(cx, command, result)
}

/// Sets the status, and says what the command did not say itself.
fn report(
    cx: &mut Context<'_>,
    command: &commands::Command,
    result: Result<(), CommandError>,
) -> Outcome {
    cx.status = 1;
    match result {
        Ok(()) => cx.status = 0,
        Err(CommandError::Status(status)) => cx.status = status,
        Err(CommandError::Interrupted) => return Outcome::Interrupted,
        Err(CommandError::Usage) => commands::print_usage(cx, command),
        Err(error) => fail(cx, format_args!("{error}")),
    }
    Outcome::Finished
}
