use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use platform_api::{PhysAddr, PhysRange, Width};

use super::options::{Action, parse};
use crate::{
    boot::testing::{Board, RAM, command, pattern, range, zimage},
    commands::Failure,
};

const LENGTH: usize = 300_000;
const INITRD: usize = 70_000;

fn kernel() -> Vec<u8> {
    zimage(LENGTH, 4 << 20, 0x8000)
}

fn board() -> Board {
    Board::new(&[("zimage", &kernel()), ("initrd.img", &pattern(INITRD))])
}

/// Runs command lines up to the first that fails, and says why.
fn lines(board: &mut Board, lines: &[&str]) -> Result<(), String> {
    let ended = board.run(|cx| {
        lines
            .iter()
            .try_for_each(|line| command(cx, line))
            .map_err(|error| error.to_string())
    });
    ended.unwrap()
}

#[test]
fn what_is_staged_goes() {
    let mut board = board();
    let ended = board.run(|cx| {
        command(cx, "kexec -l zImage --initrd=initrd.img --append=quiet").unwrap();
        command(cx, "kexec -e").unwrap();
    });
    let handoff = ended.unwrap_err();
    let image = range(handoff.entry.as_u64(), LENGTH as u64);
    assert!(board.ram(image) == kernel());
    let tree = board.tree_at(handoff.device_tree);
    let chosen = tree.find("/chosen").unwrap();
    assert_eq!(tree.text(chosen, "bootargs"), Some("quiet"));
    let text = board.console.text();
    for said in [
        format!("image, crc32 {:08x}", crc32fast::hash(&kernel())),
        format!("initrd, crc32 {:08x}", crc32fast::hash(&pattern(INITRD))),
        "device tree, crc32 ".to_string(),
        "Arguments: quiet".to_string(),
    ] {
        assert_eq!(text.matches(&said).count(), 1, "{said}: {text}");
    }
    // The same handoff as that of bootz.
    let mut board = self::board();
    board.bootargs = Some("quiet".into());
    let direct = board.boots("bootz zImage initrd.img");
    assert_eq!(*handoff, direct);
}

/// Every piece is watched: image, the word behind it, initrd, tree; and no other byte.
#[test]
fn a_byte_that_moved_is_refused_by_name() {
    let mut board = board();
    let tried = board.run(|cx| {
        command(cx, "kexec -l zImage --initrd=initrd.img").unwrap();
        let staged = cx.staged.clone().unwrap();
        let pieces = staged.plan().pieces();
        assert_eq!(pieces.len(), 4);
        for (piece, name) in pieces {
            let last = PhysAddr::new(piece.end().as_u64() - 1);
            let was = cx.machine.memory.read(last, Width::Byte).unwrap();
            let memory = &mut cx.machine.memory;
            memory.write(last, Width::Byte, was ^ 0x10).unwrap();
            let now = crc32fast::hash(memory.bytes(piece).unwrap());
            let refusal = command(cx, "kexec -e").unwrap_err().to_string();
            let expected = format!("{name} at {piece} changed since it was staged: its crc32 was ");
            assert!(refusal.starts_with(&expected), "{refusal}");
            assert!(refusal.contains(&format!("is {now:08x}")), "{refusal}");
            cx.machine.memory.write(last, Width::Byte, was).unwrap();
            let beside = PhysAddr::new(piece.end().as_u64() + 64);
            if cx
                .map
                .staged
                .iter()
                .all(|claim| !claim.range.contains(beside))
            {
                cx.machine.memory.write(beside, Width::Byte, 0x77).unwrap();
            }
        }
        // Put right again, it goes.
        command(cx, "kexec -e").unwrap();
    });
    assert!(tried.is_err());
    assert_eq!(board.console.text().matches("Starting kernel").count(), 1);
}

