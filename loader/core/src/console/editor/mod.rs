//! One line, as it is typed.
//!
//! A character typed at the end is echoed and nothing else is sent, so that a program at the
//! other end reads back what it wrote. Only editing inside a line repaints, with backspaces
//! alone: the terminal is never asked anything.

mod complete;
mod paint;
mod search;

#[cfg(test)]
mod tests;

use alloc::{string::String, vec::Vec};

use arrayvec::ArrayVec;

pub use self::complete::Candidate;
use self::{paint::is_continuation, search::Search};
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
    /// Tab: answer with [`LineEditor::complete`], or [`LineEditor::blank`] where it was no key
    /// but part of a text.
    Complete,
}

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
    search: Option<Search>,
    /// What Ctrl-Y puts back.
    killed: Vec<u8>,
    output: Vec<u8>,
    /// What stands before the line; whatever repaints all of it repeats it.
    prompt: String,
    coloured: bool,
}

impl LineEditor {
    /// Makes an editor whose lines stand behind `prompt`.
    pub fn new(prompt: &str) -> Self {
        Self {
            prompt: prompt.into(),
            ..Self::default()
        }
    }

    /// Changes what the next line stands behind, and whether it has a colour.
    pub fn set_prompt(&mut self, prompt: &str, coloured: bool) {
        if self.prompt != prompt {
            self.prompt = prompt.into();
        }
        self.coloured = coloured;
    }

    /// Starts a line: shows the prompt.
    pub fn show_prompt(&mut self) {
        self.push_prompt();
    }

    /// Puts text into the line as if it had been typed. Controls in it are left out: the
    /// terminal must show what the line holds.
    pub fn preset(&mut self, text: &str) {
        let shown: String = text.chars().filter(|letter| !letter.is_control()).collect();
        self.insert(shown.as_bytes());
    }

    /// Returns the bytes to be sent.
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// Forgets them: they were sent. Their room is used again.
    pub fn clear_output(&mut self) {
        self.output.clear();
    }

    #[cfg(test)]
    fn take_output(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.output)
    }

    /// Takes a byte as the rest of a key pressed before there was a prompt.
    pub fn swallow(&mut self, byte: u8) {
        self.decoder.feed(byte);
    }

    /// Takes a byte.
    pub fn feed(&mut self, byte: u8) -> Option<Event> {
        let key = self.decoder.feed(byte);
        if !matches!(key, Key::Insert(0x80..)) && !self.partial.is_empty() {
            self.partial.clear();
            self.output.push(BELL);
        }
        match self.search_key(key) {
            Some(key) => self.press(key),
            None => None,
        }
    }

    fn press(&mut self, key: Key) -> Option<Event> {
        match key {
            Key::None | Key::Abort => {}
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
            Key::EraseToEnd => self.kill(self.cursor, self.line.len()),
            Key::EraseToStart => self.kill(0, self.cursor),
            Key::EraseWord => self.kill(self.word_start(), self.cursor),
            Key::Yank => self.yank(),
            Key::Previous => self.browse(true),
            Key::Next => self.browse(false),
            Key::Complete => return Some(Event::Complete),
            Key::Search => self.begin_search(),
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

    /// Erases `from..to`, to be put back by Ctrl-Y.
    fn kill(&mut self, from: usize, to: usize) {
        if let Some(text @ [_, ..]) = self.line.get(from..to) {
            self.killed = text.to_vec();
        }
        self.erase(from, to);
    }

    fn yank(&mut self) {
        let killed = core::mem::take(&mut self.killed);
        match killed.is_empty() {
            true => self.output.push(BELL),
            false => self.insert(&killed),
        }
        self.killed = killed;
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
}
