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
        return Err(CommandError::usage());
    };
    let file = storage::open(&mut cx.machine, VolumeName { interface, device }, path)?;
    let mut buffer = Vec::new();
    let mut at = 0;
    while at < file.size() {
        if cx.interrupted() {
            return Err(CommandError::interrupted());
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

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec, vec::Vec};

    use hadris_fat::FatKind;

    use crate::{
        commands::find,
        storage::testing::{Bench, TestDisk, fat_image, with_mbr},
    };

    /// Also `size`, `fstype` and `fstypes`: what tells of a file or a volume.
    #[test]
    fn files_and_volumes() {
        let long = "0123456789abcde\n".repeat(600);
        let files: [(&str, &[u8]); 3] = [
            ("uEnv.txt", b"a=1\nb=2"),
            ("empty", b""),
            ("long.txt", long.as_bytes()),
        ];
        let volume = fat_image(FatKind::Fat12, 1 << 20, 512, &files);
        let mut bench = Bench::new(vec![TestDisk::new(with_mbr(&volume))]);
        let mut run = |line: &str| {
            let words: Vec<&str> = line.split(' ').collect();
            let command = find(words[0]).unwrap();
            let result = bench.run(|cx| (command.run)(cx, &words));
            let result = result.map_err(|error| error.to_string());
            let variable = bench.env.get("filesize").or(bench.env.get("t"));
            (
                result,
                bench.output.clone(),
                variable.map(ToString::to_string),
            )
        };
        assert_eq!(run("cat virtio 0:1 uEnv.txt").1, "a=1\nb=2");
        assert_eq!(run("cat virtio 0:1 empty").1, "");
        assert_eq!(run("cat virtio 0:1 long.txt").1, long);
        assert_eq!(
            run("cat virtio 0:1 nosuch").0,
            Err("no such file or directory: nosuch".into())
        );
        assert_eq!(run("fstype virtio 0:1").1, "fat\n");
        assert_eq!(run("fstype virtio 0:1 t").2, Some("fat".into()));
        assert_eq!(
            run("fstype virtio 0:2").0,
            Err("no partition 2 on the disk".into())
        );
        assert_eq!(run("fstypes").1, "Supported filesystems: fat, ext4\n");
        assert_eq!(run("size virtio 0:1 long.txt").2, Some("2580".into()));
        assert_eq!(run("size virtio 0:1 /").0, Err("/ is a directory".into()));
        for usage in [
            "cat virtio 0:1",
            "size virtio 0:1",
            "fstype virtio",
            "fstypes x",
        ] {
            assert_eq!(run(usage).0, Err("wrong arguments".into()), "{usage}");
        }
    }
}
