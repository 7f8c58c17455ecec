//! Ctrl-R: older lines that contain what is typed, as bash shows them.

use alloc::{string::String, vec::Vec};

use super::{LineEditor, paint::columns};
use crate::console::{BELL, escape::Key};

/// The most characters looked for.
const MAX_QUERY: usize = 64;

/// A search in progress.
#[derive(Debug, Default)]
pub(super) struct Search {
    query: String,
    /// How many steps back the line on show is; 0 before the first is found.
    back: usize,
    /// The line that was being typed, to be put back by Ctrl-G.
    draft: Vec<u8>,
    /// Columns on show, from the line's start.
    shown: usize,
}

impl LineEditor {
    pub(super) fn begin_search(&mut self) {
        let left = self.prompt_columns() + self.columns(0, self.cursor);
        let total = self.prompt_columns() + self.columns(0, self.line.len());
        let draft = self.line.clone();
        self.search = Some(Search {
            draft,
            ..Search::default()
        });
        self.pad(b'\x08', left);
        self.cursor = self.line.len();
        self.show_search(total, false);
    }

    /// Takes a key for a search in progress; gives back what is not for it.
    pub(super) fn search_key(&mut self, key: Key) -> Option<Key> {
        let Some(mut search) = self.search.take() else {
            return Some(key);
        };
        let from = match key {
            Key::None => {
                self.search = Some(search);
                return None;
            }
            Key::Insert(byte @ ..0x80) if search.query.len() < MAX_QUERY => {
                search.query.push(char::from(byte));
                search.back.max(1)
            }
            Key::Insert(_) => search.back.max(1),
            Key::Backspace => {
                search.query.pop();
                1
            }
            Key::Search => search.back + 1,
            Key::Abort => {
                self.line = core::mem::take(&mut search.draft);
                self.end_search(search.shown);
                return None;
            }
            key => {
                self.end_search(search.shown);
                return Some(key);
            }
        };
        let shown = search.shown;
        self.pad(b'\x08', shown);
        let failed = match self.history.search(&search.query, from) {
            _ if search.query.is_empty() => false,
            Some((back, line)) => {
                search.back = back;
                self.line = line.as_bytes().to_vec();
                self.cursor = self.line.len();
                false
            }
            None => true,
        };
        self.search = Some(search);
        self.show_search(shown, failed);
        None
    }

    /// Writes the search from the first column on, over `old` columns.
    fn show_search(&mut self, old: usize, failed: bool) {
        let Some(search) = &mut self.search else {
            return;
        };
        let start = self.output.len();
        if failed {
            self.output.push(BELL);
        }
        let label = if failed {
            "(failed reverse-i-search)`"
        } else {
            "(reverse-i-search)`"
        };
        for part in [label, &search.query, "': "] {
            self.output.extend_from_slice(part.as_bytes());
        }
        self.output.extend_from_slice(&self.line);
        let written = self.output.get(start..).unwrap_or_default();
        let new = columns(written) - usize::from(failed);
        search.shown = new;
        self.blank_out(old.saturating_sub(new));
    }

    /// Puts prompt and line back in the place of a search of `shown` columns.
    fn end_search(&mut self, shown: usize) {
        self.pad(b'\x08', shown);
        self.cursor = self.line.len();
        self.repaint();
        let new = self.prompt_columns() + self.columns(0, self.line.len());
        self.blank_out(shown.saturating_sub(new));
    }
}
