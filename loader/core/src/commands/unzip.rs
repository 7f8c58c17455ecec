//! `unzip`: unpacks gzip data in memory.

use alloc::format;
use core::fmt::Write;

use platform_api::{MemoryError, PhysAddr, PhysRange};

use super::{Command, CommandError, Group, inflate::inflate, parse_hex};
use crate::context::Context;

/// The descriptor.
pub static UNZIP: Command = Command {
    name: "unzip",
    aliases: &[],
    group: Group::Memory,
    summary: "unzip a memory region",
    usage: "srcaddr dstaddr [dstsize]\n    \
            - unpack gzip data, check them against their CRC, and set filesize",
    example: "unzip 40200000 40300000",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (source, target, limit) = match *arguments {
        [_, source, target] => (source, target, None),
        [_, source, target, limit] => (source, target, Some(parse_hex(limit)?)),
        _ => return Err(CommandError::usage()),
    };
    let (source, whole) = readable(cx, PhysAddr::new(parse_hex(source)?));
    let mut next = PhysAddr::new(parse_hex(target)?);
    let end = limit.and_then(|limit| next.checked_add(limit));
    let unpacked = inflate(cx, source, &mut |cx, unread, bytes| {
        let range = PhysRange::from_size(next, bytes.len() as u64).unwrap_or_default();
        if end.is_some_and(|end| range.end() > end) {
            return Err(CommandError::message(format!(
                "more than {:#x} bytes",
                limit.unwrap_or_default()
            )));
        }
        if range.contains(unread.start()) || whole && range.overlaps(unread) {
            return Err(CommandError::message(format!(
                "{range} is where the rest of the packed data lies: unpack to a place behind it"
            )));
        }
        cx.machine.memory.bytes_mut(range)?.copy_from_slice(bytes);
        next = range.end();
        Ok(())
    })?;
    let size = unpacked.size;
    // Writing to a context cannot fail.
    let _ = writeln!(cx, "Uncompressed size: {size} = 0x{size:X}");
    Ok(cx.env.try_set("filesize", &format!("{size:x}"))?)
}

/// Returns where the packed data from `start` on can lie, since they do not say how long they
/// are: to the end of the file that was loaded there (and true), else to the end of the RAM
/// that can be read.
fn readable(cx: &Context<'_>, start: PhysAddr) -> (PhysRange, bool) {
    let file = cx.loaded.iter().find(|file| file.range.contains(start));
    if let Some(range) = file.and_then(|file| PhysRange::new(start, file.range.end())) {
        return (range, true);
    }
    let bank = cx.map.ram.iter().find(|bank| bank.contains(start));
    // What is no RAM is refused by the first look at it.
    let mut end = bank.map(|bank| bank.end()).or(start.checked_add(1));
    // Whoever claims a part of it, the first claim behind the start is the end.
    while let Some(range) = end.and_then(|end| PhysRange::new(start, end)) {
        match cx.machine.memory.bytes(range) {
            Err(MemoryError::Owned { by, .. })
                if by.start() > start && by.start() < range.end() =>
            {
                end = Some(by.start());
            }
            _ => return (range, false),
        }
    }
    (PhysRange::default(), false)
}
