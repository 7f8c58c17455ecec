//! Keys. The bytes that U-Boot 2023.01 sends for the same keys are the expected ones, where it
//! has the key.

use baton_core::context::Context;
use platform_fake::{FakeConsole, Step};

use crate::bench::{Bench, session};

/// Types keys at a fresh prompt; returns what the terminal receives after the prompt.
fn keys(input: &str) -> String {
    let shown = session(input);
    shown.replacen("=> ", "", 1)
}

#[test]
fn keys_inside_a_line() {
    for (typed, shown) in [
        // Left, and a character before the last.
        ("echo ac\x1b[Db\r", "echo ac\x08bc\x08\r\nabc\r\n=> "),
        ("echo ac\x02b\r", "echo ac\x08bc\x08\r\nabc\r\n=> "),
        // Backspace and DEL at the end.
        (
            "echo hello\x08\x7fp\r",
            "echo hello\x08 \x08\x08 \x08p\r\nhelp\r\n=> ",
        ),
        // Backspace inside.
        (
            "echo abc\x02\x08\r",
            "echo abc\x08\x08c \x08\x08\r\nac\r\n=> ",
        ),
        // Delete inside, by its sequence and by Ctrl-D.
        ("echo ab\x1b[D\x1b[3~\r", "echo ab\x08 \x08\r\na\r\n=> "),
        ("echo ab\x02\x04\r", "echo ab\x08 \x08\r\na\r\n=> "),
        // Home and End, by control characters and sequences.
        (
            "cho\x01e\x05 a\r",
            "cho\x08\x08\x08echo\x08\x08\x08cho a\r\na\r\n=> ",
        ),
        (
            "cho\x1b[He\x1b[F a\r",
            "cho\x08\x08\x08echo\x08\x08\x08cho a\r\na\r\n=> ",
        ),
        (
            "cho\x1b[1~e\x1bOF a\r",
            "cho\x08\x08\x08echo\x08\x08\x08cho a\r\na\r\n=> ",
        ),
        // Right.
        (
            "echo ab\x02\x02\x06\x1b[Cc\r",
            "echo ab\x08\x08abc\r\nabc\r\n=> ",
        ),
        // Ctrl-K, Ctrl-U, Ctrl-W.
        ("echo ab\x02\x0b\r", "echo ab\x08 \x08\r\na\r\n=> "),
        (
            "xecho a\x01\x06\x15\r",
            "xecho a\x08\x08\x08\x08\x08\x08\x08x\x08echo a \x08\x08\x08\x08\x08\x08\x08\r\na\r\n=> ",
        ),
        ("echo a bc\x17\r", "echo a bc\x08\x08  \x08\x08\r\na\r\n=> "),
        // Nothing to do.
        ("\x08\x04\x0b\x15", "\x07\x07\x07\x07"),
        ("\x1b[D\x1b[C\x01\x05", ""),
        // Keys and controls without a meaning, modifiers, a lone escape.
        ("\x1b[20~\x1b[1;5Zecho \0a\x1b\r", "echo a\r\na\r\n=> "),
    ] {
        assert_eq!(keys(typed), shown, "{typed:?}");
    }
}

#[test]
fn characters_of_several_bytes_are_one() {
    assert_eq!(
        keys("echo \u{e9}x\x02\x08\u{fc}\r"),
        "echo \u{e9}x\x08\x08x \x08\x08\u{fc}x\x08\r\n\u{fc}x\r\n=> "
    );
}

#[test]
fn history() {
    assert_eq!(
        keys("echo a\recho bc\r\x1b[A\x1b[A\r"),
        "echo a\r\na\r\n=> echo bc\r\nbc\r\n=> \
         echo bc\x08\x08\x08\x08\x08\x08\x08echo a \x08\r\na\r\n=> "
    );
    // Down again, to what was being typed; and no further.
    assert_eq!(
        keys("echo a\rxy\x10\x0e\x0e"),
        "echo a\r\na\r\n=> xy\x08\x08echo a\x08\x08\x08\x08\x08\x08xy    \x08\x08\x08\x08\x07"
    );
    // Ctrl-C and empty lines leave nothing behind.
    assert_eq!(keys("abc\x03\r\x1b[A"), "abc<INTERRUPT>\r\n=> \r\n=> \x07");
}

