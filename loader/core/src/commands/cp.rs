//! `cp`: copies memory.

use super::{
    Command, CommandError, Group,
    access::{Objects, check_interrupt, parse_width},
    parse_hex,
};
use crate::context::Context;

/// `cp`.
pub static CP: Command = Command {
    name: "cp",
    aliases: &[],
    group: Group::Memory,
    summary: "memory copy",
    usage: "[.b, .w, .l, .q] source target count",
    example: "cp.l 40200000 40300000 10",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [name, source, target, count] = arguments else {
        return Err(CommandError::Usage);
    };
    let width = parse_width(name)?;
    let count = parse_hex(count)?;
    if count == 0 {
        return Err(CommandError::Message("Zero length ???".into()));
    }
    let source = Objects::parse(source, width, count)?;
    let target = Objects::parse(target, width, count)?;
    target.check_target(cx)?;
    // Where the two overlap, the end that the other run covers goes first.
    let backward =
        target.start() > source.start() && target.start() <= source.address(count - 1).as_u64();
    for step in 0..count {
        check_interrupt(cx, step)?;
        let index = if backward { count - 1 - step } else { step };
        let value = cx.machine.memory.read(source.address(index), width)?;
        let address = target.address(index);
        cx.machine.memory.write(address, width, value)?;
    }
    Ok(())
}
