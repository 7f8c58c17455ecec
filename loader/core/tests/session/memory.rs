//! The commands that access memory.

use crate::{
    assert_all,
    bench::{Bench, RAM, outputs_on},
};
use platform_api::{PhysAddr, PhysRange, PhysicalMemory};
use platform_fake::FakeConsole;

#[test]
fn memory_display() {
    let cases = [
        ("mw.l 40200000 a5f09876 4; mw.b 40200010 41 5", ""),
        (
            "md 40200000 10",
            "40200000: a5f09876 a5f09876 a5f09876 a5f09876  v...v...v...v...\n\
             40200010: 41414141 00000041 00000000 00000000  AAAAA...........\n\
             40200020: 00000000 00000000 00000000 00000000  ................\n\
             40200030: 00000000 00000000 00000000 00000000  ................\n",
        ),
        (
            "md.b 40200000 13",
            "40200000: 76 98 f0 a5 76 98 f0 a5 76 98 f0 a5 76 98 f0 a5  v...v...v...v...\n\
             40200010: 41 41 41                                         AAA\n",
        ),
        (
            "",
            "40200013: 41 41 00 00 00 00 00 00 00 00 00 00 00 00 00 00  AA..............\n\
             40200023: 00 00 00                                         ...\n",
        ),
        (
            "md.w 0x40200000 9",
            "40200000: 9876 a5f0 9876 a5f0 9876 a5f0 9876 a5f0  v...v...v...v...\n\
             40200010: 4141                                     AA\n",
        ),
        (
            "md.q 40200000 3",
            "40200000: a5f09876a5f09876 a5f09876a5f09876  v...v...v...v...\n\
             40200010: 0000004141414141                   AAAAA...\n",
        ),
        ("mw.b 40200000 1ff 2", ""),
        ("mw.b 40200000 ff 2", ""),
        ("", ""),
        (
            "md 40200000 1",
            "40200000: a5f0ffff                             ....\n",
        ),
        (
            "md.x 40200000",
            "md - memory display\n\nUsage:\nmd [.b, .w, .l, .q] address [# of objects]\n",
        ),
        ("md zz", "\"zz\" is not a hexadecimal number\n"),
        (
            "md 10000000000000000",
            "\"10000000000000000\" does not fit 64 bits\n",
        ),
        (
            "md ffffffffffffffff",
            "1 words at ffffffffffffffff end beyond the last address\n",
        ),
    ];
    assert_all(&cases);
}

#[test]
fn memory_copy_and_compare() {
    let cases = [
        ("mw.l 40200000 a5f09876 4; cp.l 40200000 40300000 4", ""),
        (
            "cmp.l 40200000 40300000 4",
            "Total of 4 word(s) were the same\n",
        ),
        ("mw.l 40300008 0", ""),
        (
            "cmp.l 40200000 40300000 4",
            "word at 0x40200008 (0xa5f09876) != word at 0x40300008 (0x00)\nTotal of 2 word(s) were the same\n",
        ),
        ("echo $?", "1\n"),
        (
            "cmp.b 40200000 40300000 10",
            "byte at 0x40200008 (0x76) != byte at 0x40300008 (0x0)\nTotal of 8 byte(s) were the same\n",
        ),
        (
            "cmp.w 40200000 40300000 8",
            "halfword at 0x40200008 (0x9876) != halfword at 0x40300008 (0x0)\nTotal of 4 halfword(s) were the same\n",
        ),
        (
            "cmp 40200000 40300000 0",
            "Total of 0 word(s) were the same\n",
        ),
        ("cp 40200000 40300000 0", "Zero length ???\n"),
        ("mw.b 40200000 1; mw.b 40200001 2; mw.b 40200002 3", ""),
        (
            "cp.b 40200000 40200001 3; md.b 40200000 4",
            "40200000: 01 01 02 03                                      ....\n",
        ),
        (
            "cp.b 40200001 40200000 3; md.b 40200000 4",
            "40200000: 01 02 03 03                                      ....\n",
        ),
    ];
    assert_all(&cases);
}

#[test]
fn checksums() {
    let cases = [
        ("mw.l 40200000 a5f09876 4; mw.b 40200000 ff 2", ""),
        (
            "crc32 40200000 10",
            "crc32 for 40200000 ... 4020000f ==> 987b6c00\n",
        ),
        (
            "crc32 40200000 10 40300000; md.b 40300000 4",
            "crc32 for 40200000 ... 4020000f ==> 987b6c00\n40300000: 98 7b 6c 00                                      .{l.\n",
        ),
        (
            "crc32 40200000 0",
            "crc32 for 40200000 ... 401fffff ==> 00000000\n",
        ),
        (
            "crc32 40000000 400001",
            "[0x40000000-0x40400000] is not in RAM\n",
        ),
        (
            "crc32 40200000 ffffffffffffffff",
            "ffffffffffffffff bytes at 40200000 end beyond the last address\n",
        ),
    ];
    assert_all(&cases);
}

