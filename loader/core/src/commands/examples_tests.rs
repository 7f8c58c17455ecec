//! Every command's example runs, on a board of fakes.

use alloc::{boxed::Box, string::String, vec::Vec};

use platform_api::{PhysAddr, PhysRange};
use platform_fake::{FakeInspect, FakeRtc, Step};

use super::COMMANDS;
use crate::{
    boot::testing::{Board, zimage},
    context::Context,
    devicetree::testing::compile,
    shell::execute,
};

/// Commands whose example cannot end with status 0, and why.
const EXCEPTIONS: &[(&str, End)] = &[
    ("boot", End::HandsOver),
    ("bootz", End::HandsOver),
    ("run", End::HandsOver),
    ("bootd", End::HandsOver),
    ("bootelf", End::Fails("what lies there is no ELF image")),
    ("help", End::Fails("as in U-Boot")),
    (
        "exception",
        End::Fails("it faults: the fakes do not provoke"),
    ),
    ("loop", End::Fails("only Ctrl-C ends it")),
    ("panic", End::Fails("the fake power stays on")),
    ("poweroff", End::Fails("the fake power stays on")),
    ("reset", End::Fails("the fake power stays on")),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Succeeds,
    /// The reason, for the reader.
    Fails(&'static str),
    HandsOver,
}

/// `hello` as gzip -n packs it.
const GZIP: &[u8] = &[
    0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 7, 0, 0x86, 0xa6, 0x10, 0x36,
    5, 0, 0, 0,
];

/// Puts what the example of `name` needs where it looks for it.
fn prepare(board: &mut Board, name: &str) {
    let image = zimage(0x4000, 0x1_0000, 0x8000);
    match name {
        "unzip" => board.memory.fill(0x4020_0000, GZIP),
        "gzwrite" => board.memory.fill(0x4800_0000, GZIP),
        "iminfo" => board.memory.fill(0x4020_0000, &image),
        "bootz" => board.memory.fill(0x4800_0000, &image),
        "loop" => {
            board.console.then(Step::Pause(8));
            board.console.type_bytes("\x03");
        }
        "askenv" => answer(board, "server? ", "1\r"),
        "editenv" => answer(board, "edit: ", "\r"),
        "mm" | "nm" => {
            for line in ["1\r", "\r", ".\r"] {
                answer(board, " ? ", line);
            }
        }
        _ => {}
    }
}

/// Types `line` when `question` shows.
fn answer(board: &mut Board, question: &str, line: &str) {
    board.console.then(Step::Await(question.into()));
    board.console.type_bytes(line);
}

/// What a session has beside what a board has.
fn complete(cx: &mut Context<'_>, inspect: &'static FakeInspect) {
    cx.inspect = Some(inspect);
    cx.rtc = Some(Box::new(FakeRtc::new(1_577_934_245)));
    for (name, value) in [
        ("bootcmd", "bootz zImage"),
        ("fileaddr", "48000000"),
        ("filesize", "19"),
        ("hello", "echo hello"),
    ] {
        cx.env.set(name, value);
    }
}

#[test]
fn every_example_runs() {
    let image = zimage(0x4000, 0x1_0000, 0x8000);
    let overlay = compile("/dts-v1/; / { };");
    let mut board = Board::new(&[
        ("zImage", &image),
        ("uEnv.txt", b"console=ttyAMA0\n"),
        ("initrd.img", b"initrd"),
        ("old.img", b"old"),
        ("boot.scr", b"echo script\n"),
        ("virt.dtb", &overlay),
    ]);
    let mut problems: Vec<String> = Vec::new();
    let inspect: &FakeInspect = Box::leak(Box::new(FakeInspect {
        mappings: alloc::vec![(0x4000_0000, 0x1000, "rw-")],
        ..FakeInspect::default()
    }));
    for command in COMMANDS {
        prepare(&mut board, command.name);
        let ended = board.run(|cx| {
            complete(cx, inspect);
            execute(cx, command.example);
            let status = cx.status;
            if cx.staged.is_some() {
                // Its memory would be in the way of the next command.
                execute(cx, "kexec -u");
            }
            status
        });
        let end = match ended {
            Err(_) => End::HandsOver,
            Ok(0) => End::Succeeds,
            Ok(_) => End::Fails(""),
        };
        let shown = board.console.take_text();
        let known = EXCEPTIONS.iter().find(|(name, _)| *name == command.name);
        let wanted = known.map_or(End::Succeeds, |(_, end)| *end);
        let same = core::mem::discriminant(&end) == core::mem::discriminant(&wanted);
        if !same || shown.contains("Usage:") && command.name != "help" {
            problems.push(alloc::format!(
                "the example of {}: \"{}\" {end:?}: {shown}",
                command.name,
                command.example
            ));
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    // The disk took what gzwrite unpacked.
    let disk = board.disk.content();
    assert!(disk[0x100_0000..].starts_with(b"hello\0"));
    let memory = board.ram(PhysRange::from_size(PhysAddr::new(0x4030_0000), 5).unwrap());
    assert_eq!(memory, b"hello");
}
