//! `md`: shows memory.

use alloc::format;

use arrayvec::ArrayVec;
use platform_api::Width;

use super::{
    Command, CommandError, Group,
    access::{Objects, parse_width},
    parse_hex,
};
use crate::context::Context;

/// Bytes shown in a line.
const LINE_BYTES: u64 = 16;

/// `md`.
pub static MD: Command = Command {
    name: "md",
    aliases: &[],
    group: Group::Memory,
    summary: "memory display",
    usage: "[.b, .w, .l, .q] address [# of objects]",
    example: "md.l 40200000 10",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (name, address, count) = match arguments {
        [name, address] => (name, address, cx.remembered.count),
        [name, address, count] => (name, address, parse_hex(count)?),
        _ => return Err(CommandError::usage()),
    };
    let objects = Objects::parse(cx, address, parse_width(name)?, count)?;
    cx.remembered.count = count;
    show(cx, objects)?;
    // What goes on is typed relative to the base again.
    let next = objects.address(objects.count()).as_u64();
    let next = next.wrapping_sub(cx.remembered.base);
    cx.repeat = Some(format!("{name} {next:x} {count:x}"));
    Ok(())
}

/// Shows objects as `md` does.
///
/// # Errors
/// Ctrl-C, or an address that the processor does not have.
pub(super) fn show(cx: &mut Context<'_>, objects: Objects) -> Result<(), CommandError> {
    let per_line = LINE_BYTES / objects.width().bytes();
    let mut first = 0;
    while first < objects.count() {
        if cx.interrupted() {
            return Err(CommandError::interrupted());
        }
        let count = per_line.min(objects.count() - first);
        let line = line(cx, objects, first, count)?;
        cx.write_raw(line.as_slice());
        first += count;
    }
    Ok(())
}

/// The longest line: a 16-digit address, 16 bytes of three characters, 16 letters, and what
/// stands between.
type Line = ArrayVec<u8, 96>;

/// Reads `count` objects and formats them. Written out by hand: dumps are long, and the
/// formatting machinery costs ten times as much for each.
fn line(
    cx: &mut Context<'_>,
    objects: Objects,
    first: u64,
    count: u64,
) -> Result<Line, CommandError> {
    let width = objects.width();
    let digits = digits(width);
    let mut line = Line::new();
    let mut letters = ArrayVec::<u8, 16>::new();
    let address = objects.address(first).as_u64();
    push_hex(&mut line, address, if address >> 32 == 0 { 8 } else { 16 });
    push(&mut line, b":");
    for index in first..first + count {
        let value = cx.machine.memory.read(objects.address(index), width)?;
        push(&mut line, b" ");
        push_hex(&mut line, value, digits);
        let bytes = value.to_le_bytes();
        let used = bytes.iter().take(usize::from(digits / 2));
        letters.extend(used.map(|byte| match byte {
            0x20..=0x7e => *byte,
            _ => b'.',
        }));
    }
    for _ in count..LINE_BYTES / width.bytes() {
        push(&mut line, b" ");
        push_blanks(&mut line, digits);
    }
    push(&mut line, b"  ");
    push(&mut line, &letters);
    push(&mut line, b"\r\n");
    Ok(line)
}

/// Hexadecimal digits of an object.
fn digits(width: Width) -> u8 {
    match width {
        Width::Byte => 2,
        Width::Half => 4,
        Width::Word => 8,
        Width::Double => 16,
    }
}

fn push(line: &mut Line, bytes: &[u8]) {
    // The line's capacity is that of the longest; a longer one would be cut, not overrun.
    let _ = line.try_extend_from_slice(bytes);
}

fn push_blanks(line: &mut Line, count: u8) {
    for _ in 0..count {
        push(line, b" ");
    }
}

fn push_hex(line: &mut Line, value: u64, digits: u8) {
    let bytes = value.to_be_bytes();
    let unused = bytes.len().saturating_sub(usize::from(digits / 2));
    for byte in bytes.iter().skip(unused) {
        push(line, &[hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
    }
}

fn hex_digit(nibble: u8) -> u8 {
    match nibble {
        0..=9 => b'0' + nibble,
        _ => b'a' + nibble - 10,
    }
}
