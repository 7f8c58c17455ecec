//! What survives a handoff: a boot counter and the last lines that were worth keeping, in a page
//! that the next kernel leaves alone and the next Baton finds again.
//!
//! The page is named by a node of /reserved-memory (`compatible = "baton,log"`), which the payload
//! gets with its tree, and which kexec passes on. The same text is in /chosen (`baton,log`,
//! `baton,boot-count`), where Linux shows it to everybody.
//!
//! Lines are gathered in memory; the page is written at the start, after a failed command and
//! before a handoff, so that a boot pays for two short checksums.

mod page;
mod place;
#[cfg(test)]
mod tests;

use alloc::string::String;
use core::fmt::{self, Write as _};

use platform_api::PhysRange;

pub use page::{PageError, SIZE, TEXT_SIZE};
pub use place::{COMPATIBLE, find_page};

/// Bytes that one line may take; what is longer is cut.
const MAX_LINE: usize = 240;

/// The log of this boot and, before it, of those before.
#[derive(Debug, Default)]
pub struct Log<'a> {
    /// Which boot this is, counted from 1; 0 without a page.
    count: u32,
    /// Whole lines, the newest last, at most [`TEXT_SIZE`] bytes of printable ASCII.
    text: String,
    /// Where it survives.
    page: Option<(&'a mut [u8; SIZE], PhysRange)>,
}

impl<'a> Log<'a> {
    /// Takes the page and what an earlier boot left there, and counts this one. What is no log is
    /// ignored, and the reason returned.
    pub fn open(bytes: &'a mut [u8; SIZE], at: PhysRange) -> (Self, Result<(), PageError>) {
        let (found, result) = match page::read(bytes) {
            Ok(found) => (found, Ok(())),
            Err(error) => ((0, String::new()), Err(error)),
        };
        let (count, text) = found;
        let log = Self {
            count: count.saturating_add(1),
            text,
            page: Some((bytes, at)),
        };
        (log, result)
    }

    /// Returns which boot this is, counted from 1; 0 if nothing survives here.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Returns the lines, oldest first.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the page it survives in.
    pub fn page(&self) -> Option<PhysRange> {
        self.page.as_ref().map(|(_, at)| *at)
    }

    /// Adds what may be several lines. The oldest ones go when there is no room.
    pub fn record(&mut self, message: fmt::Arguments<'_>) {
        // Writing to it cannot fail.
        let mut recorder = Recorder {
            text: &mut self.text,
            line: 0,
        };
        let _ = recorder.write_fmt(message);
        let _ = recorder.write_str("\n");
        if self.text.len() > TEXT_SIZE {
            let surplus = self.text.len() - TEXT_SIZE;
            let rest = self.text.as_bytes().get(surplus..).unwrap_or_default();
            // Whole lines: the one that is cut goes too.
            let partial = rest.iter().position(|&byte| byte == b'\n');
            let cut = surplus + partial.map_or(rest.len(), |at| at + 1);
            self.text.drain(..cut);
        }
    }

    /// Forgets the lines; the counter stays.
    pub fn clear(&mut self) {
        self.text.clear();
        self.store();
    }

    /// Writes the page.
    pub fn store(&mut self) {
        if let Some((bytes, _)) = &mut self.page {
            page::write(bytes, self.count, &self.text);
        }
    }
}

/// Keeps printable ASCII and ends of lines, and cuts long lines.
struct Recorder<'t> {
    text: &'t mut String,
    line: usize,
}

impl fmt::Write for Recorder<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while !rest.is_empty() {
            // Nearly all of it is plain: it is taken in runs.
            let plain = rest.bytes().take_while(|byte| matches!(byte, b' '..=b'~'));
            let (run, behind) = rest.split_at_checked(plain.count()).unwrap_or_default();
            self.push(run);
            let mut others = behind.chars();
            match others.next() {
                // An empty line says nothing.
                Some('\n') if self.line > 0 => {
                    self.line = 0;
                    self.text.push('\n');
                }
                None | Some('\n' | '\r') => {}
                Some(_) => self.push("?"),
            }
            rest = others.as_str();
        }
        Ok(())
    }
}

impl Recorder<'_> {
    /// Adds ASCII to the line, as far as it may grow.
    fn push(&mut self, run: &str) {
        let room = MAX_LINE.saturating_sub(self.line).min(run.len());
        self.text.push_str(run.get(..room).unwrap_or_default());
        self.line += room;
    }
}
