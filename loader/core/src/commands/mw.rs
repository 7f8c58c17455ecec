//! `mw`: writes memory.

use platform_api::Width;

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

/// Parses a value that must fit `width`: what would be cut off was meant for another width.
fn parse_value(text: &str, width: Width) -> Result<u64, CommandError> {
    let value = parse_hex(text)?;
    match value.checked_shr(u32::try_from(width.bytes() * 8).unwrap_or(u32::MAX)) {
        None | Some(0) => Ok(value),
        Some(_) => Err(CommandError::Message(alloc::format!(
            "{text} does not fit {} bits",
            width.bytes() * 8
        ))),
    }
}

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (name, address, value, count) = match arguments {
        [name, address, value] => (name, address, value, 1),
        [name, address, value, count] => (name, address, value, parse_hex(count)?),
        _ => return Err(CommandError::Usage),
    };
    let objects = Objects::parse(address, parse_width(name)?, count)?;
    let value = parse_value(value, objects.width())?;
    objects.check_target(cx)?;
    for index in 0..count {
        check_interrupt(cx, index)?;
        let address = objects.address(index);
        cx.machine.memory.write(address, objects.width(), value)?;
    }
    Ok(())
}
