//! `crc32`: checks memory.

use core::fmt::Write;

use platform_api::{PhysAddr, PhysRange};

use super::{Command, CommandError, Group, parse_hex};
use crate::context::Context;

/// Bytes between two looks for Ctrl-C: less than a millisecond's work, in which a receive FIFO
/// cannot fill up.
const SLICE: u64 = 0x1_0000;

/// `crc32`.
pub static CRC32: Command = Command {
    name: "crc32",
    aliases: &[],
    group: Group::Memory,
    summary: "checksum calculation",
    usage: "address count [addr]\n    - compute CRC32 checksum [save at addr]",
    example: "crc32 40200000 10",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (address, count, target) = match arguments {
        [_, address, count] => (address, count, None),
        [_, address, count, target] => (address, count, Some(parse_hex(target)?)),
        _ => return Err(CommandError::Usage),
    };
    let (address, count) = (parse_hex(address)?, parse_hex(count)?);
    let range = PhysRange::from_size(PhysAddr::new(address), count).ok_or_else(|| {
        CommandError::Message(alloc::format!(
            "{count:x} bytes at {address:08x} end beyond the last address"
        ))
    })?;
    let sum = checksum(cx, range)?;
    let last = range.end().as_u64().wrapping_sub(1);
    // Writing to a context cannot fail.
    let _ = writeln!(cx, "crc32 for {address:08x} ... {last:08x} ==> {sum:08x}");
    match target {
        Some(target) => store(cx, target, sum),
        None => Ok(()),
    }
}

fn checksum(cx: &mut Context<'_>, range: PhysRange) -> Result<u32, CommandError> {
    // All of it is granted before any of it is read.
    cx.machine.memory.bytes(range)?;
    let mut hasher = crc32fast::Hasher::new();
    let mut rest = range;
    while !rest.is_empty() {
        if cx.interrupted() {
            return Err(CommandError::Interrupted);
        }
        let size = rest.size().min(SLICE);
        let (Some(slice), Some(after)) = (
            PhysRange::from_size(rest.start(), size),
            rest.start()
                .checked_add(size)
                .and_then(|start| PhysRange::new(start, range.end())),
        ) else {
            break;
        };
        hasher.update(cx.machine.memory.bytes(slice)?);
        rest = after;
    }
    Ok(hasher.finalize())
}

/// Stores a checksum as U-Boot does, most significant byte first.
fn store(cx: &mut Context<'_>, target: u64, sum: u32) -> Result<(), CommandError> {
    let range = PhysRange::from_size(PhysAddr::new(target), 4).ok_or_else(|| {
        CommandError::Message(alloc::format!("{target:08x} is too near the last address"))
    })?;
    let place = cx.machine.memory.bytes_mut(range)?;
    place.copy_from_slice(&sum.to_be_bytes());
    Ok(())
}
