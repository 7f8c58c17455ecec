//! `exception`: tries the way back from a fault.

use platform_api::FaultKind;

use super::{Command, CommandError, Group};
use crate::context::Context;

/// The descriptor.
pub static EXCEPTION: Command = Command {
    name: "exception",
    aliases: &[],
    group: Group::Misc,
    summary: "Forces an exception to occur",
    usage: "undefined - undefined instruction\n\
            data - read of address 0\n\
            prefetch - jump to address 0\n\
            unaligned - load multiple from an unaligned address\n\
            stack - stack overflow\n\
            hvc - call nobody serves (HVC in HYP, SVC otherwise)",
    example: "exception undefined",
    run,
};

const KINDS: &[(&str, FaultKind)] = &[
    ("undefined", FaultKind::Undefined),
    ("data", FaultKind::Data),
    ("prefetch", FaultKind::Prefetch),
    ("unaligned", FaultKind::Unaligned),
    ("stack", FaultKind::StackOverflow),
    ("hvc", FaultKind::Call),
];

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [_, name] = arguments else {
        return Err(CommandError::usage());
    };
    let (_, kind) = KINDS
        .iter()
        .find(|(known, _)| known == name)
        .ok_or_else(CommandError::usage)?;
    cx.machine.guard.provoke(*kind);
    Err(CommandError::message(alloc::format!(
        "{name}: the processor let it pass"
    )))
}
