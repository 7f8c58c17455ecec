//! The prompt itself: echo, line ends, Ctrl-C, pastes.

use crate::bench::{Bench, session};
use platform_fake::{FakeConsole, Step};
use proptest::prelude::*;

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

/// What a user types, and what no user would.
fn typing() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "md",
        "mw.b ",
        "cp ",
        "cmp.q ",
        "crc32 ",
        " 40000000",
        " 1",
        " ffffffff",
        "echo ",
        "run x",
        "setenv x ",
        "printenv ",
        "help ",
        "?",
        "boot",
        "'",
        "\"",
        "${x}",
        "$?",
        ";",
        "&&",
        "||",
        "\\",
        "\r",
        "\r",
        "\n",
        "\t",
        "\x03",
        "\x1b[A",
        "\x1b[D",
        "\x7f",
        "\x01",
        "\x0b",
        "\x15",
    ];
    let word = proptest::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec());
    let byte = any::<u8>().prop_map(|byte| vec![byte]);
    proptest::collection::vec(prop_oneof![9 => word, 1 => byte], 0..60)
        .prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn whatever_is_typed_the_prompt_comes_back(typed in typing()) {
        let mut bench = Bench::new(FakeConsole::scripted([
            Step::Type(typed),
            Step::Pause(4),
            // Ends a sequence, drops the line, and shows that the next one works.
            Step::Type(b"\x1b[Z\x03".to_vec()),
            Step::Pause(4),
            Step::Type(b"echo $?; echo a''live\r".to_vec()),
        ]));
        let shown = bench.play(|_| {});
        prop_assert!(shown.ends_with("\r\nalive\r\n=> "), "{}", shown);
    }
}

#[test]
fn an_error_says_what_to_try() {
    assert_eq!(
        session("ls virtio 0\r"),
        "=> ls virtio 0\r\nno disk virtio 0 - try 'bdinfo'\r\n=> "
    );
}
