use alloc::{string::String, vec, vec::Vec};
use hadris_fat::FatKind;

use super::complete;
use crate::{
    devicetree::testing,
    storage::testing::{Bench, TestDisk, fat_image, with_mbr},
};

fn bench() -> Bench {
    let files: [(&str, &[u8]); 6] = [
        ("zImage", b"1"),
        ("initrd.img", b"2"),
        ("dtbs/", b""),
        ("dtbs/virt.dtb", b"3"),
        ("dtbs/vexpress.dtb", b"4"),
        ("my file", b"5"),
    ];
    let volume = fat_image(FatKind::Fat12, 1 << 20, 512, &files);
    let mut bench = Bench::new(vec![TestDisk::new(with_mbr(&volume))]);
    bench.env.set("devtype", "virtio");
    bench.env.set("devnum", "0");
    bench.env.set("name", "value");
    bench.env.set("names", "values");
    bench
}

/// Each candidate as what it makes of the line, `|` behind a blank that follows.
fn lines(head: &str) -> Vec<String> {
    bench().run(|cx| {
        let source = "/dts-v1/; / { chosen { module@0 {}; }; cpus {}; };";
        cx.tree = Some(testing::tree(source));
        let candidates = complete(cx, head);
        let line = |candidate: &super::Candidate| {
            let end = if candidate.ends { " |" } else { "" };
            [head, &candidate.rest, end].concat()
        };
        candidates.iter().map(line).collect()
    })
}

#[test]
fn completes_each_kind() {
    for (head, expected) in [
        ("printe", &["printenv |"][..]),
        ("echo a; printe", &["echo a; printenv |"]),
        ("if true; then printe", &["if true; then printenv |"]),
        ("help printe", &["help printenv |"]),
        ("nosuch a", &[]),
        // Variables.
        ("printenv na", &["printenv name |", "printenv names |"]),
        (
            "printenv a na",
            &["printenv a name |", "printenv a names |"],
        ),
        ("setenv names", &["setenv names |"]),
        ("setenv -f names", &["setenv -f names |"]),
        ("setenv names na", &[]),
        ("editenv names", &["editenv names |"]),
        ("run names", &["run names |"]),
        ("echo ${name", &["echo ${name}", "echo ${names}"]),
        ("echo \"a $names", &["echo \"a $names"]),
        // Subcommands and what they take.
        ("fdt r", &["fdt resize |", "fdt rm |", "fdt rsvmem |"]),
        ("fdt get v", &["fdt get value |"]),
        ("fdt get value names", &["fdt get value names |"]),
        (
            "fdt print /c",
            &["fdt print /chosen |", "fdt print /cpus |"],
        ),
        ("fdt print /chosen/", &["fdt print /chosen/module@0 |"]),
        ("part li", &["part list |"]),
        ("part list vi", &["part list virtio |"]),
        ("md a", &[]),
        // Disks and files.
        ("ls vi", &["ls virtio |"]),
        ("ls virtio ", &["ls virtio 0 |", "ls virtio 0:1 |"]),
        ("ls virtio 0:1 dt", &["ls virtio 0:1 dtbs/"]),
        (
            "load virtio 0:1 48000000 zI",
            &["load virtio 0:1 48000000 zImage |"],
        ),
        (
            "load virtio 0:1 - dtbs/v",
            &[
                "load virtio 0:1 - dtbs/vexpress.dtb |",
                "load virtio 0:1 - dtbs/virt.dtb |",
            ],
        ),
        ("load virtio 7:1 48000000 zI", &[]),
        ("bootz zI", &["bootz zImage |"]),
        ("bootz -n zImage in", &["bootz -n zImage initrd.img |"]),
        ("bootelf /zI", &["bootelf /zImage |"]),
        ("bootz my", &["bootz my\\ file |"]),
        ("bootz 'my", &["bootz 'my file"]),
    ] {
        assert_eq!(lines(head), expected, "{head}");
    }
}

/// No usage misleads: whatever is offered behind a command is a word, a name, a disk or a path.
#[test]
fn examples_are_found_word_by_word() {
    for command in crate::commands::COMMANDS {
        for form in command.usage.lines() {
            let head = alloc::format!("{} ", command.name);
            for line in lines(&head) {
                let rest = line.strip_prefix(&head).unwrap();
                // `[` is a command's name.
                let usage = rest.trim_start_matches("\\[").contains(['<', '[']);
                assert!(!usage, "{line} from {form}");
            }
        }
    }
}
