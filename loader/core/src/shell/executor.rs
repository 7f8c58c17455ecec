//! Runs a tree.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};
use core::fmt::Write;

use super::{
    ast::{Assignment, Chain, Command, Connector, For, If, List, Simple, While},
    expand::{ExpandError, expand, expand_one},
    parser::parse_within,
    state::{MAX_LEVELS, Mark, Place, Scope, TEXT_LEVELS},
};
use crate::{
    commands::{self, CommandError, Failure},
    context::Context,
};

/// How a text ended. `Context::status` has the status in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Its last command finished.
    Finished,
    /// `exit`: it left the text early, and has done its work with that.
    Exited,
    /// Ctrl-C: whatever runs this stops too, and the prompt tells the user.
    Interrupted,
}

/// Parses a text and runs it. Errors are told on the console, and in `$?`. A text without a
/// command succeeds.
pub fn execute(cx: &mut Context<'_>, text: &str) -> Outcome {
    execute_script(cx, "", text)
}

/// Runs a script as [`execute`] does; errors name it, and the line.
pub fn execute_script(cx: &mut Context<'_>, name: &str, text: &str) -> Outcome {
    let mark = cx.shell.mark();
    match compile(cx, text, name) {
        Some(list) => run_text(cx, &list, mark, name),
        None => stay(cx, mark),
    }
}

/// Makes the tree of a text and goes down into it, or tells why not.
fn compile<'t>(cx: &mut Context<'_>, text: &'t str, script: &str) -> Option<List<'t>> {
    if !cx.shell.enter(TEXT_LEVELS) {
        too_deep(cx);
        return None;
    }
    // The text stays as long as the tree, which borrows from it.
    let budget = cx.shell.tree_budget().saturating_sub(text.len());
    match parse_within(text, budget) {
        Ok((list, cost)) => {
            cx.shell.tree += text.len() + cost;
            Some(list)
        }
        Err(error) if script.is_empty() => {
            fail(cx, format_args!("{error}"));
            None
        }
        Err(error) => {
            fail(cx, format_args!("{script}: {error}"));
            None
        }
    }
}

fn stay(cx: &mut Context<'_>, before: Mark) -> Outcome {
    cx.shell.return_to(before);
    Outcome::Finished
}

fn run_text(cx: &mut Context<'_>, list: &List<'_>, before: Mark, script: &str) -> Outcome {
    if list.chains.is_empty() {
        cx.status = 0;
    }
    cx.shell.texts.push(Place {
        script: script.into(),
        line: 1,
    });
    let outcome = run_list(cx, list);
    cx.shell.return_to(before);
    outcome
}

fn too_deep(cx: &mut Context<'_>) {
    let texts = MAX_LEVELS / TEXT_LEVELS;
    fail(
        cx,
        format_args!("commands nest deeper than {texts} scripts or {MAX_LEVELS} blocks"),
    );
}

/// Tells of a failure, and where in a script; makes the status 1.
fn fail(cx: &mut Context<'_>, message: core::fmt::Arguments<'_>) {
    cx.write_error(message);
    locate(cx);
    cx.log.record(message);
    cx.log.store();
    cx.status = 1;
}

/// Says where in a script this is. `run` is passed over: what it runs is a line as a rule.
fn locate(cx: &mut Context<'_>) {
    let scripts = cx.shell.texts.iter().rev();
    let place = scripts.into_iter().find(|place| !place.script.is_empty());
    if let Some(place) = place.map(|place| alloc::format!("  at {place}\n")) {
        let _ = cx.write_str(&place);
    }
}

fn run_list(cx: &mut Context<'_>, list: &List<'_>) -> Outcome {
    for chain in &list.chains {
        let outcome = run_chain(cx, chain);
        if outcome != Outcome::Finished {
            return outcome;
        }
    }
    Outcome::Finished
}

fn run_chain(cx: &mut Context<'_>, chain: &Chain<'_>) -> Outcome {
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
    outcome
}

fn run_command(cx: &mut Context<'_>, command: &Command<'_>) -> Outcome {
    if let Command::Simple(simple) = command {
        return run_simple(cx, simple);
    }
    let mark = cx.shell.mark();
    if !cx.shell.enter(1) {
        too_deep(cx);
        return Outcome::Finished;
    }
    let outcome = match command {
        Command::Simple(simple) => run_simple(cx, simple),
        Command::Not(command) => {
            let outcome = run_command(cx, command);
            if outcome == Outcome::Finished {
                cx.status = u8::from(cx.status == 0);
            }
            outcome
        }
        Command::If(command) => run_if(cx, command),
        Command::For(command) => run_for(cx, command),
        Command::While(command) => run_while(cx, command),
    };
    cx.shell.return_to(mark);
    outcome
}

