//! The lines typed before.

use alloc::{collections::VecDeque, string::String};

/// The most lines kept.
const MAX_LINES: usize = 64;

/// The most bytes kept in all of them.
const MAX_BYTES: usize = 16 * 1024;

/// Lines typed before, bounded in number and bytes, and which of them is on show.
#[derive(Debug, Default)]
pub struct History {
    /// Oldest first.
    lines: VecDeque<String>,
    bytes: usize,
    /// How many steps back the line on show is; 0 is the one being typed.
    back: usize,
    /// What was being typed when browsing began.
    draft: String,
}

impl History {
    /// Adds a line and ends browsing. Empty lines and repetitions are not kept.
    pub fn add(&mut self, line: &str) {
        self.back = 0;
        if line.is_empty() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        self.bytes += line.len();
        self.lines.push_back(line.into());
        while self.lines.len() > MAX_LINES || self.bytes > MAX_BYTES {
            match self.lines.pop_front() {
                Some(oldest) => self.bytes -= oldest.len(),
                None => return,
            }
        }
    }

    /// Ends browsing.
    pub fn leave(&mut self) {
        self.back = 0;
    }

    /// Steps to an older line, if there is one; `current` is what is being shown.
    pub fn older(&mut self, current: &str) -> Option<&str> {
        let index = self.lines.len().checked_sub(self.back + 1)?;
        if self.back == 0 {
            self.draft = current.into();
        }
        self.back += 1;
        self.lines.get(index).map(String::as_str)
    }

    /// Steps to a newer line, or back to what was being typed.
    pub fn newer(&mut self) -> Option<&str> {
        self.back = self.back.checked_sub(1)?;
        if self.back == 0 {
            return Some(&self.draft);
        }
        let index = self.lines.len().checked_sub(self.back)?;
        self.lines.get(index).map(String::as_str)
    }

    /// Looks for the newest line that contains `text` and is at least `back` steps back (1: the
    /// last one). Returns how many steps, and the line.
    pub fn search(&self, text: &str, back: usize) -> Option<(usize, &str)> {
        let lines = self.lines.iter().rev().enumerate();
        let mut steps = lines.map(|(index, line)| (index + 1, line.as_str()));
        steps.find(|(steps, line)| *steps >= back && line.contains(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn walks_back_and_forth() {
        let mut history = History::default();
        for line in ["a", "", "b", "b"] {
            history.add(line);
        }
        assert_eq!(history.older("draft"), Some("b"));
        assert_eq!(history.older("b"), Some("a"));
        assert_eq!(history.older("a"), None);
        assert_eq!(history.newer(), Some("b"));
        assert_eq!(history.newer(), Some("draft"));
        assert_eq!(history.newer(), None);
    }

    #[test]
    fn finds_the_newest() {
        let mut history = History::default();
        for line in ["load a", "boot", "load b"] {
            history.add(line);
        }
        assert_eq!(history.search("load", 1), Some((1, "load b")));
        assert_eq!(history.search("load", 2), Some((3, "load a")));
        assert_eq!(history.search("boot", 3), None);
    }

    #[test]
    fn forgets_the_oldest() {
        let mut history = History::default();
        for number in 0..=MAX_LINES {
            history.add(&format!("{number}"));
        }
        assert_eq!(history.lines.len(), MAX_LINES);
        assert_eq!(history.lines[0], "1");
        history.add(&"x".repeat(MAX_BYTES));
        assert_eq!((history.lines.len(), history.bytes), (1, MAX_BYTES));
        history.add(&"y".repeat(MAX_BYTES + 1));
        assert_eq!((history.lines.len(), history.bytes), (0, 0));
    }
}
