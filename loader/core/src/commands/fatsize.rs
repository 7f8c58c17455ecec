//! `fatsize`: sizes of files.

use alloc::format;

use super::{Command, CommandError, Group};
use crate::{
    context::Context,
    storage::{self, VolumeName},
};

/// `fatsize`.
pub static FATSIZE: Command = Command {
    name: "fatsize",
    aliases: &[],
    group: Group::Storage,
    summary: "determine a file's size",
    usage: "<interface> <dev[:part]> <filename>\n    - Find file 'filename' from 'dev' on 'interface'\n      and determine its size: sets the variable filesize.",
    example: "fatsize virtio 0:1 zImage",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [_, interface, device, path] = arguments else {
        return Err(CommandError::usage());
    };
    let volume = VolumeName { interface, device };
    let size = storage::size(&mut cx.machine.disks, volume, path)?;
    Ok(cx.env.try_set("filesize", &format!("{size:x}"))?)
}
