//! A line for a command that asks for one.

use alloc::string::String;

use super::{Event, LineEditor};
use crate::{commands::CommandError, context::Context};

/// Shows `prompt` with `initial` behind it, to be edited, and waits for the line.
///
/// # Errors
/// [`Failure::Interrupted`](crate::commands::Failure::Interrupted).
pub fn read_line(
    cx: &mut Context<'_>,
    prompt: &str,
    initial: &str,
) -> Result<String, CommandError> {
    let mut editor = LineEditor::new(prompt);
    editor.show_prompt();
    editor.preset(initial);
    loop {
        if cx.interrupted() {
            return Err(CommandError::interrupted());
        }
        let Some(byte) = cx.input.next_byte() else {
            flush(cx, &mut editor);
            continue;
        };
        match editor.feed(byte) {
            Some(Event::Line(line)) => {
                flush(cx, &mut editor);
                return Ok(line);
            }
            Some(Event::Interrupted) => return Err(CommandError::interrupted()),
            Some(Event::Complete) => editor.blank(),
            None => {}
        }
    }
}

fn flush(cx: &mut Context<'_>, editor: &mut LineEditor) {
    cx.write_raw(editor.output());
    editor.clear_output();
}
