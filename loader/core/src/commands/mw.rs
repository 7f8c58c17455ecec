//! `mw`: writes memory.

use super::{
    Command, CommandError, Group,
    access::{Objects, check_interrupt, parse_width},
    parse_hex,
};
use crate::context::Context;

/// `mw`.
pub static MW: Command = Command {
    name: "mw",
    aliases: &[],
    group: Group::Memory,
    summary: "memory write (fill)",
    usage: "[.b, .w, .l, .q] address value [count]",
    example: "mw.l 40200000 a5f09876 10",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (name, address, value, count) = match arguments {
        [name, address, value] => (name, address, value, 1),
        [name, address, value, count] => (name, address, value, parse_hex(count)?),
        _ => return Err(CommandError::Usage),
    };
    let objects = Objects::parse(address, parse_width(name)?, count)?;
    let value = parse_hex(value)?;
    for index in 0..count {
        check_interrupt(cx, index)?;
        let address = objects.address(index);
        cx.machine.memory.write(address, objects.width(), value)?;
    }
    Ok(())
}
