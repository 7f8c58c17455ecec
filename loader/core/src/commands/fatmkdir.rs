//! `fatmkdir`: makes directories.

use super::{Command, CommandError, Group};
use crate::{
    context::Context,
    storage::{self, VolumeName},
};

/// `fatmkdir`.
pub static FATMKDIR: Command = Command {
    name: "fatmkdir",
    aliases: &[],
    group: Group::Storage,
    summary: "create a directory",
    usage: "<interface> <dev[:part]> <directory>\n    - create a directory in 'dev' on 'interface'",
    example: "fatmkdir virtio 0:1 backup",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [_, interface, device, path] = arguments else {
        return Err(CommandError::usage());
    };
    let volume = VolumeName { interface, device };
    Ok(storage::create_directory(
        &mut cx.machine.disks,
        volume,
        path,
    )?)
}