#[test]
fn faults_return_to_the_prompt() {
    let cases = [
        ("md 0 4; echo $?", "1\n"),
        ("mw 40000001 0", ""),
        ("echo $?", "1\n"),
        ("cp 40000000 90000000 1 || echo failed", "failed\n"),
        ("setenv f 'md 0; echo in $?; run g'; setenv g 'md 3'", ""),
        ("run f || echo out $?", "in 1\nout 1\n"),
    ];
    assert_all(&cases);
}

#[test]
fn the_loaders_memory_is_refused() {
    let mut bench = Bench::new(FakeConsole::default());
    let own = PhysRange::from_size(PhysAddr::new(RAM + 0x1000), 0x1000).unwrap();
    bench.memory.own(own, "the loader");
    let shown = outputs_on(&mut bench, &["mw 40001ffc 0", "echo $?", "md 40001ffc 1"]);
    assert_eq!(
        shown,
        [
            "[0x40001ffc-0x40001fff] overlaps the loader at [0x40001000-0x40001fff]\n",
            "1\n",
            "40001ffc: 00000000                             ....\n"
        ]
    );
}

/// Copies longer than what is moved at once, both ways over themselves.
#[test]
fn long_copies_overlap_rightly() {
    const START: u64 = RAM + 0x10_0000;
    let content: Vec<u8> = (0..0x3000_u32).flat_map(u32::to_le_bytes).collect();
    for (source, target, count) in [
        (0, 0x104, 0x1003),
        (0x104, 0, 0x1003),
        (0, 0x1000, 0x900),
        (0x1000, 4, 0x900),
        (0, 4, 0x101),
        (0x408, 0x400, 0x7ff),
    ] {
        let mut bench = Bench::new(FakeConsole::default());
        bench.memory.fill(START, &content);
        let command = format!(
            "cp.l {:x} {:x} {count:x}",
            START + source as u64,
            START + target as u64
        );
        assert_eq!(outputs_on(&mut bench, &[command.as_str()]), [""]);
        let mut expected = content.clone();
        expected.copy_within(source..source + 4 * count, target);
        let range = PhysRange::from_size(PhysAddr::new(START), content.len() as u64).unwrap();
        assert_eq!(bench.memory.bytes(range).unwrap(), expected, "{command}");
    }
}

#[test]
fn long_fills_and_comparisons() {
    let cases = [
        ("mw.w 40100000 1234 1201; cp.w 40100000 40200000 1201", ""),
        (
            "md.w 401023fe 3",
            "401023fe: 1234 1234 0000                           4.4...\n",
        ),
        (
            "cmp.w 40100000 40200000 1201",
            "Total of 4609 halfword(s) were the same\n",
        ),
        ("mw.b 40201801 ff", ""),
        (
            "cmp.w 40100000 40200000 1201",
            "halfword at 0x40101800 (0x1234) != halfword at 0x40201800 (0xff34)\n\
             Total of 3072 halfword(s) were the same\n",
        ),
        // What can be filled is, before the fault.
        (
            "mw.q 403ff000 5a5a5a5a5a5a5a5a 201 || echo failed",
            "failed\n",
        ),
        (
            "md.l 403ffffc 1",
            "403ffffc: 5a5a5a5a                             ZZZZ\n",
        ),
    ];
    assert_all(&cases);
}

#[test]
fn a_fill_or_a_copy_into_the_loader_changes_nothing() {
    let mut bench = Bench::new(FakeConsole::default());
    let refused = "[0x40000ff8-0x40001003] overlaps Baton at [0x40001000-0x40001fff]\n";
    let own = PhysRange::from_size(PhysAddr::new(RAM + 0x1000), 0x1000).unwrap();
    bench.loader = Some(own);
    let lines = [
        "mw 40000ff8 1 3",
        "mw 40000000 2 3; cp 40000000 40000ff8 3",
        "md 40000ff8 2",
        "cp 40001000 40000ff8 2",
    ];
    let shown = outputs_on(&mut bench, &lines);
    let untouched = "40000ff8: 00000000 00000000                    ........\n";
    assert_eq!(shown, [refused, refused, untouched, ""]);
}
