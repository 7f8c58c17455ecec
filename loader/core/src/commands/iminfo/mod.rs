//! `iminfo`: tells what image lies in memory, and whether it is whole.

mod fit;
mod legacy;

use alloc::string::String;
use core::fmt::Write;

use platform_api::{PhysAddr, PhysRange, PhysicalMemory};

use super::{Command, CommandError, Group, parse_hex};
use crate::{calendar::DateTime, context::Context, devicetree, image};

/// The descriptor.
pub static IMINFO: Command = Command {
    name: "iminfo",
    aliases: &[],
    group: Group::Boot,
    summary: "print header information for application image",
    usage: "addr [addr ...]\n    \
            - print header information for application image starting at\n      \
            address 'addr' in memory; this includes verification of the\n      \
            image contents (magic number, header and payload checksums);\n      \
            legacy images, scripts, FIT and zImages are known",
    example: "iminfo 40200000",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let loadaddr = cx.env.get("loadaddr").map(String::from);
    let addresses = match arguments {
        [_] => [loadaddr.as_deref().ok_or_else(CommandError::usage)?].to_vec(),
        [_, addresses @ ..] => addresses.to_vec(),
        [] => return Err(CommandError::usage()),
    };
    let mut all = true;
    for address in addresses {
        let address = parse_hex(address)?;
        let mut text = String::new();
        let result = describe(cx.machine.memory, address, &mut text);
        // Writing to a context cannot fail.
        let _ = write!(cx, "\n## Checking Image at {address:08x} ...\n{text}");
        all &= result?;
    }
    if all {
        Ok(())
    } else {
        Err(CommandError::status(1))
    }
}

/// Returns `size` bytes at `address`, if they are granted.
fn bytes(memory: &dyn PhysicalMemory, address: u64, size: u64) -> Result<&[u8], CommandError> {
    let range = PhysRange::from_size(PhysAddr::new(address), size);
    let range = range.ok_or_else(|| {
        CommandError::message(alloc::format!(
            "{size:x} bytes at {address:08x} end beyond the last address"
        ))
    })?;
    Ok(memory.bytes(range)?)
}

/// Describes the image at `address`; tells whether it is one, and whole.
fn describe(
    memory: &dyn PhysicalMemory,
    address: u64,
    out: &mut String,
) -> Result<bool, CommandError> {
    let head = bytes(memory, address, image::legacy::HEADER_SIZE as u64)?;
    if let Some(header) = image::legacy::LegacyHeader::parse(head) {
        let data = address.saturating_add(head.len() as u64);
        return legacy::describe(memory, (&header, head), data, out);
    }
    if let Ok(size) = devicetree::blob_size(head) {
        return Ok(fit::describe(
            bytes(memory, address, size as u64)?,
            address,
            out,
        ));
    }
    if let Some(size) = zimage_size(head) {
        let _ = writeln!(
            out,
            "   ARM zImage found\n   Image Size:   {size} Bytes = {}",
            super::size_text::Size(size)
        );
        return Ok(true);
    }
    // Writing to a string cannot fail.
    let _ = out.write_str("Unknown image format!\n");
    Ok(false)
}

/// Returns what a zImage's header says of its length.
fn zimage_size(head: &[u8]) -> Option<u64> {
    use image::zimage::{END_OFFSET, MAGIC, MAGIC_OFFSET, START_OFFSET};
    let word = |offset: usize| {
        let bytes = head.get(offset..)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    };
    let size = word(END_OFFSET)?.checked_sub(word(START_OFFSET)?)?;
    (word(MAGIC_OFFSET)? == MAGIC).then_some(u64::from(size))
}

/// Writes a time as U-Boot does: `2026-11-22  12:05:48 UTC`.
fn write_time(out: &mut String, seconds: u32) {
    let date = DateTime::from_seconds(u64::from(seconds));
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{:4}-{:02}-{:02}  {:2}:{:02}:{:02} UTC",
        date.year, date.month, date.day, date.hour, date.minute, date.second
    );
}

/// Writes a size as U-Boot does: `5526016 Bytes = 5.3 MiB`.
fn write_size(out: &mut String, bytes: u64) {
    let _ = writeln!(out, "{bytes} Bytes = {}", super::size_text::Size(bytes));
}

#[cfg(test)]
mod tests;
