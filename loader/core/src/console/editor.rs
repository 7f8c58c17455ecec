//! One line, as it is typed.
//!
//! A character typed at the end is echoed and nothing else is sent, so that a program at the
//! other end reads back what it wrote. Only editing inside a line repaints, with backspaces
//! alone: the terminal is never asked anything.

use alloc::{string::String, vec::Vec};

use arrayvec::ArrayVec;

use super::{
    BELL,
    escape::{Decoder, Key},
    history::History,
};

/// The most bytes in a line. A longer one rings the bell and keeps its start.
pub const MAX_LINE: usize = 16 * 1024;

/// What a byte led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The line is complete.
    Line(String),
    /// Ctrl-C: the line is dropped.
    Interrupted,
}

/// Completes the first word of a line: gives every name that begins with it, sorted.
pub type Completer = dyn Fn(&str) -> Vec<&'static str>;

/// The line editor. It writes into a buffer, which its owner sends when no input is waiting.
#[derive(Default)]
pub struct LineEditor {
    line: Vec<u8>,
    /// Where the next character goes, 0 to the line's length, on a character's boundary.
    cursor: usize,
    /// The first bytes of a character that takes several.
    partial: ArrayVec<u8, 4>,
    decoder: Decoder,
    history: History,
    output: Vec<u8>,
    /// What stands before the line; a list of completions repeats it.
    prompt: &'static str,
}

impl LineEditor {
    /// Makes an editor whose lines stand behind `prompt`.
    pub fn new(prompt: &'static str) -> Self {
        Self {
            prompt,
            ..Self::default()
        }
    }

    /// Changes what stands before the line.
    pub fn set_prompt(&mut self, prompt: &'static str) {
        self.prompt = prompt;
    }

