//! Output a page at a time, for whoever sets `pager` to a number of lines.

use crate::context::Context;

/// What is shown at the end of a page; it is wiped when a key comes.
const MORE: &[u8] = b": Press SPACE to continue";

/// Counts lines to the end of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pager {
    page: u16,
    left: u16,
}

impl Pager {
    /// Makes a pager of `${pager}` lines, decimal; none if that is not set, no number, or 0.
    pub fn from_env(cx: &Context<'_>) -> Option<Self> {
        let lines: u16 = cx.env.get("pager")?.parse().ok()?;
        // One of the terminal's lines is for the question.
        let page = lines.saturating_sub(1).max(1);
        (lines > 0).then_some(Self { page, left: page })
    }

    /// Counts a line that was written; tells whether the page is full.
    pub fn line(&mut self) -> bool {
        self.left = self.left.saturating_sub(1);
        self.left == 0
    }
}

/// Waits for a key at the end of a page: a blank shows the next page, Return a line, `q` or
/// Ctrl-C end the command.
pub fn pause(cx: &mut Context<'_>, mut pager: Pager) {
    if !cx.input.is_empty() {
        // More commands have been sent already: nobody reads along.
        pager.left = pager.page;
        cx.pager = Some(pager);
        return;
    }
    cx.machine.console.write(MORE);
    let lines = loop {
        if cx.interrupted() {
            break None;
        }
        match cx.input.next_byte() {
            Some(b' ') => break Some(pager.page),
            Some(b'\r' | b'\n') => break Some(1),
            Some(b'q' | b'Q') => {
                cx.input.interrupt();
                break None;
            }
            _ => {}
        }
    };
    cx.machine.console.write(b"\r                         \r");
    pager.left = lines.unwrap_or(pager.page);
    cx.pager = Some(pager);
}