/// An `if` of which nothing ran has its last condition's status, as in U-Boot.
fn run_if(cx: &mut Context<'_>, command: &If<'_>) -> Outcome {
    for (condition, body) in &command.arms {
        let outcome = run_list(cx, condition);
        if outcome != Outcome::Finished {
            return outcome;
        }
        if cx.status == 0 {
            return run_list(cx, body);
        }
    }
    match &command.otherwise {
        Some(body) => run_list(cx, body),
        None => Outcome::Finished,
    }
}

/// A loop has the status of what it ran last, that of the condition as a rule.
fn run_while(cx: &mut Context<'_>, command: &While<'_>) -> Outcome {
    loop {
        let mut outcome = run_list(cx, &command.condition);
        if outcome == Outcome::Finished {
            if (cx.status == 0) == command.until {
                return outcome;
            }
            outcome = run_list(cx, &command.body);
        }
        if outcome != Outcome::Finished {
            return outcome;
        }
    }
}

fn run_for(cx: &mut Context<'_>, command: &For<'_>) -> Outcome {
    at(cx, command.line);
    let words = match expand(&command.words, &mut scope(cx)) {
        Ok(words) => words,
        Err(error) => return refused(cx, &error),
    };
    cx.status = 0;
    for word in &words {
        if !cx.shell.locals.set(&command.name, word) {
            return refused(cx, &ExpandError::NoRoom(command.name.to_string()));
        }
        let outcome = run_list(cx, &command.body);
        if outcome != Outcome::Finished {
            return outcome;
        }
    }
    Outcome::Finished
}

fn scope<'a>(cx: &'a mut Context<'_>) -> Scope<'a> {
    Scope {
        env: &cx.env,
        locals: &mut cx.shell.locals,
        status: cx.status,
    }
}

/// Notes how far a text is.
fn at(cx: &mut Context<'_>, line: u32) {
    if let Some(place) = cx.shell.texts.last_mut() {
        place.line = line;
    }
}

fn refused(cx: &mut Context<'_>, error: &ExpandError) -> Outcome {
    fail(cx, format_args!("{error}"));
    Outcome::Finished
}

fn run_simple(cx: &mut Context<'_>, simple: &Simple<'_>) -> Outcome {
    if cx.interrupted() {
        cx.status = 1;
        return Outcome::Interrupted;
    }
    at(cx, simple.line);
    let words = match prepare(cx, simple) {
        Ok(words) => words,
        Err(error) => return refused(cx, &error),
    };
    let arguments: Vec<&str> = words.iter().map(|word| word.as_str()).collect();
    // Words that expand to nothing are no command, and succeed, as assignments do.
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

/// Assigns, and expands the words after that.
fn prepare(cx: &mut Context<'_>, simple: &Simple<'_>) -> Result<Vec<String>, ExpandError> {
    let mut scope = scope(cx);
    for Assignment { name, value } in &simple.assignments {
        let value = expand_one(value, &mut scope)?;
        if !scope.locals.set(name, &value) {
            return Err(ExpandError::NoRoom(name.to_string()));
        }
    }
    expand(&simple.words, &mut scope)
}

/// Runs a command where a fault only ends the command. The nesting is put back here: a
/// faulted `run` leaves without doing so.
fn run_found(cx: &mut Context<'_>, command: &commands::Command, arguments: &[&str]) -> Outcome {
    let guard = cx.machine.guard;
    let mark = cx.shell.mark();
    let mut result = Ok(());
    let ended = guard.run(&mut || result = (command.run)(cx, arguments));
    cx.shell.return_to(mark);
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
    let Err(error) = result else {
        cx.status = 0;
        return Outcome::Finished;
    };
    cx.status = 1;
    match *error.failure() {
        Failure::Status(status) => cx.status = status,
        Failure::Exit(status) => {
            cx.status = status;
            return Outcome::Exited;
        }
        Failure::Interrupted => return Outcome::Interrupted,
        Failure::Usage => {
            commands::print_usage(cx, command);
            locate(cx);
        }
        _ => match error.remedy() {
            Some(remedy) => fail(cx, format_args!("{error} - try '{remedy}'")),
            None => fail(cx, format_args!("{error}")),
        },
    }
    Outcome::Finished
}
