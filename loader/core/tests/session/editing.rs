//! Keys. The bytes that U-Boot 2023.01 sends for the same keys are the expected ones, where it
//! has the key.

use crate::bench::session;

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

#[test]
fn completion() {
    assert_eq!(
        keys("printe\tbootfile\r"),
        "printenv bootfile\r\nbootfile=zImage\r\n=> "
    );
}
