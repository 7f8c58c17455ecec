//! Whole sessions, byte for byte. Where U-Boot has the command, the expected bytes were compared
//! with what U-Boot 2023.01 prints for the same line on QEMU's virt.

mod common;

use common::{Bench, RAM, outputs, outputs_on, session};
use platform_api::{PhysAddr, PhysRange, PowerError};
use platform_fake::{FakeConsole, PowerCall, Step};

#[test]
fn a_session_to_the_byte() {
    assert_eq!(
        session("echo hello world\rnosuch -x\recho \"$?\"\r"),
        "=> echo hello world\r\nhello world\r\n\
         => nosuch -x\r\nUnknown command 'nosuch' - try 'help'\r\n\
         => echo \"$?\"\r\n1\r\n=> "
    );
}

#[test]
fn labgrids_line_works() {
    assert_eq!(
        outputs(&["echo 'ABCD''EFGH'; nosuch; echo \"$?\"; echo 'ABCD''EFGH';"]),
        ["ABCDEFGH\nUnknown command 'nosuch' - try 'help'\n1\nABCDEFGH\n"]
    );
}

#[test]
fn return_line_feed_and_both_end_a_line() {
    assert_eq!(
        session("echo a\recho b\necho c\r\necho d\n\r"),
        "=> echo a\r\na\r\n=> echo b\r\nb\r\n=> echo c\r\nc\r\n=> echo d\r\nd\r\n=> \r\n=> "
    );
}

#[test]
fn the_prompt_starts_a_line() {
    assert_eq!(session("echo -n hi\r"), "=> echo -n hi\r\nhi\r\n=> ");
}

#[test]
fn the_shell_joins_splits_and_decides() {
    let cases = [
        ("echo ab'cd'\"ef\"gh", "abcdefgh\n"),
        ("echo \"\" a '' b", " a  b\n"),
        ("echo a;;echo b", "a\nb\n"),
        ("; echo a", "a\n"),
        (
            "nosuch || echo z",
            "Unknown command 'nosuch' - try 'help'\nz\n",
        ),
        ("echo x && echo y || echo z", "x\ny\n"),
        ("setenv a 'b  c'", ""),
        ("echo $a ${a}x$a/x $nosuch end", "b c b cxb c/x end\n"),
        ("echo \"$a\" '$a' \"\\$a\" \\$a", "b  c $a $a $a\n"),
        (
            "echo a\\\\nb a\\;b \"a\\b\" 'a\\b'",
            "a\\nb a;b a\\b a\\b\n",
        ),
        ("echo #comment", "\n"),
        ("echo a#b #c", "a#b\n"),
        ("echo a$", "a$\n"),
        ("$nosuch", ""),
        ("echo $?", "0\n"),
    ];
    assert_all(&cases);
}

#[test]
fn syntax_errors_name_their_place_and_change_nothing() {
    let cases = [
        (
            "echo a & echo b",
            "syntax error at line 1, column 8: a single '&'; did you mean '&&'?\n",
        ),
        (
            "echo a; echo 'b",
            "syntax error at line 1, column 14: ' without a closing '\n",
        ),
        (
            "echo a && && echo b",
            "syntax error at line 1, column 11: a command is missing before '&&'\n",
        ),
        (
            "|| echo a",
            "syntax error at line 1, column 1: a command is missing before '||'\n",
        ),
        (
            "echo ${a",
            "syntax error at line 1, column 6: ${ without }\n",
        ),
        (
            "echo ${a:-b}",
            "syntax error at line 1, column 6: ${a:-b} does not name a variable\n",
        ),
        ("echo $?", "1\n"),
    ];
    assert_all(&cases);
}

#[test]
fn variables() {
    let cases = [
        (
            "setenv a=b c",
            "## Error: illegal character '='in variable name \"a=b\"\n",
        ),
        ("setenv x 'echo 1; nosuch; echo 2'", ""),
        ("run x", "1\nUnknown command 'nosuch' - try 'help'\n2\n"),
        ("echo $?", "0\n"),
        (
            "run x nosuch",
            "1\nUnknown command 'nosuch' - try 'help'\n2\n## Error: \"nosuch\" not defined\n",
        ),
        ("echo $?", "1\n"),
        (
            "printenv bootdelay nosuch bootfile",
            "bootdelay=2\n## Error: \"nosuch\" not defined\nbootfile=zImage\n",
        ),
        ("setenv x", ""),
        ("printenv x", "## Error: \"x\" not defined\n"),
        ("pri bootfile", "bootfile=zImage\n"),
        (
            "printenv",
            "bootcmd=bootz ${bootfile} ${initrdfile}\nbootdelay=2\nbootfile=zImage\ninitrdfile=initrd.img\n\nEnvironment size: 91/65531 bytes\n",
        ),
        ("setenv l 'run l'; run l", "commands nest deeper than 16\n"),
        ("echo $?", "1\n"),
    ];
    assert_all(&cases);
}

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
            "md ffffffffffffffff",
            "40 words at ffffffffffffffff end beyond the last address\n",
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

