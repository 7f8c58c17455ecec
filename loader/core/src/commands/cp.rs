//! `cp`: copies memory.

use platform_api::PhysRange;

use super::{
    Command, CommandError, Group,
    access::{Objects, PIECE, check_interrupt, parse_width},
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
        return Err(CommandError::usage());
    };
    let width = parse_width(name)?;
    let count = parse_hex(count)?;
    if count == 0 {
        return Err(CommandError::message("Zero length ???".into()));
    }
    let source = Objects::parse(cx, source, width, count)?;
    let target = Objects::parse(cx, target, width, count)?;
    target.check_target(cx)?;
    // Where the two overlap, the end that the other run covers goes first.
    let backward =
        target.start() > source.start() && target.start() <= source.address(count - 1).as_u64();
    let mut buffer = [0; PIECE];
    let mut left = count;
    while left > 0 {
        check_interrupt(cx, 0)?;
        let piece = source.piece(left);
        let first = if backward { left - piece } else { count - left };
        if copy_ram(
            cx,
            source.bytes(first, piece),
            target.bytes(first, piece),
            &mut buffer,
        )
        .is_none()
        {
            copy_each(cx, (source, target), (first, piece), backward)?;
        }
        left -= piece;
    }
    Ok(())
}

/// Copies a piece as a whole; `None`, and nothing is changed, unless both sides are RAM that is
/// granted.
fn copy_ram(
    cx: &mut Context<'_>,
    source: Option<PhysRange>,
    target: Option<PhysRange>,
    buffer: &mut [u8; PIECE],
) -> Option<()> {
    let (source, target) = (source?, target?);
    let buffer = buffer.get_mut(..usize::try_from(source.size()).ok()?)?;
    buffer.copy_from_slice(cx.machine.memory.bytes(source).ok()?);
    cx.machine
        .memory
        .bytes_mut(target)
        .ok()?
        .copy_from_slice(buffer);
    Some(())
}

/// Copies a piece object by object: devices, holes, what is somebody's.
fn copy_each(
    cx: &mut Context<'_>,
    (source, target): (Objects, Objects),
    (first, count): (u64, u64),
    backward: bool,
) -> Result<(), CommandError> {
    for step in 0..count {
        let step = if backward { count - 1 - step } else { step };
        let value = cx
            .machine
            .memory
            .read(source.address(first + step), source.width())?;
        let address = target.address(first + step);
        cx.machine.memory.write(address, target.width(), value)?;
    }
    Ok(())
}
