//! Tab: what the candidates for a word do to the line.

use alloc::string::String;

use super::LineEditor;
use crate::console::BELL;

/// Columns of a list of candidates, as U-Boot's.
const LIST_COLUMNS: usize = 78;

/// One way to go on with the word before the cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// What a list of candidates shows.
    pub name: String,
    /// What is missing of it.
    pub rest: String,
    /// The word is complete with it: a blank follows.
    pub ends: bool,
}

impl LineEditor {
    /// Returns the line up to the cursor.
    pub fn head(&self) -> &str {
        let head = self.line.get(..self.cursor).unwrap_or_default();
        // Only whole characters were inserted.
        core::str::from_utf8(head).unwrap_or_default()
    }

    /// Takes a Tab for a blank.
    pub fn blank(&mut self) {
        self.insert(b" ");
    }

    /// Adds what all candidates go on with; lists them when that is nothing.
    pub fn complete(&mut self, candidates: &[Candidate]) {
        let common = common_prefix(candidates);
        match candidates {
            [] => self.output.push(BELL),
            [only] => {
                self.insert(only.rest.as_bytes());
                if only.ends {
                    self.insert(b" ");
                }
            }
            _ if !common.is_empty() => self.insert(common.as_bytes()),
            _ => self.list(candidates),
        }
    }

    /// Shows the names on lines of their own, and the prompt and the line again below.
    fn list(&mut self, candidates: &[Candidate]) {
        let mut column = LIST_COLUMNS;
        for candidate in candidates {
            let width = candidate.name.chars().count();
            if column + 1 + width >= LIST_COLUMNS {
                self.output.extend_from_slice(b"\r\n ");
                column = 1;
            }
            self.output.push(b' ');
            self.output.extend_from_slice(candidate.name.as_bytes());
            column += 1 + width;
        }
        self.output.extend_from_slice(b"\r\n");
        self.repaint();
    }
}

/// Returns what all of them go on with, whole characters.
fn common_prefix(candidates: &[Candidate]) -> &str {
    let Some((first, others)) = candidates.split_first() else {
        return "";
    };
    let first = first.rest.as_str();
    let mut length = others.iter().fold(first.len(), |length, other| {
        let same = first.bytes().zip(other.rest.bytes());
        same.take(length).take_while(|(a, b)| a == b).count()
    });
    while !first.is_char_boundary(length) {
        length -= 1;
    }
    first.get(..length).unwrap_or("")
}
