//! `size`: tells how long a file is.

use alloc::format;

use super::{Command, CommandError, Group};
use crate::{
    context::Context,
    storage::{self, VolumeName},
};

/// The descriptor.
pub static SIZE: Command = Command {
    name: "size",
    aliases: &["ext4size"],
    group: Group::Storage,
    summary: "determine a file's size",
    usage: "<interface> <dev[:part]> <filename>\n    \
            - find file 'filename' from 'dev' on 'interface', and set filesize to its size",
    example: "size virtio 0:1 zImage",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [_, interface, device, path] = *arguments else {
        return Err(CommandError::usage());
    };
    let volume = VolumeName { interface, device };
    let size = storage::size(&mut cx.machine.disks, volume, path)?;
    Ok(cx.env.try_set("filesize", &format!("{size:x}"))?)
}
