//! `fatrm`: removes files.

use super::{Command, CommandError, Group};
use crate::{
    context::Context,
    storage::{self, VolumeName},
};

/// `fatrm`.
pub static FATRM: Command = Command {
    name: "fatrm",
    aliases: &[],
    group: Group::Storage,
    summary: "delete a file",
    usage: "<interface> <dev[:part]> <filename>\n    - delete a file, or an empty directory, from 'dev' on 'interface'",
    example: "fatrm virtio 0:1 old.img",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [_, interface, device, path] = arguments else {
        return Err(CommandError::usage());
    };
    let volume = VolumeName { interface, device };
    Ok(storage::remove(&mut cx.machine.disks, volume, path)?)
}
