//! `cat`: shows a text file.

use alloc::vec::Vec;

use super::{Command, CommandError, Group};
use crate::{
    context::Context,
    storage::{self, VolumeName},
};

/// The descriptor.
pub static CAT: Command = Command {
    name: "cat",
    aliases: &[],
    group: Group::Storage,
    summary: "print file to standard output",
    usage: "<interface> <dev[:part]> <file>\n    - print file from 'dev' on 'interface' to standard output",
    example: "cat virtio 0:1 uEnv.txt",
    run,
};

/// Bytes read at once.
const PIECE: u64 = 4096;

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [_, interface, device, path] = *arguments else {
        return Err(CommandError::Usage);
    };
    let file = storage::open(&mut cx.machine, VolumeName { interface, device }, path)?;
    let mut buffer = Vec::new();
    let mut at = 0;
    while at < file.size() {
        if cx.interrupted() {
            return Err(CommandError::Interrupted);
        }
        let length = PIECE.min(file.size() - at);
        buffer.resize(usize::try_from(length).unwrap_or(0), 0);
        file.read_at(&mut cx.machine.disks, at, &mut buffer)?;
        show(cx, &buffer);
        at += length;
    }
    Ok(())
}

/// Writes text whatever its encoding, each newline as CR LF.
fn show(cx: &mut Context<'_>, text: &[u8]) {
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        match line.strip_suffix(b"\n") {
            Some(line) => {
                cx.write_raw(line);
                cx.write_raw(b"\r\n");
            }
            None => cx.write_raw(line),
        }
    }
}
