//! `mm`, `nm`: shows memory and asks what to write there.

use alloc::format;
use core::fmt::Write;

use platform_api::Width;

use super::{
    Command, CommandError, Group,
    access::{Objects, parse_width},
};
use crate::{console::read_line, context::Context};

/// `mm`.
pub static MM: Command = Command {
    name: "mm",
    aliases: &[],
    group: Group::Memory,
    summary: "memory modify (auto-incrementing address)",
    usage: "[.b, .w, .l, .q] address\n    \
            - a number is written, an empty line goes on, '-' goes back, anything else ends it",
    example: "mm.l 40200000",
    run: run_mm,
};

/// `nm`.
pub static NM: Command = Command {
    name: "nm",
    aliases: &[],
    group: Group::Memory,
    summary: "memory modify (constant address)",
    usage: "[.b, .w, .l, .q] address\n    - a number is written, an empty line asks again, anything else ends it",
    example: "nm.l 40200000",
    run: run_nm,
};

fn run_mm(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    modify(cx, arguments, true)
}

fn run_nm(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    modify(cx, arguments, false)
}

fn modify(cx: &mut Context<'_>, arguments: &[&str], moves: bool) -> Result<(), CommandError> {
    let [name, address] = arguments else {
        return Err(CommandError::usage());
    };
    let width = parse_width(name)?;
    let mut object = Objects::parse(cx, address, width, 1)?;
    loop {
        let address = object.address(0);
        let value = cx.machine.memory.read(address, width)?;
        let digits = 2 * usize::try_from(width.bytes()).unwrap_or(8);
        let _ = write!(cx, "{:08x}: {value:0digits$x}", address.as_u64());
        let line = read_line(cx, " ? ", "")?;
        let step = match line.as_str() {
            "" => Some(width.bytes()),
            "-" => Some(width.bytes().wrapping_neg()),
            text => match leading_hex(text) {
                Some(value) => {
                    object.check_target(cx)?;
                    cx.machine.memory.write(address, width, cut(value, width))?;
                    Some(width.bytes())
                }
                None => None,
            },
        };
        let Some(step) = step else {
            break;
        };
        if moves {
            object = Objects::new(object.start().wrapping_add(step), width, 1)?;
        }
    }
    let at = object.start().wrapping_sub(cx.remembered.base);
    cx.repeat = Some(format!("{name} {at:x}"));
    Ok(())
}

/// Reads the number that a line starts with, as U-Boot does: `12 ; comment` is 0x12.
fn leading_hex(text: &str) -> Option<u64> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .unwrap_or(text);
    let end = digits
        .find(|letter: char| !letter.is_ascii_hexdigit())
        .unwrap_or(digits.len());
    u64::from_str_radix(digits.get(..end)?, 16).ok()
}

/// Cuts a value to an object.
fn cut(value: u64, width: Width) -> u64 {
    value & (u64::MAX >> (64 - 8 * width.bytes()))
}