#[test]
fn help_in_u_boots_shape() {
    let shown = outputs(&[
        "help",
        "?",
        "help md run",
        "help nosuch",
        "help help",
        "mw 1",
        "sleep",
    ]);
    assert!(shown[0].starts_with("?         - alias for 'help'\nbdinfo    - print Board Info structure\nboot      - boot default, i.e., run 'bootcmd'\nbootd     - boot"), "{}", shown[0]);
    assert_eq!(shown[0], shown[1]);
    assert_eq!(
        shown[2],
        "md - memory display\n\nUsage:\nmd [.b, .w, .l, .q] address [# of objects]\n\
         run - run commands in an environment variable\n\nUsage:\nrun var [...]\n    - run the commands in the environment variable(s) 'var'\n"
    );
    assert_eq!(
        shown[3],
        "Unknown command 'nosuch' - try 'help' without arguments for list of all known commands\n\n"
    );
    assert_eq!(
        shown[4],
        "help - print command description/usage\n\nUsage:\nhelp\n    - print brief description of all commands\nhelp command ...\n    - print detailed usage of 'command'\n"
    );
    assert_eq!(
        shown[5],
        "mw - memory write (fill)\n\nUsage:\nmw [.b, .w, .l, .q] address value [count]\n"
    );
    assert!(shown[6].starts_with("sleep - delay execution for some time\n\nUsage:\nsleep N\n"));
}

#[test]
fn information() {
    let mut bench = Bench::new(FakeConsole::typing("version\rbdinfo\r"));
    let shown = bench.play(|cx| {
        let bank = PhysRange::from_size(PhysAddr::new(RAM), 0x1000_0000).unwrap();
        cx.map.ram.push(bank);
        cx.model = "linux,dummy-virt".into();
        cx.board.tree_address = Some(PhysAddr::new(0x4800_0000));
        cx.board.console = "/pl011@9000000".into();
    });
    assert_eq!(
        shown.replace("\r\n", "\n"),
        "=> version\nBaton 1.2.3 (v1.2.3, rustc 1.95.0)\n=> bdinfo\n\
         fdt_blob    = 0x48000000\n\
         DRAM bank   = 0x00000000\n\
         -> start    = 0x40000000\n\
         -> size     = 0x10000000\n\
         model       = linux,dummy-virt\n\
         cpu         = Cortex-A15 (0x412fc0f1), affinity 0x0\n\
         mode        = HYP\n\
         caches      = on, lines of 64 bytes\n\
         timer       = 1000000 Hz\n\
         console     = /pl011@9000000\n\
         PSCI        = none\n=> "
    );
}

#[test]
fn reset_and_poweroff_ask_the_firmware() {
    let mut bench = Bench::new(FakeConsole::default());
    bench.fail_power_with(PowerError::Firmware(-1));
    let shown = outputs_on(&mut bench, &["reset", "poweroff", "echo $?", "reset now"]);
    assert_eq!(shown[0], "resetting ...\nPSCI answered -1\n");
    assert_eq!(shown[1], "poweroff ...\nPSCI answered -1\n");
    assert_eq!(shown[2], "1\n");
    assert!(shown[3].starts_with("reset - Perform RESET"));
    assert_eq!(bench.power_calls(), [PowerCall::Reset, PowerCall::Off]);
}

#[test]
fn ctrl_c_stops_a_command_and_its_line() {
    let mut bench = Bench::new(FakeConsole::scripted([
        Step::Type(b"sleep 100; echo next\r".to_vec()),
        Step::Await(b"\r\n".to_vec()),
        Step::Pause(5),
        Step::Type(b"typed\x03".to_vec()),
        Step::Await(b"=> ".to_vec()),
        Step::Type(b"echo $?\r".to_vec()),
        Step::Await(b"=> ".to_vec()),
        Step::Type(b"abc\x03".to_vec()),
    ]));
    assert_eq!(
        bench.play(|_| {}),
        "=> sleep 100; echo next\r\n<INTERRUPT>\r\n=> echo $?\r\n1\r\n=> abc<INTERRUPT>\r\n=> "
    );
}

#[test]
fn ctrl_c_stops_dumps_fills_copies_and_nested_runs() {
    for line in [
        "md 40000000 100000",
        "mw.b 40000000 0 400000",
        "cp.b 40000000 40200000 200000",
        "cmp.b 40000000 40200000 200000",
        "setenv x 'sleep 1000; echo no'; setenv y 'run x; echo no'; run y; echo no",
    ] {
        let mut bench = Bench::new(FakeConsole::scripted([
            Step::Type(format!("{line}\r").into_bytes()),
            Step::Await(b"\r\n".to_vec()),
            Step::Pause(3),
            Step::Type(b"\x03".to_vec()),
        ]));
        let shown = bench.play(|_| {});
        assert!(shown.ends_with("<INTERRUPT>\r\n=> "), "{line}: {shown}");
        assert_eq!(shown.matches("INTERRUPT").count(), 1, "{line}");
        assert!(!shown.contains("\r\nno"), "{line}: {shown}");
    }
}

