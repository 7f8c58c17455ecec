//! `log`: shows what survived of earlier boots, and of this one.

use core::fmt::Write as _;

use super::{Command, CommandError, Group};
use crate::context::Context;

/// The descriptor.
pub static LOG: Command = Command {
    name: "log",
    aliases: &[],
    group: Group::Info,
    summary: "show the log that survives a boot",
    usage: "[clear]\n    \
            - prints warnings, errors and boots of this run and of those before, oldest first\n    \
            - clear forgets them; the boot counter stays",
    example: "log",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    match arguments {
        [_] => {
            show(cx);
            Ok(())
        }
        [_, "clear"] => {
            cx.log.clear();
            Ok(())
        }
        _ => Err(CommandError::usage()),
    }
}

fn show(cx: &mut Context<'_>) {
    let text = alloc::string::String::from(cx.log.text());
    let _ = match cx.log.page() {
        Some(page) => writeln!(cx, "boot {}, log at {page}", cx.log.count()),
        None => writeln!(cx, "this log does not survive: there is no page for it"),
    };
    let _ = cx.write_str(&text);
}
