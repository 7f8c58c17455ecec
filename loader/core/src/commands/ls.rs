//! `ls`, `fatls`: lists a directory.

use alloc::string::String;
use core::fmt::Write;

use super::{Command, CommandError, Group};
use crate::{
    context::Context,
    storage::{self, VolumeName, default_volume},
};

/// `ls`.
pub static LS: Command = Command {
    name: "ls",
    aliases: &["fatls", "ext2ls", "ext4ls"],
    group: Group::Storage,
    summary: "list files in a directory (default /)",
    usage: "[<interface> <dev[:part]> [directory]]\n    \
            - list the files in 'directory' of partition 'part' on device type 'interface'\n      \
            instance 'dev'; without a device, of ${devtype} ${devnum}:${distro_bootpart}",
    example: "ls virtio 0:1 /",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (interface, device, path) = match arguments {
        [_] => {
            let (interface, device) = default_volume(&cx.env).ok_or_else(|| {
                CommandError::message("no disk to list; set devtype and devnum".into())
            })?;
            (interface, device, "/")
        }
        [_, interface, device] => (String::from(*interface), String::from(*device), "/"),
        [_, interface, device, path] => (String::from(*interface), String::from(*device), *path),
        _ => return Err(CommandError::usage()),
    };
    let volume = VolumeName {
        interface: &interface,
        device: &device,
    };
    let entries = storage::list(&mut cx.machine.disks, volume, path)?;
    let mut directories = 0;
    for entry in &entries {
        let _ = if entry.directory {
            directories += 1;
            writeln!(cx, "            {}/", entry.name)
        } else if entry.link {
            writeln!(cx, "    <SYM>   {}", entry.name)
        } else {
            writeln!(cx, "{:>9}   {}", entry.size, entry.name)
        };
    }
    let files = entries.len() - directories;
    let _ = writeln!(cx, "\n{files} file(s), {directories} dir(s)\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use hadris_fat::FatKind;

    use super::*;
    use crate::storage::testing::{Bench, TestDisk, fat_image, with_mbr};

    fn bench() -> Bench {
        let files: [(&str, &[u8]); 4] = [
            ("zImage", &[0; 12345]),
            ("dtbs/", b""),
            ("dtbs/virt.dtb", b"1"),
            ("boot.scr", b"22"),
        ];
        let volume = fat_image(FatKind::Fat12, 1 << 20, 512, &files);
        Bench::new(vec![TestDisk::new(with_mbr(&volume))])
    }

    #[test]
    fn lists_as_uboot_does() {
        let mut bench = bench();
        bench.run(|cx| run(cx, &["ls", "virtio", "0:1"])).unwrap();
        let root = "    12345   zImage\n            dtbs/\n        2   boot.scr\n\n\
                    2 file(s), 1 dir(s)\n\n";
        assert_eq!(bench.output, root);
        let arguments = ["fatls", "virtio", "0", "dtbs"];
        bench.run(|cx| run(cx, &arguments)).unwrap();
        assert_eq!(
            bench.output,
            "        1   virt.dtb\n\n1 file(s), 0 dir(s)\n\n"
        );
        bench.env.set("devtype", "virtio");
        bench.env.set("devnum", "0");
        bench.run(|cx| run(cx, &["ls"])).unwrap();
        assert_eq!(bench.output, root);
    }

    #[test]
    fn refuses() {
        let mut bench = bench();
        let mut error = |arguments: &[&str]| {
            let error = bench.run(|cx| run(cx, arguments)).unwrap_err();
            assert_eq!(bench.output, "");
            alloc::format!("{error}")
        };
        assert_eq!(error(&["ls"]), "no disk to list; set devtype and devnum");
        assert_eq!(error(&["ls", "virtio"]), "wrong arguments");
        assert_eq!(error(&["ls", "mmc", "0"]), "no disk mmc 0");
        assert_eq!(error(&["ls", "virtio", "1f:1"]), "no disk virtio 1f");
        assert_eq!(
            error(&["ls", "virtio", "0:2"]),
            "no partition 2 on the disk"
        );
        assert_eq!(
            error(&["ls", "virtio", "0", "zImage"]),
            "zImage is not a directory"
        );
        assert_eq!(
            error(&["ls", "virtio", "0", "nothing"]),
            "no such file or directory: nothing"
        );
    }
}