#[test]
fn its_memory_is_kept_until_it_is_unloaded() {
    let mut board = board();
    let ended = board.run(|cx| {
        command(cx, "kexec -s").unwrap();
        command(cx, "kexec -l zImage").unwrap();
        let claims: Vec<PhysRange> = cx.map.staged.iter().map(|claim| claim.range).collect();
        assert_eq!(claims.len(), 3, "image, word, tree");
        let at = claims[0].start().as_u64();
        let load = format!("load virtio 0:1 {at:x} initrd.img");
        let refusal = command(cx, &load).unwrap_err().to_string();
        assert!(refusal.contains("what kexec staged"), "{refusal}");
        command(cx, "kexec -s").unwrap();
        command(cx, "bdinfo").unwrap();
        // Without an address, load finds a place that is free.
        command(cx, "load virtio 0:1 - initrd.img").unwrap();
        command(cx, "kexec -u").unwrap();
        assert!(cx.map.staged.is_empty());
        command(cx, &load).unwrap();
        command(cx, "kexec -u").unwrap();
        command(cx, "kexec -s").unwrap();
        command(cx, "kexec -e").unwrap_err().to_string()
    });
    assert!(ended.unwrap().starts_with("Nothing has been loaded!"));
    let text = board.console.text().replace("\r\n", "\n");
    assert!(text.starts_with("0\n"), "{text}");
    assert!(text.contains("\n1\nEntry 0x"), "{text}");
    assert!(text.ends_with("\n0\n"), "{text}");
    assert!(text.contains("staged      = [0x"), "{text}");
}

#[test]
fn the_next_one_takes_its_place() {
    let mut board = board();
    let ended = board.run(|cx| {
        command(cx, "kexec -l zImage").unwrap();
        let first = cx.staged.clone().unwrap();
        // A refused plan leaves it alone.
        assert!(command(cx, "kexec -l nosuch").is_err());
        assert!(command(cx, "bootz zImage 40400000:1000").is_err());
        assert_eq!(cx.staged.as_ref(), Some(&first));
        command(cx, "kexec -l zImage --initrd initrd.img").unwrap();
        let second = cx.staged.clone().unwrap();
        assert_eq!(second.plan().entry, first.plan().entry);
        assert_eq!(cx.map.staged.len(), 4);
        command(cx, "bootz zImage").unwrap();
    });
    assert_eq!(ended.unwrap_err().entry, PhysAddr::new(RAM + 0x40_9000));
}

/// The tree is written when it is staged: what is edited then is for the next one.
#[test]
fn later_edits_do_not_count() {
    let mut board = board();
    let ended = board.run(|cx| {
        command(cx, "kexec -l zImage --reuse-cmdline").unwrap();
        command(cx, "setenv bootargs other").unwrap();
        command(cx, "kexec -e").unwrap();
    });
    let handoff = ended.unwrap_err();
    let tree = board.tree_at(handoff.device_tree);
    let chosen = tree.find("/chosen").unwrap();
    assert_eq!(tree.text(chosen, "bootargs"), Some("console=ttyAMA0"));
}

#[test]
fn a_machine_that_cannot_be_handed_over_keeps_it() {
    let mut board = board();
    let refusal = platform_api::HandoffRefusal::CpuRunning { affinity: 1 };
    board.launcher.refusal = Some(refusal);
    assert_eq!(
        lines(&mut board, &["kexec -l zImage"]),
        Err(refusal.to_string())
    );
}

#[test]
fn words_in_any_order() {
    let words = |text: &'static str| text.split(' ').collect::<Vec<_>>();
    for line in [
        "-l zImage --initrd=i --dtb=d --command-line=a=b",
        "--ramdisk i --load --dtb d --append a=b zImage",
    ] {
        let parsed = parse(&words(line)).unwrap();
        assert_eq!(parsed.action, Action::Load, "{line}");
        assert_eq!(parsed.kernel, Some("zImage"), "{line}");
        assert_eq!(parsed.initrd, Some("i"), "{line}");
        assert_eq!(parsed.dtb, Some("d"), "{line}");
        assert_eq!(parsed.command_line, Some("a=b"), "{line}");
    }
    for (line, action) in [
        ("-e", Action::Execute),
        ("--exec", Action::Execute),
        ("-u", Action::Unload),
        ("--unload", Action::Unload),
        ("-s", Action::Status),
        ("-S", Action::Status),
        ("--status", Action::Status),
        ("zImage -d", Action::LoadAndExecute),
    ] {
        assert_eq!(parse(&words(line)).unwrap().action, action, "{line}");
    }
    for line in [
        "-l",
        "-e zImage",
        "-l -e zImage",
        "-l a b",
        "-l a --initrd",
        "-l a --initrd=b --ramdisk=c",
        "-l a --append=b --reuse-cmdline",
        "-l a --initrd=b --reuseinitrd",
        "-u --append=b",
        "-l a --nonsense",
        "-l a -x",
        "-s -d",
    ] {
        assert!(
            matches!(parse(&words(line)).unwrap_err().failure(), Failure::Usage),
            "{line}"
        );
    }
    assert!(matches!(parse(&[]).unwrap_err().failure(), Failure::Usage));
}