#[test]
fn what_is_typed_during_a_command_is_kept() {
    let mut bench = Bench::new(FakeConsole::scripted([
        Step::Type(b"sleep 1\r".to_vec()),
        Step::Await(b"\r\n".to_vec()),
        Step::Pause(2),
        Step::Type(b"echo kept\r".to_vec()),
    ]));
    assert_eq!(
        bench.play(|_| {}),
        "=> sleep 1\r\n=> echo kept\r\nkept\r\n=> "
    );
}

#[test]
fn a_long_paste_loses_nothing() {
    let lines: String = (0..1000).map(|number| format!("echo {number}\r")).collect();
    let shown = session(&lines);
    for number in 0..1000 {
        let expected = format!("=> echo {number}\r\n{number}\r\n");
        assert!(shown.contains(&expected), "{number}");
    }
}

#[test]
fn a_line_that_is_too_long_keeps_its_start() {
    let long = "x".repeat(16 * 1024);
    let shown = session(&format!("echo {long}\r"));
    assert_eq!(shown.matches('\x07').count(), 5);
    assert!(shown.ends_with(&format!("\r\n{}\r\n=> ", &long[5..])));
}

#[test]
fn few_writes_for_much_output() {
    let mut bench = Bench::new(FakeConsole::typing("md 40000000 400\r"));
    let shown = bench.play(|_| {});
    assert!(bench.console.writes() * 10 < shown.len());
}

fn boot(delay: &str, steps: Vec<Step>) -> String {
    let mut bench = Bench::new(FakeConsole::scripted(steps));
    bench.boot(|cx| {
        cx.env.set("bootdelay", delay);
        cx.env.set("bootcmd", "echo booting");
    })
}

#[test]
fn the_countdown_is_u_boots() {
    let counted = "Hit any key to stop autoboot:  2 \x08\x08\x08 1 \x08\x08\x08 0 \r\n";
    assert_eq!(boot("2", vec![]), format!("{counted}booting\r\n=> "));
    assert_eq!(
        boot("0", vec![]),
        "Hit any key to stop autoboot:  0 \r\nbooting\r\n=> "
    );
    assert_eq!(boot("-1", vec![]), "=> ");
    assert_eq!(boot("junk", vec![]), format!("{counted}booting\r\n=> "));
    let typed = || vec![Step::Type(b"\r\necho a\r".to_vec())];
    assert_eq!(
        boot("2", typed()),
        "Hit any key to stop autoboot:  2 \x08\x08\x08 0 \r\n=> echo a\r\na\r\n=> "
    );
    assert_eq!(
        boot("0", typed()),
        "Hit any key to stop autoboot:  0 \x08\x08\x08 0 \r\n=> echo a\r\na\r\n=> "
    );
    assert_eq!(
        boot("-2", typed()),
        "booting\r\n=> \r\n=> echo a\r\na\r\n=> "
    );
}

#[test]
fn any_key_stops_the_countdown() {
    for key in [" ", "\x03", "\x1b[A", "\r"] {
        let shown = boot(
            "3",
            vec![Step::Await(b" 2 ".to_vec()), Step::Type(key.into())],
        );
        assert_eq!(
            shown.trim_end_matches('\x07'),
            "Hit any key to stop autoboot:  3 \x08\x08\x08 2 \x08\x08\x08 0 \r\n=> ",
            "{key:?}"
        );
    }
}

#[test]
fn a_failed_boot_falls_to_the_prompt() {
    let mut bench = Bench::new(FakeConsole::typing(""));
    let shown = bench.boot(|cx| {
        cx.env.set("bootdelay", "0");
        cx.env.set("bootcmd", "nosuch ${bootfile}");
    });
    assert_eq!(
        shown,
        "Hit any key to stop autoboot:  0 \r\nUnknown command 'nosuch' - try 'help'\r\n=> "
    );
    assert_eq!(
        outputs(&["setenv bootcmd echo b; boot; bootd", "setenv bootcmd; boot"]),
        ["b\nb\n", "## Error: \"bootcmd\" not defined\n"]
    );
}

fn assert_all(cases: &[(&str, &str)]) {
    let lines: Vec<&str> = cases.iter().map(|(line, _)| *line).collect();
    for (shown, (line, expected)) in outputs(&lines).iter().zip(cases) {
        assert_eq!(shown, expected, "{line}");
    }
}
