//! `fstype`, `fstypes`: which file system a volume has, and which are read.

use core::fmt::Write;

use super::{Command, CommandError, Group};
use crate::{
    context::Context,
    storage::{self, VolumeName},
};

/// `fstype`.
pub static FSTYPE: Command = Command {
    name: "fstype",
    aliases: &[],
    group: Group::Storage,
    summary: "Look up a filesystem type",
    usage: "<interface> <dev>:<part>\n    - print filesystem type\n\
            <interface> <dev>:<part> <varname>\n    - set environment variable to filesystem type",
    example: "fstype virtio 0:1",
    run: run_fstype,
};

/// `fstypes`.
pub static FSTYPES: Command = Command {
    name: "fstypes",
    aliases: &[],
    group: Group::Storage,
    summary: "List supported filesystem types",
    usage: "",
    example: "fstypes",
    run: run_fstypes,
};

fn run_fstype(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (interface, device, variable) = match *arguments {
        [_, interface, device] => (interface, device, None),
        [_, interface, device, variable] => (interface, device, Some(variable)),
        _ => return Err(CommandError::usage()),
    };
    let name = storage::file_system(&mut cx.machine.disks, VolumeName { interface, device })?;
    match variable {
        Some(variable) => cx.env.try_set(variable, name)?,
        None => {
            // Writing to a context cannot fail.
            let _ = writeln!(cx, "{name}");
        }
    }
    Ok(())
}

fn run_fstypes(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    if arguments.len() != 1 {
        return Err(CommandError::usage());
    }
    let _ = cx.write_str("Supported filesystems: fat, ext4\n");
    Ok(())
}
