use alloc::{vec, vec::Vec};
use proptest::prelude::*;

use super::*;

fn candidates(head: &str) -> Vec<Candidate> {
    let names = ["boot", "bootd", "bootz", "echo", "md"];
    let found = names.into_iter().filter_map(|name| {
        let rest = name.strip_prefix(head.trim_start())?;
        Some(Candidate {
            name: name.into(),
            rest: rest.into(),
            ends: true,
        })
    });
    found.collect()
}

fn type_into(editor: &mut LineEditor, typed: impl AsRef<[u8]>) {
    for byte in typed.as_ref() {
        if editor.feed(*byte) == Some(Event::Complete) {
            let found = candidates(editor.head());
            editor.complete(&found);
        }
    }
}

fn keys(typed: impl AsRef<[u8]>) -> String {
    let mut editor = LineEditor::new("=> ");
    type_into(&mut editor, typed);
    String::from_utf8(editor.take_output()).unwrap()
}

/// What a terminal of one endless line shows, its blanks at the end cut.
fn shown(output: &str) -> String {
    let mut cells: Vec<char> = Vec::new();
    let mut column = 0;
    for letter in output.chars() {
        match letter {
            '\x08' => column -= 1,
            '\x07' => {}
            '\r' => column = 0,
            '\n' => cells.clear(),
            letter => {
                cells.resize(cells.len().max(column + 1), ' ');
                cells[column] = letter;
                column += 1;
            }
        }
    }
    String::from_iter(cells).trim_end().into()
}

#[test]
fn completes() {
    for (typed, shown) in [
        ("ec\ta", "echo a"),
        ("  m\t", "  md "),
        // The common beginning first, the list when there is nothing to add.
        ("b\t\tx", "boot\r\n  boot bootd bootz\r\n=> bootx"),
        ("nosuch\t", "nosuch\x07"),
        // Inside a line, whose end stays.
        ("m x\x02\x02\t", "m x\x08\x08d x\x08\x08  x\x08\x08"),
    ] {
        assert_eq!(keys(typed), shown, "{typed:?}");
    }
}

#[test]
fn long_lists_wrap_as_uboots() {
    let mut editor = LineEditor::new("=> ");
    let name = |letter: char| Candidate {
        name: String::from_iter([letter; 30]),
        rest: String::from(letter),
        ends: false,
    };
    editor.complete(&[name('a'), name('b'), name('c')]);
    let output = String::from_utf8(editor.take_output()).unwrap();
    let (a, b, c) = ("a".repeat(30), "b".repeat(30), "c".repeat(30));
    assert_eq!(output, alloc::format!("\r\n  {a} {b}\r\n  {c}\r\n=> "));
}

#[test]
fn refuses_what_is_no_text() {
    assert_eq!(keys(b"a\xffb\x80\xc3\xa9"), "a\x07b\x07\u{e9}");
    assert_eq!(keys(b"a\xc3b\xe2\x82\r"), "a\x07b\x07\r\n");
}

#[test]
fn what_was_killed_is_yanked() {
    for (typed, line) in [
        ("one two\x17\x19\x19", "one twotwo"),
        ("one two\x15\x19", "one two"),
        ("one two\x01\x06\x06\x06\x0b\x01\x19", " twoone"),
        ("abc\x19", "abc"),
    ] {
        let mut editor = LineEditor::new("");
        type_into(&mut editor, typed);
        assert_eq!(editor.line, line.as_bytes(), "{typed:?}");
        let output = String::from_utf8(editor.take_output()).unwrap();
        assert_eq!(shown(&output), line, "{typed:?}");
    }
}

#[test]
fn searches_backwards() {
    for (typed, line, screen) in [
        ("\x12", "", "(reverse-i-search)`':"),
        ("\x12lo", "load b", "(reverse-i-search)`lo': load b"),
        ("\x12lo\x12", "load a", "(reverse-i-search)`lo': load a"),
        (
            "\x12lo\x12\x12",
            "load a",
            "(failed reverse-i-search)`lo': load a",
        ),
        ("\x12lob\x7f\x7f", "load b", "(reverse-i-search)`l': load b"),
        ("\x12oo\x12\x1b[A", "load b", "=> load b"),
        ("\x12lo\x05 c", "load b c", "=> load b c"),
        ("dra\x02\x12lo\x07ft", "draft", "=> draft"),
    ] {
        let mut editor = LineEditor::new("=> ");
        type_into(&mut editor, "load a\rboot\rload b\r");
        editor.show_prompt();
        type_into(&mut editor, typed);
        assert_eq!(editor.line, line.as_bytes(), "{typed:?}");
        let output = String::from_utf8(editor.take_output()).unwrap();
        assert_eq!(shown(&output), screen, "{typed:?}");
    }
    let mut editor = LineEditor::new("=> ");
    type_into(&mut editor, "load a\r\x12l");
    assert_eq!(editor.feed(b'\r'), Some(Event::Line("load a".into())));
    type_into(&mut editor, "\x12l");
    assert_eq!(editor.feed(3), Some(Event::Interrupted));
    assert_eq!(editor.line, vec![]);
}

proptest! {
    #[test]
    fn plain_text_is_echoed_verbatim(line in "[ -~\u{e9}\u{20ac}]{0,80}") {
        prop_assert_eq!(keys(&line), line);
    }

    #[test]
    fn any_bytes_leave_a_line_that_is_on_the_screen(bytes in proptest::collection::vec(
        prop_oneof![any::<u8>(), 0u8..32, Just(b'a'), Just(0xc3), Just(0xa9), Just(b'['), Just(0x12)],
        0..200,
    )) {
        let mut editor = LineEditor::new("=> ");
        editor.show_prompt();
        for byte in bytes {
            match editor.feed(byte) {
                Some(Event::Complete) => {
                    let found = candidates(editor.head());
                    editor.complete(&found);
                }
                Some(Event::Interrupted) => {
                    editor.take_output();
                    editor.show_prompt();
                }
                Some(Event::Line(_)) => editor.show_prompt(),
                None => {}
            }
            prop_assert!(editor.cursor <= editor.line.len());
            prop_assert!(core::str::from_utf8(&editor.line).is_ok());
            prop_assert!(core::str::from_utf8(&editor.line[..editor.cursor]).is_ok());
        }
        if editor.search.is_some() {
            editor.feed(7);
        }
        let screen = shown(&String::from_utf8(editor.take_output()).unwrap());
        let line = String::from_utf8(editor.line).unwrap();
        let whole = alloc::format!("=> {line}");
        prop_assert_eq!(screen, whole.trim_end());
    }
}