    /// Takes the bytes to be sent.
    pub fn take_output(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.output)
    }

    /// Takes a byte as the rest of a key pressed before there was a prompt.
    pub fn swallow(&mut self, byte: u8) {
        self.decoder.feed(byte);
    }

    /// Takes a byte.
    pub fn feed(&mut self, byte: u8, completer: &Completer) -> Option<Event> {
        let key = self.decoder.feed(byte);
        if !matches!(key, Key::Insert(0x80..)) && !self.partial.is_empty() {
            self.partial.clear();
            self.output.push(BELL);
        }
        match key {
            Key::None => {}
            Key::Insert(byte @ 0x80..) => self.insert_part(byte),
            Key::Insert(byte) => self.insert(&[byte]),
            Key::Enter => return Some(self.enter()),
            Key::Interrupt => return Some(self.interrupt()),
            Key::Backspace => self.erase(self.before(self.cursor), self.cursor),
            Key::Delete => self.erase(self.cursor, self.after(self.cursor)),
            Key::Left => self.move_to(self.before(self.cursor)),
            Key::Right => self.move_to(self.after(self.cursor)),
            Key::Home => self.move_to(0),
            Key::End => self.move_to(self.line.len()),
            Key::EraseToEnd => self.erase(self.cursor, self.line.len()),
            Key::EraseToStart => self.erase(0, self.cursor),
            Key::EraseWord => self.erase(self.word_start(), self.cursor),
            Key::Previous => self.browse(true),
            Key::Next => self.browse(false),
            Key::Complete => self.complete(completer),
        }
        None
    }

    fn enter(&mut self) -> Event {
        self.output.extend_from_slice(b"\r\n");
        self.cursor = 0;
        // Only whole characters were inserted, so nothing is replaced here.
        let line = String::from_utf8_lossy(&core::mem::take(&mut self.line)).into_owned();
        self.history.add(&line);
        Event::Line(line)
    }

    fn interrupt(&mut self) -> Event {
        self.line.clear();
        self.cursor = 0;
        self.history.leave();
        Event::Interrupted
    }

    fn insert(&mut self, bytes: &[u8]) {
        if self.line.len() + bytes.len() > MAX_LINE {
            self.output.push(BELL);
            return;
        }
        if self.cursor == self.line.len() {
            self.line.extend_from_slice(bytes);
            self.output.extend_from_slice(bytes);
            self.cursor = self.line.len();
            return;
        }
        let tail = self.line.split_off(self.cursor);
        self.line.extend_from_slice(bytes);
        self.cursor = self.line.len();
        self.line.extend_from_slice(&tail);
        self.output.extend_from_slice(bytes);
        self.repaint_tail(0);
    }

    /// Takes a byte of a character that has several; what is no UTF-8 is refused.
    fn insert_part(&mut self, byte: u8) {
        // Four bytes are a whole character or an error, so there is always room for one more.
        let _ = self.partial.try_push(byte);
        let partial = core::mem::take(&mut self.partial);
        match core::str::from_utf8(&partial) {
            Ok(whole) => self.insert(whole.as_bytes()),
            Err(error) if error.error_len().is_none() => self.partial = partial,
            Err(_) => self.output.push(BELL),
        }
    }

    /// Removes `from..to`, which the cursor is at one end of.
    fn erase(&mut self, from: usize, to: usize) {
        if from >= to || to > self.line.len() {
            self.output.push(BELL);
            return;
        }
        let columns = self.columns(from, to);
        self.move_to(from);
        self.line.drain(from..to);
        self.repaint_tail(columns);
    }

    /// Writes the line from the cursor on and `blanks` over what stood behind it, and goes back.
    fn repaint_tail(&mut self, blanks: usize) {
        let columns = self.columns(self.cursor, self.line.len()) + blanks;
        let tail = self.line.get(self.cursor..).unwrap_or_default();
        self.output.extend_from_slice(tail);
        self.pad(b' ', blanks);
        self.pad(b'\x08', columns);
    }

    fn pad(&mut self, byte: u8, times: usize) {
        self.output.resize(self.output.len() + times, byte);
    }

    fn move_to(&mut self, target: usize) {
        if target < self.cursor {
            self.pad(b'\x08', self.columns(target, self.cursor));
        } else {
            let passed = self.line.get(self.cursor..target).unwrap_or_default();
            self.output.extend_from_slice(passed);
        }
        self.cursor = target;
    }

    /// Counts characters, each a column wide.
    fn columns(&self, from: usize, to: usize) -> usize {
        let part = self.line.get(from..to).unwrap_or_default();
        part.iter().filter(|byte| !is_continuation(**byte)).count()
    }

    fn before(&self, mut at: usize) -> usize {
        at = at.saturating_sub(1);
        while at > 0 && self.line.get(at).is_some_and(|byte| is_continuation(*byte)) {
            at -= 1;
        }
        at
    }

    fn after(&self, mut at: usize) -> usize {
        at = (at + 1).min(self.line.len());
        while self.line.get(at).is_some_and(|byte| is_continuation(*byte)) {
            at += 1;
        }
        at
    }

    fn word_start(&self) -> usize {
        let head = self.line.get(..self.cursor).unwrap_or_default();
        let word_end = head.trim_ascii_end();
        let space = word_end.iter().rposition(u8::is_ascii_whitespace);
        space.map_or(0, |space| space + 1)
    }

    fn browse(&mut self, older: bool) {
        let current = String::from_utf8_lossy(&self.line);
        let found = if older {
            self.history.older(&current)
        } else {
            self.history.newer()
        };
        match found.map(|line| line.as_bytes().to_vec()) {
            Some(line) => self.replace(line),
            None => self.output.push(BELL),
        }
    }

    fn replace(&mut self, line: Vec<u8>) {
        let old = self.columns(0, self.line.len());
        self.move_to(0);
        self.line = line;
        let new = self.columns(0, self.line.len());
        self.move_to(self.line.len());
        let rest = old.saturating_sub(new);
        self.pad(b' ', rest);
        self.pad(b'\x08', rest);
    }

    /// Tab. Behind a blank or at the start it is a blank: pasted text may be indented.
    fn complete(&mut self, completer: &Completer) {
        let head = self.line.get(..self.cursor).unwrap_or_default();
        if head.last().is_none_or(u8::is_ascii_whitespace) {
            return self.insert(b" ");
        }
        let word = core::str::from_utf8(head.trim_ascii_start()).unwrap_or(" ");
        let word_length = word.len();
        let names = match word.contains(|letter: char| letter.is_ascii_whitespace()) {
            true => Vec::new(),
            false => completer(word),
        };
        let common = common_prefix(&names);
        match (names.as_slice(), common.as_bytes().get(word_length..)) {
            ([_], Some(rest)) => {
                self.insert(rest);
                self.insert(b" ");
            }
            ([_, _, ..], Some(rest)) if !rest.is_empty() => self.insert(rest),
            ([_, _, ..], _) => self.list(&names),
            _ => self.output.push(BELL),
        }
    }

    /// Shows the names on a line of their own, and the prompt and the line again below.
    fn list(&mut self, names: &[&str]) {
        self.output.extend_from_slice(b"\r\n ");
        for name in names {
            self.output.push(b' ');
            self.output.extend_from_slice(name.as_bytes());
        }
        self.output.extend_from_slice(b"\r\n");
        self.output.extend_from_slice(self.prompt.as_bytes());
        self.output.extend_from_slice(&self.line);
        self.pad(b'\x08', self.columns(self.cursor, self.line.len()));
    }
}

