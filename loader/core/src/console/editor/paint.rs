//! What changes of a line are sent: the change itself, and backspaces.

use alloc::vec::Vec;

use super::{LineEditor, MAX_LINE};
use crate::console::{BELL, style};

impl LineEditor {
    pub(super) fn insert(&mut self, bytes: &[u8]) {
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

    /// Removes `from..to`, which the cursor is at one end of.
    pub(super) fn erase(&mut self, from: usize, to: usize) {
        if from >= to || to > self.line.len() {
            self.output.push(BELL);
            return;
        }
        let columns = self.columns(from, to);
        self.move_to(from);
        self.line.drain(from..to);
        self.repaint_tail(columns);
    }

    pub(super) fn move_to(&mut self, target: usize) {
        if target < self.cursor {
            self.pad(b'\x08', self.columns(target, self.cursor));
        } else {
            let passed = self.line.get(self.cursor..target).unwrap_or_default();
            self.output.extend_from_slice(passed);
        }
        self.cursor = target;
    }

    pub(super) fn replace(&mut self, line: Vec<u8>) {
        let old = self.columns(0, self.line.len());
        self.move_to(0);
        self.line = line;
        let new = self.columns(0, self.line.len());
        self.move_to(self.line.len());
        self.blank_out(old.saturating_sub(new));
    }

    /// Writes the line from the cursor on and `blanks` over what stood behind it, and goes back.
    fn repaint_tail(&mut self, blanks: usize) {
        let columns = self.columns(self.cursor, self.line.len()) + blanks;
        let tail = self.line.get(self.cursor..).unwrap_or_default();
        self.output.extend_from_slice(tail);
        self.pad(b' ', blanks);
        self.pad(b'\x08', columns);
    }

    /// Writes blanks over what stands behind the cursor, and goes back.
    pub(super) fn blank_out(&mut self, columns: usize) {
        self.pad(b' ', columns);
        self.pad(b'\x08', columns);
    }

    pub(super) fn pad(&mut self, byte: u8, times: usize) {
        self.output.resize(self.output.len() + times, byte);
    }

    pub(super) fn push_prompt(&mut self) {
        let (on, off) = style::prompt(self.coloured);
        for part in [on, &self.prompt, off] {
            self.output.extend_from_slice(part.as_bytes());
        }
    }

    /// Writes prompt and line, and puts the cursor where it is.
    pub(super) fn repaint(&mut self) {
        self.push_prompt();
        self.output.extend_from_slice(&self.line);
        self.pad(b'\x08', self.columns(self.cursor, self.line.len()));
    }

    /// Counts characters, each a column wide.
    pub(super) fn columns(&self, from: usize, to: usize) -> usize {
        columns(self.line.get(from..to).unwrap_or_default())
    }

    pub(super) fn prompt_columns(&self) -> usize {
        columns(self.prompt.as_bytes())
    }
}

/// Counts characters, each a column wide.
pub(super) fn columns(text: &[u8]) -> usize {
    text.iter().filter(|byte| !is_continuation(**byte)).count()
}

/// Tells whether a byte goes on with a UTF-8 character.
pub(super) fn is_continuation(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}
