//! `bootelf`: boot an ELF executable.

use super::{Command, CommandError, Group, bootz::options};
use crate::{
    boot::{Source, Wanted, prepare_elf},
    context::Context,
};

/// The descriptor.
pub static BOOTELF: Command = Command {
    name: "bootelf",
    aliases: &[],
    group: Group::Boot,
    summary: "boot an ELF executable, from a file or from memory",
    usage: "[-n] [-v] [ADDR[:SIZE]|FILE]\n    \
            - without an argument, the file loaded last (${fileaddr})\n    \
            - every segment must be in RAM that nobody owns\n    \
            - it is entered like a kernel, with the working device tree in r2\n    \
            - -n prints the plan; loads nothing, starts nothing\n    \
            - -v prints the plan and a character for each step of the handoff",
    example: "bootelf hello.elf",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (options, rest) = options(arguments)?;
    let source = match *rest {
        [source] => Source::parse(source)?,
        [] => {
            let last = cx.loaded.last().map(|file| file.range).ok_or_else(|| {
                CommandError::message("no file was loaded; try bootelf FILE".into())
            })?;
            Source::Address {
                at: last.start(),
                size: Some(last.size()),
            }
        }
        _ => return Err(CommandError::usage()),
    };
    prepare_elf(cx, Wanted::image(source))?.boot(cx, options)
}
