use alloc::{string::String, vec, vec::Vec};

use platform_api::PhysAddr;

use crate::boot::testing::{Board, RAM, command, pattern, put, range};

/// Makes an executable: entry, and segments of address, bytes in the file, bytes in memory.
fn elf(entry: u32, segments: &[(u32, usize, u32)]) -> Vec<u8> {
    let mut bytes = vec![0; 52 + 32 * segments.len()];
    bytes[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 1, 1, 1]);
    put(&mut bytes, 16, 2 | 40 << 16);
    put(&mut bytes, 20, 1);
    put(&mut bytes, 24, entry);
    put(&mut bytes, 28, 52);
    put(&mut bytes, 40, 52);
    put(&mut bytes, 42, 32);
    put(&mut bytes, 44, u32::try_from(segments.len()).unwrap());
    for (index, (address, filled, size)) in segments.iter().enumerate() {
        let header = 52 + 32 * index;
        let offset = u32::try_from(bytes.len()).unwrap();
        let filled_word = u32::try_from(*filled).unwrap();
        for (word, value) in [1, offset, *address, *address, filled_word, *size, 7, 4]
            .into_iter()
            .enumerate()
        {
            put(&mut bytes, header + 4 * word, value);
        }
        bytes.extend(pattern(*filled));
    }
    bytes
}

fn hello() -> Vec<u8> {
    elf(
        0x4100_0010,
        &[(0x4100_0000, 9000, 9000), (0x4200_0000, 100, 6000)],
    )
}

fn check(board: &Board, handoff: &platform_api::Handoff) {
    assert_eq!(handoff.entry, PhysAddr::new(0x4100_0010));
    assert!(board.ram(range(0x4100_0000, 9000)) == pattern(9000));
    assert!(board.ram(range(0x4200_0000, 100)) == pattern(100));
    assert!(board.ram(range(0x4200_0064, 5900)) == vec![0; 5900]);
    let tree = board.tree_at(handoff.device_tree);
    assert!(tree.find("/chosen").is_some());
    for segment in [range(0x4100_0000, 9000), range(0x4200_0000, 6000)] {
        assert!(
            handoff
                .clean
                .iter()
                .any(|clean| clean.contains_range(segment))
        );
    }
}

#[test]
fn loads_segments_from_a_file_and_from_memory() {
    let mut board = Board::new(&[("hello.elf", &hello())]);
    board.memory.fill(0x4200_0000, &[0xff; 8000]);
    let handoff = board.boots("bootelf hello.elf");
    check(&board, &handoff);
    let text: String = board.console.text();
    assert!(
        text.contains("## Starting application at 0x41000010 ..."),
        "{text}"
    );
    let mut board = Board::new(&[]);
    board.memory.fill(0x4400_0000, &hello());
    board.memory.fill(0x4200_0000, &[0xff; 8000]);
    let handoff = board.boots("bootelf 44000000");
    check(&board, &handoff);
}

/// Staged, each segment has its sum; what the file was copied from may go.
#[test]
fn segments_are_staged_and_watched() {
    let mut board = Board::new(&[("hello.elf", &hello())]);
    let ended = board.run(|cx| {
        assert!(command(cx, "kexec -l hello.elf --initrd=hello.elf").is_err());
        command(cx, "kexec -l hello.elf").unwrap();
        assert_eq!(cx.map.staged.len(), 3, "two segments and the tree");
        let cleared = PhysAddr::new(0x4200_1000);
        let memory = &mut cx.machine.memory;
        memory.write(cleared, platform_api::Width::Byte, 1).unwrap();
        let refusal = command(cx, "kexec -e").unwrap_err();
        let refusal = alloc::string::ToString::to_string(&refusal);
        assert!(
            refusal.starts_with("segment 1 at [0x42000000-"),
            "{refusal}"
        );
        let memory = &mut cx.machine.memory;
        memory.write(cleared, platform_api::Width::Byte, 0).unwrap();
        command(cx, "kexec -e").unwrap();
    });
    check(&board, &ended.unwrap_err());
}

#[test]
fn segments_may_lie_above_the_file() {
    let mut board = Board::new(&[]);
    board.memory.fill(0x4080_0000, &hello());
    let handoff = board.boots("bootelf 40800000");
    check(&board, &handoff);
}

#[test]
fn a_dry_run_loads_no_segment() {
    let mut board = Board::new(&[]);
    board.memory.fill(0x4400_0000, &hello());
    let before = board.ram(range(RAM, 0x300_0000));
    let ended = board.run(|cx| command(cx, "bootelf -n 44000000"));
    ended.unwrap().unwrap();
    assert!(board.ram(range(RAM, 0x300_0000)) == before);
    let text = board.console.text();
    assert!(
        text.contains("[0x41000000-0x41002327]  9000 B   segment 0"),
        "{text}"
    );
}

#[test]
fn segments_are_checked_against_the_map() {
    for (segment, expected) in [
        (
            (0x3000_0000, 16, 16),
            "segment 1 at [0x30000000-0x3000000f] is not in RAM",
        ),
        (
            (0x4fef_ffd0, 16, 64),
            "segment 1 at [0x4fefffd0-0x4ff0000f] overlaps image",
        ),
        ((0x4400_0000, 16, 16), "overlaps ELF file at"),
        ((0x4500_0800, 16, 16), "overlaps reserved memory tee"),
    ] {
        let file = elf(0x4100_0000, &[(0x4100_0000, 64, 64), segment]);
        let mut board = Board::new(&[]);
        board.reserve(range(0x4500_0000, 0x1000), "tee");
        board.memory.fill(0x4400_0000, &file);
        let before = board.ram(range(0x4100_0000, 64));
        let refusal = board.refuses("bootelf 44000000");
        assert!(refusal.contains(expected), "{refusal}");
        assert_eq!(board.ram(range(0x4100_0000, 64)), before);
    }
    let mut board = Board::new(&[("text", b"not an executable")]);
    assert_eq!(
        board.refuses("bootelf text"),
        "no ELF file: magic is 0x6e6f7420, not 0x7f454c46"
    );
    assert!(board.refuses("bootelf").contains("no file was loaded"));
    board.tree = None;
    board.memory.fill(0x4400_0000, &hello());
    assert!(
        board
            .refuses("bootelf 44000000")
            .starts_with("no device tree")
    );
}