/// Presses keys one by one, as a person does; returns what the terminal receives after the prompt.
fn presses(input: &str, prepare: impl FnOnce(&mut Context<'_>)) -> String {
    let presses = input
        .bytes()
        .flat_map(|key| [Step::Type(vec![key]), Step::Pause(30)]);
    let shown = Bench::new(FakeConsole::scripted(presses)).play(prepare);
    shown.replacen("=> ", "", 1)
}

#[test]
fn completion() {
    for (typed, shown) in [
        (
            "printe\tbootf\t\r",
            "printenv bootfile \r\nbootfile=zImage\r\n=> ",
        ),
        (
            "printenv boot\t",
            "printenv boot\r\n  bootcmd bootdelay bootfile\r\n=> printenv boot",
        ),
        ("echo ${bootf\t\r", "echo ${bootfile}\r\nzImage\r\n=> "),
        ("fdt h\t", "fdt header "),
        ("nosuch \t", "nosuch \x07"),
    ] {
        assert_eq!(presses(typed, |_| {}), shown, "{typed:?}");
    }
}

/// A script that is pasted may be indented, and have tabs between its words.
#[test]
fn tabs_in_a_paste_are_blanks() {
    assert_eq!(
        keys("\techo\ta\tb\r\tbo\t\tx\r"),
        " echo a b\r\na b\r\n=>  bo  x\r\nUnknown command 'bo' - try 'help'\r\n=> "
    );
}

#[test]
fn kill_and_yank() {
    assert_eq!(
        keys("echo a b\x17\x17\x19c\r"),
        "echo a b\x08 \x08\x08\x08  \x08\x08a c\r\na c\r\n=> "
    );
}

#[test]
fn searching_the_history() {
    let shown = keys("echo one\recho two\r\x12on\r");
    assert!(
        shown.ends_with("=> echo one\x08\x08\x08\x08one\r\n=> ")
            || shown.ends_with("\r\none\r\n=> "),
        "{shown:?}"
    );
}

#[test]
fn colours_are_for_who_asks() {
    let plain = keys("nosuch\rsetenv term vt100\rnosuch\r");
    assert!(!plain.contains('\x1b'), "{plain:?}");
    assert_eq!(
        keys("setenv term xterm\rnosuch\r"),
        "setenv term xterm\r\n\x1b[1;32m=> \x1b[0mnosuch\r\n\
         \x1b[31mUnknown command 'nosuch' - try 'help'\x1b[0m\r\n\x1b[1;32m=> \x1b[0m"
    );
}

#[test]
fn pages_are_for_who_asks() {
    let more = ": Press SPACE to continue\r                         \r";
    let dump = |lines: std::ops::Range<u32>| -> String {
        lines
            .map(|line| {
                let zeros = "00000000 ".repeat(4);
                format!(
                    "{:08x}: {zeros} ................\r\n",
                    0x4000_0000 + line * 16
                )
            })
            .collect()
    };
    let page = |keys: &str| {
        let mut steps = vec![Step::Type(b"md 40000000 20\r".to_vec())];
        for key in keys.bytes() {
            steps.extend([
                Step::Await(b"continue".to_vec()),
                Step::Pause(9),
                Step::Type(vec![key]),
            ]);
        }
        let shown = Bench::new(FakeConsole::scripted(steps)).play(|cx| cx.env.set("pager", "4"));
        let echo = "=> md 40000000 20\r\n";
        shown.strip_prefix(echo).map(String::from).unwrap_or(shown)
    };
    let three = dump(0..3);
    assert_eq!(
        page("  "),
        format!("{three}{more}{}{more}{}=> ", dump(3..6), dump(6..8))
    );
    assert_eq!(
        page("\rq"),
        format!("{three}{more}{}{more}<INTERRUPT>\r\n=> ", dump(3..4))
    );
    assert_eq!(page("\x03"), format!("{three}{more}<INTERRUPT>\r\n=> "));
    // With the next line sent already nobody reads along.
    let mut bench = Bench::new(FakeConsole::typing("md 40000000 20\recho $?\r"));
    let shown = bench.play(|cx| cx.env.set("pager", "4"));
    assert!(shown.contains(&dump(0..8)), "{shown}");
}

#[test]
fn variables_are_edited() {
    assert_eq!(
        keys("editenv bootfile\r\x7f\x7fX\rprintenv bootfile\r"),
        "editenv bootfile\r\nedit: zImage\x08 \x08\x08 \x08X\r\n\
         => printenv bootfile\r\nbootfile=zImaX\r\n=> "
    );
    // Ctrl-C changes nothing, an empty line deletes, a new one starts empty.
    let mut bench = Bench::new(FakeConsole::scripted([
        Step::Type(b"editenv bootfile\r".to_vec()),
        Step::Await(b"edit: zImage".to_vec()),
        Step::Type(b"abc\x03".to_vec()),
        Step::Await(b"=> ".to_vec()),
        Step::Type(b"editenv bootfile\r\x15\reditenv new\ra b\rprintenv bootfile new\r".to_vec()),
    ]));
    let shown = bench.play(|_| {});
    assert!(
        shown.contains("edit: zImage<INTERRUPT>") || shown.contains("<INTERRUPT>\r\n=> editenv"),
        "{shown}"
    );
    assert!(
        shown.ends_with("## Error: \"bootfile\" not defined\r\nnew=a b\r\n=> "),
        "{shown}"
    );
}

#[test]
fn variables_are_asked_for() {
    assert_eq!(
        keys("askenv a\rval 1\raskenv b Which one? 4\r123456\raskenv c 2\rxyz\rprintenv a b c\r"),
        "askenv a\r\nPlease enter 'a': val 1\r\n\
         => askenv b Which one? 4\r\nWhich one? 123456\r\n\
         => askenv c 2\r\nPlease enter 'c': xyz\r\n\
         => printenv a b c\r\na=val 1\r\nb=1234\r\nc=xy\r\n=> "
    );
}
