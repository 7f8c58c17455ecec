//! Characters received and not yet used.

use alloc::collections::VecDeque;

use platform_api::Console;

use super::INTERRUPT;

/// The most characters kept.
const CAPACITY: usize = 16 * 1024;

/// A queue between the receiver, whose own holds a few characters, and the prompt. Everything
/// that takes time calls [`Input::poll`] or [`Input::interrupted`] now and then.
#[derive(Debug, Default)]
pub struct Input {
    queue: VecDeque<u8>,
    /// How many of the queue are Ctrl-C: commands ask often, and the queue may be long.
    waiting_interrupts: usize,
    interrupted: bool,
    lost: usize,
}

impl Input {
    /// Takes in what the receiver has, as far as there is room. Never waits.
    pub fn poll(&mut self, console: &mut dyn Console) {
        while self.queue.len() < CAPACITY {
            match console.read() {
                Some(byte) => self.push(byte),
                None => return,
            }
        }
    }

    /// Empties the receiver, in search of Ctrl-C; what finds no room is lost.
    fn drain(&mut self, console: &mut dyn Console) {
        self.poll(console);
        if self.queue.len() < CAPACITY {
            return;
        }
        // Bounded, so that a flood of input cannot hold the caller here.
        for _ in 0..CAPACITY {
            match console.read() {
                Some(INTERRUPT) => {
                    // It gets through, at the cost of the newest character.
                    if self.queue.pop_back() == Some(INTERRUPT) {
                        self.waiting_interrupts -= 1;
                    }
                    self.push(INTERRUPT);
                    self.lost += 1;
                }
                Some(_) => self.lost += 1,
                None => return,
            }
        }
    }

    fn push(&mut self, byte: u8) {
        if byte == INTERRUPT {
            self.waiting_interrupts += 1;
        }
        self.queue.push_back(byte);
    }

    /// Takes the oldest character out.
    pub fn next_byte(&mut self) -> Option<u8> {
        let byte = self.queue.pop_front()?;
        if byte == INTERRUPT {
            self.waiting_interrupts -= 1;
        }
        Some(byte)
    }

    /// Takes in what the receiver has, and tells whether Ctrl-C was typed since the prompt.
    /// As on any terminal, what was typed before Ctrl-C is gone with it.
    pub fn interrupted(&mut self, console: &mut dyn Console) -> bool {
        self.drain(console);
        if self.waiting_interrupts > 0 {
            self.interrupted = true;
            while self.next_byte().is_some_and(|byte| byte != INTERRUPT) {}
        }
        self.interrupted
    }

    /// Does what Ctrl-C does: for another key that ends a command.
    pub fn interrupt(&mut self) {
        self.interrupted = true;
    }

    /// Tells whether nothing waits to be used.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Forgets a Ctrl-C: it has done its work, the prompt is back.
    pub fn clear_interrupt(&mut self) {
        self.interrupted = false;
    }

    /// Returns how many characters found no room since the last call.
    pub fn take_lost(&mut self) -> usize {
        core::mem::take(&mut self.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::{vec, vec::Vec};
    use platform_fake::FakeConsole;

    fn drain(input: &mut Input) -> Vec<u8> {
        core::iter::from_fn(|| input.next_byte()).collect()
    }

    #[test]
    fn keeps_what_is_typed_in_order() {
        let mut console = FakeConsole::typing("echo a\r");
        let mut input = Input::default();
        assert!(!input.interrupted(&mut console));
        console.type_bytes("b");
        input.poll(&mut console);
        assert_eq!(drain(&mut input), b"echo a\rb");
    }

    #[test]
    fn ctrl_c_drops_what_came_before_and_sticks() {
        let mut console = FakeConsole::typing("old\x03new");
        let mut input = Input::default();
        assert!(input.interrupted(&mut console));
        assert!(input.interrupted(&mut console));
        input.clear_interrupt();
        assert!(!input.interrupted(&mut console));
        assert_eq!(drain(&mut input), b"new");
    }

    #[test]
    fn a_full_queue_loses_the_newest_but_never_ctrl_c() {
        let mut console = FakeConsole::typing(vec![b'a'; CAPACITY + 5]);
        let mut input = Input::default();
        input.poll(&mut console);
        assert_eq!(input.take_lost(), 0);
        assert!(!input.interrupted(&mut console));
        assert_eq!(input.take_lost(), 5);
        assert_eq!(input.take_lost(), 0);
        console.type_bytes("\x03\x03b");
        assert!(input.interrupted(&mut console));
        assert!(drain(&mut input).is_empty());
    }
}
