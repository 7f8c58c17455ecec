//! `cmp`: compares memory.

use core::{fmt::Write, ops::Range};

use platform_api::PhysRange;

use super::{
    Command, CommandError, Group,
    access::{Objects, check_interrupt, object_name, parse_width},
    parse_hex,
};
use crate::context::Context;

/// `cmp`.
pub static CMP: Command = Command {
    name: "cmp",
    aliases: &[],
    group: Group::Memory,
    summary: "memory compare",
    usage: "[.b, .w, .l, .q] addr1 addr2 count",
    example: "cmp.l 40200000 40300000 10",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [name, first, second, count] = arguments else {
        return Err(CommandError::usage());
    };
    let width = parse_width(name)?;
    let count = parse_hex(count)?;
    let first = Objects::parse(cx, first, width, count)?;
    let second = Objects::parse(cx, second, width, count)?;
    let same = count_same(cx, first, second)?;
    // Writing to a context cannot fail.
    let _ = writeln!(
        cx,
        "Total of {same} {}(s) were the same",
        object_name(width)
    );
    if same == count {
        Ok(())
    } else {
        Err(CommandError::status(1))
    }
}

/// Counts equal objects up to the first pair that differs, and shows that pair.
fn count_same(cx: &mut Context<'_>, first: Objects, second: Objects) -> Result<u64, CommandError> {
    let mut index = 0;
    while index < first.count() {
        check_interrupt(cx, 0)?;
        let piece = first.piece(first.count() - index);
        if !same_ram(cx, first.bytes(index, piece), second.bytes(index, piece))
            && let Some(different) = difference(cx, (first, second), index..index + piece)?
        {
            return Ok(different);
        }
        index += piece;
    }
    Ok(first.count())
}

/// Tells whether both are RAM that is granted, and the same.
fn same_ram(cx: &Context<'_>, first: Option<PhysRange>, second: Option<PhysRange>) -> bool {
    let bytes = |range: Option<PhysRange>| cx.machine.memory.bytes(range?).ok();
    matches!((bytes(first), bytes(second)), (Some(first), Some(second)) if first == second)
}

/// Looks for the first pair that differs, object by object, and shows it.
fn difference(
    cx: &mut Context<'_>,
    (first, second): (Objects, Objects),
    indices: Range<u64>,
) -> Result<Option<u64>, CommandError> {
    let width = first.width();
    for index in indices {
        let one = cx.machine.memory.read(first.address(index), width)?;
        let other = cx.machine.memory.read(second.address(index), width)?;
        if one != other {
            show(cx, index, (first, one), (second, other));
            return Ok(Some(index));
        }
    }
    Ok(None)
}

/// Shows a pair as U-Boot does: a value has as many characters as its object has bytes, or more.
fn show(cx: &mut Context<'_>, index: u64, first: (Objects, u64), second: (Objects, u64)) {
    let (objects, value) = first;
    let (others, other) = second;
    let name = object_name(objects.width());
    let pad = match objects.width() {
        platform_api::Width::Double => 8,
        platform_api::Width::Word => 4,
        _ => 1,
    };
    let _ = writeln!(
        cx,
        "{name} at {} ({value:#0pad$x}) != {name} at {} ({other:#0pad$x})",
        objects.address(index),
        others.address(index),
    );
}
