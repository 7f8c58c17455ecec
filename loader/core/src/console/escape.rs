//! The keys of a terminal: control characters and escape sequences.

/// What a key asks the line editor to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    /// Insert this byte.
    Insert(u8),
    Enter,
    Interrupt,
    Backspace,
    Delete,
    Left,
    Right,
    Home,
    End,
    Previous,
    Next,
    EraseToEnd,
    EraseToStart,
    EraseWord,
    Yank,
    Complete,
    /// Ctrl-R: look for an older line.
    Search,
    /// Ctrl-G: leave a search.
    Abort,
    /// Nothing: part of a sequence, or a key without a meaning.
    None,
}

/// Where in a sequence the input is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Plain,
    /// After ESC.
    Escape,
    /// After `ESC [` or `ESC O`; the first number so far.
    Sequence(u8),
}

/// Makes keys of bytes.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    state: State,
    after_return: bool,
}

impl Decoder {
    /// Takes a byte, and returns what it completes.
    pub(super) fn feed(&mut self, byte: u8) -> Key {
        let after_return = core::mem::replace(&mut self.after_return, byte == b'\r');
        match self.state {
            State::Plain if byte == b'\n' && after_return => Key::None,
            State::Plain => self.plain(byte),
            State::Escape if matches!(byte, b'[' | b'O') => {
                self.state = State::Sequence(0);
                Key::None
            }
            State::Escape => {
                // Not a sequence after all: the byte stands for itself.
                self.state = State::Plain;
                self.plain(byte)
            }
            State::Sequence(number) => self.sequence(number, byte),
        }
    }

    fn plain(&mut self, byte: u8) -> Key {
        match byte {
            b'\r' | b'\n' => Key::Enter,
            super::INTERRUPT => Key::Interrupt,
            0x08 | 0x7f => Key::Backspace,
            b'\t' => Key::Complete,
            0x1b => {
                self.state = State::Escape;
                Key::None
            }
            0x20..=0x7e | 0x80..=0xff => Key::Insert(byte),
            control => Self::control(control),
        }
    }

    fn control(byte: u8) -> Key {
        match byte | 0x60 {
            b'a' => Key::Home,
            b'b' => Key::Left,
            b'd' => Key::Delete,
            b'e' => Key::End,
            b'f' => Key::Right,
            b'g' => Key::Abort,
            b'k' => Key::EraseToEnd,
            b'n' => Key::Next,
            b'p' => Key::Previous,
            b'r' => Key::Search,
            b'u' => Key::EraseToStart,
            b'w' => Key::EraseWord,
            b'y' => Key::Yank,
            _ => Key::None,
        }
    }

    fn sequence(&mut self, number: u8, byte: u8) -> Key {
        if let digit @ b'0'..=b'9' = byte {
            let number = number.saturating_mul(10).saturating_add(digit - b'0');
            self.state = State::Sequence(number);
            return Key::None;
        }
        if byte == b';' {
            // Modifiers follow; the key is the same without them.
            return Key::None;
        }
        self.state = State::Plain;
        match (byte, number) {
            (b'A', _) => Key::Previous,
            (b'B', _) => Key::Next,
            (b'C', _) => Key::Right,
            (b'D', _) => Key::Left,
            (b'H', _) | (b'~', 1 | 7) => Key::Home,
            (b'F', _) | (b'~', 4 | 8) => Key::End,
            (b'~', 3) => Key::Delete,
            (0x20..=0x7e, _) => Key::None,
            // A control character ends a sequence and keeps its meaning.
            _ => self.plain(byte),
        }
    }
}
