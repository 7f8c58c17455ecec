//! `mw`: writes memory.

use platform_api::PhysRange;

use super::{
    Command, CommandError, Group,
    access::{Objects, PIECE, check_interrupt, parse_width},
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
        _ => return Err(CommandError::usage()),
    };
    let objects = Objects::parse(cx, address, parse_width(name)?, count)?;
    // What is beyond the width is cut off, as in U-Boot.
    let value = parse_hex(value)?;
    objects.check_target(cx)?;
    let mut pattern = [0; PIECE];
    let width = usize::try_from(objects.width().bytes()).unwrap_or(1);
    for object in pattern.chunks_exact_mut(width) {
        for (byte, wanted) in object.iter_mut().zip(value.to_le_bytes()) {
            *byte = wanted;
        }
    }
    let mut index = 0;
    while index < count {
        check_interrupt(cx, 0)?;
        let piece = objects.piece(count - index);
        if fill_ram(cx, objects.bytes(index, piece), &pattern).is_none() {
            for index in index..index + piece {
                let address = objects.address(index);
                cx.machine.memory.write(address, objects.width(), value)?;
            }
        }
        index += piece;
    }
    Ok(())
}

/// Fills a piece as a whole; `None`, and nothing is changed, unless it is RAM that is granted.
fn fill_ram(cx: &mut Context<'_>, range: Option<PhysRange>, pattern: &[u8]) -> Option<()> {
    let bytes = cx.machine.memory.bytes_mut(range?).ok()?;
    bytes.copy_from_slice(pattern.get(..bytes.len())?);
    Some(())
}
