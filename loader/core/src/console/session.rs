//! The prompt: reads lines, runs them, for ever.

use alloc::string::String;
use core::fmt::Write;

use super::{
    autoboot::{Autoboot, countdown},
    completion,
    editor::{Event, LineEditor},
    pager::Pager,
    style,
};
use crate::{
    context::Context,
    shell::{Outcome, execute, is_incomplete},
};

/// What a line is typed behind. Nothing else starts a line so.
pub const PROMPT: &str = "=> ";

/// How long nothing must follow a Tab, in microseconds, for it to be a key: in a pasted text
/// it is a blank. Characters of a paste are 10 ms apart at 1200 baud, keys that are pressed more.
const KEY_PAUSE_US: u64 = 20_000;

/// What a line is typed behind that goes on with an open `if`, quote or the like.
pub const CONTINUATION: &str = "> ";

/// The most bytes of a command that is typed on several lines. All of it is looked at after
/// each of them.
const MAX_OPEN: usize = 16 * 1024;

/// The dialogue at the prompt.
pub struct Session {
    editor: LineEditor,
    prompted: bool,
    /// The lines of a command that is not complete yet, each with its newline.
    open: String,
}

impl Default for Session {
    fn default() -> Self {
        Self {
            editor: LineEditor::new(PROMPT),
            prompted: false,
            open: String::new(),
        }
    }
}

impl Session {
    /// Counts down and boots, then serves the prompt; only a handoff or a reset ends this.
    pub fn run(&mut self, cx: &mut Context<'_>) -> ! {
        self.autoboot(cx);
        loop {
            self.poll(cx);
        }
    }

    /// Counts down, and runs `bootcmd` unless stopped. Returns when that has failed, or has
    /// not been wanted.
    pub fn autoboot(&mut self, cx: &mut Context<'_>) {
        match countdown(cx) {
            Autoboot::Disabled => {}
            Autoboot::Stopped(key) => self.editor.swallow(key),
            Autoboot::Boot => {
                if let Some(command) = cx.env.get("bootcmd").map(String::from) {
                    self.execute(cx, &command);
                }
            }
        }
    }

    /// Uses up the input there is: shows the prompt, edits, runs complete lines. Never waits.
    pub fn poll(&mut self, cx: &mut Context<'_>) {
        loop {
            self.prompt(cx);
            cx.input.poll(cx.machine.console);
            let Some(byte) = cx.input.next_byte() else {
                return self.flush(cx);
            };
            if let Some(event) = self.editor.feed(byte) {
                self.flush(cx);
                self.handle(cx, event);
            }
        }
    }

    /// Tab: completes, unless it is a part of a text that is sent at full speed.
    fn complete(&mut self, cx: &mut Context<'_>) {
        let start = cx.machine.clock.microseconds();
        while cx.machine.clock.microseconds().wrapping_sub(start) < KEY_PAUSE_US {
            cx.input.poll(cx.machine.console);
            if !cx.input.is_empty() {
                return self.editor.blank();
            }
        }
        let candidates = completion::complete(cx, self.editor.head());
        self.editor.complete(&candidates);
    }

    fn prompt(&mut self, cx: &mut Context<'_>) {
        if self.prompted {
            return;
        }
        cx.input.clear_interrupt();
        if !cx.at_line_start {
            let _ = cx.write_str("\n");
        }
        let lost = cx.input.take_lost();
        if lost > 0 {
            let _ = writeln!(cx, "{lost} characters typed too early were lost");
        }
        cx.coloured = style::coloured(&cx.env);
        let prompt = if self.open.is_empty() {
            PROMPT
        } else {
            CONTINUATION
        };
        self.editor.set_prompt(prompt, cx.coloured);
        self.editor.show_prompt();
        self.flush(cx);
        self.prompted = true;
    }

    fn flush(&mut self, cx: &mut Context<'_>) {
        cx.write_raw(self.editor.output());
        self.editor.clear_output();
    }

    fn handle(&mut self, cx: &mut Context<'_>, event: Event) {
        match event {
            Event::Complete => self.complete(cx),
            Event::Line(line) => {
                self.prompted = false;
                self.line(cx, &line);
            }
            Event::Interrupted => {
                self.prompted = false;
                cx.repeat = None;
                self.open.clear();
                let _ = cx.write_str("<INTERRUPT>\n");
            }
        }
    }

    /// Runs a line; an empty one goes on with what the last command left to be gone on with.
    /// One that ends inside a command waits for the rest of it.
    fn line(&mut self, cx: &mut Context<'_>, line: &str) {
        let repeat = cx.repeat.take();
        let mut text = core::mem::take(&mut self.open);
        text.extend([line, "\n"]);
        if is_incomplete(&text) && text.len() <= MAX_OPEN {
            self.open = text;
            return;
        }
        cx.pager = Pager::from_env(cx);
        let several = text.len() > line.len() + 1;
        let outcome = match repeat {
            Some(continuation) if !several && line.trim_ascii().is_empty() => {
                self.execute(cx, &continuation)
            }
            _ if several || !line.trim_ascii().is_empty() => self.execute(cx, &text),
            _ => Outcome::Finished,
        };
        if outcome == Outcome::Exited {
            let _ = cx.write_str("exit not allowed from main input shell.\n");
        }
        cx.pager = None;
    }

    fn execute(&mut self, cx: &mut Context<'_>, text: &str) -> Outcome {
        // A fault may have left it anywhere.
        cx.shell.reset();
        cx.running = true;
        let mut outcome = execute(cx, text);
        cx.running = false;
        if core::mem::take(&mut cx.output_cut) {
            // The last command may have finished all the same, unheard.
            cx.status = 1;
            outcome = Outcome::Interrupted;
        }
        if outcome == Outcome::Interrupted {
            let _ = cx.write_str("<INTERRUPT>\n");
        }
        outcome
    }
}
