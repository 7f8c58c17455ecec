//! `save`, `fatwrite`: writes memory into a file.

use alloc::format;
use core::fmt::Write;

use platform_api::{PhysAddr, PhysRange};

use super::{Command, CommandError, Group, load::Rate, parse_hex};
use crate::{
    context::Context,
    storage::{self, VolumeName},
};

/// `save`.
pub static SAVE: Command = Command {
    name: "save",
    aliases: &["fatwrite", "ext4write"],
    group: Group::Storage,
    summary: "save file to a filesystem",
    usage: "<interface> <dev[:part]> <addr> <filename> bytes [pos]\n    \
            - Save binary file 'filename' to partition 'part' on device\n      \
            type 'interface' instance 'dev' from addr 'addr' in memory.\n      \
            'bytes' gives the size to save in bytes and is mandatory.\n      \
            'pos' gives the file byte position to start writing to.\n      \
            If 'pos' is 0 or omitted, the file is written from the start.\n      \
            What the file had behind the last byte is cut off.",
    example: "save virtio 0:1 48000000 dump.bin 1000",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (interface, device, address, path, bytes, position) = match arguments {
        [_, interface, device, address, path, bytes] => {
            (*interface, *device, address, path, bytes, &"0")
        }
        [_, interface, device, address, path, bytes, position] => {
            (*interface, *device, address, path, bytes, position)
        }
        _ => return Err(CommandError::usage()),
    };
    let address = PhysAddr::new(parse_hex(address)?);
    let (bytes, position) = (parse_hex(bytes)?, parse_hex(position)?);
    let range = PhysRange::from_size(address, bytes)
        .ok_or_else(|| CommandError::message(format!("{bytes:#x} bytes at {address} wrap")))?;
    let volume = VolumeName { interface, device };
    let begin = cx.machine.clock.microseconds();
    let source = cx.machine.memory.bytes(range)?;
    let (input, console) = (&mut cx.input, &mut *cx.machine.console);
    storage::write(
        &mut cx.machine.disks,
        volume,
        path,
        position,
        source,
        &mut || !input.interrupted(console),
    )?;
    let end = cx.machine.clock.microseconds();
    let rate = Rate {
        bytes,
        verb: "written",
        microseconds: end.saturating_sub(begin),
    };
    let _ = writeln!(cx, "{rate}");
    Ok(())
}