/// Tells whether a byte goes on with a UTF-8 character.
fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// Returns what all names begin with.
fn common_prefix<'a>(names: &[&'a str]) -> &'a str {
    let Some((first, others)) = names.split_first() else {
        return "";
    };
    let length = others.iter().fold(first.len(), |length, other| {
        let same = first.bytes().zip(other.bytes());
        same.take(length).take_while(|(a, b)| a == b).count()
    });
    first.get(..length).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn complete(prefix: &str) -> Vec<&'static str> {
        let names = ["boot", "bootd", "bootz", "echo", "md"];
        names
            .into_iter()
            .filter(|name| name.starts_with(prefix))
            .collect()
    }

    fn keys(typed: impl AsRef<[u8]>) -> String {
        let mut editor = LineEditor::new("=> ");
        for byte in typed.as_ref() {
            editor.feed(*byte, &complete);
        }
        String::from_utf8(editor.take_output()).unwrap()
    }

    #[test]
    fn completes_the_first_word() {
        for (typed, shown) in [
            ("ec\ta", "echo a"),
            ("  m\t", "  md "),
            // The common beginning first, the list when there is nothing to add.
            ("b\t\tx", "boot\r\n  boot bootd bootz\r\n=> bootx"),
            // A blank, where there is nothing to complete.
            ("\techo \ta", " echo  a"),
            ("echo a\t", "echo a\x07"),
            ("nosuch\t", "nosuch\x07"),
            // Inside a line, whose end stays.
            ("m x\x02\x02\t", "m x\x08\x08d x\x08\x08  x\x08\x08"),
        ] {
            assert_eq!(keys(typed), shown, "{typed:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_text() {
        assert_eq!(keys(b"a\xffb\x80\xc3\xa9"), "a\x07b\x07\u{e9}");
        assert_eq!(keys(b"a\xc3b\xe2\x82\r"), "a\x07b\x07\r\n");
    }

    proptest! {
        #[test]
        fn plain_text_is_echoed_verbatim(line in "[ -~\u{e9}\u{20ac}]{0,80}") {
            prop_assert_eq!(keys(&line), line);
        }

        #[test]
        fn any_bytes_leave_a_line(bytes in proptest::collection::vec(
            prop_oneof![any::<u8>(), 0u8..32, Just(b'a'), Just(0xc3), Just(0xa9), Just(b'[')], 0..200)
        ) {
            let mut editor = LineEditor::new("=> ");
            for byte in bytes {
                editor.feed(byte, &complete);
                prop_assert!(editor.cursor <= editor.line.len());
                prop_assert!(core::str::from_utf8(&editor.line).is_ok());
                prop_assert!(core::str::from_utf8(&editor.line[..editor.cursor]).is_ok());
            }
        }
    }
}
