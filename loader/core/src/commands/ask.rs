//! Asks the user for a line.

use alloc::{string::String, vec::Vec};
use core::fmt::Write;

use super::CommandError;
use crate::{
    console::{Event, LineEditor},
    context::Context,
};

/// Shows `prompt` and waits for a line.
///
/// # Errors
/// [`CommandError::Interrupted`] at Ctrl-C.
pub(super) fn line(cx: &mut Context<'_>, prompt: &'static str) -> Result<String, CommandError> {
    let mut editor = LineEditor::new(prompt);
    let _ = cx.write_str(prompt);
    loop {
        cx.input.poll(cx.machine.console);
        let Some(byte) = cx.input.next_byte() else {
            continue;
        };
        let event = editor.feed(byte, &|_| Vec::new());
        cx.write_raw(&editor.take_output());
        match event {
            Some(Event::Line(line)) => return Ok(line),
            Some(Event::Interrupted) => {
                let _ = cx.write_str("\n");
                return Err(CommandError::Interrupted);
            }
            None => {}
        }
    }
}
