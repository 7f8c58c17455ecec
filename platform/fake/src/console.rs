//! A console with somebody at it who follows a script.

use std::collections::VecDeque;

use platform_api::Console;

/// What the person at the console does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Types these bytes at full speed.
    Type(Vec<u8>),
    /// Waits until this text has appeared since the last wait, however often that takes.
    Await(Vec<u8>),
    /// Does nothing while the machine looks for input this many times.
    Pause(u32),
}

/// A console that records what is written and types what its script says.
#[derive(Debug, Default)]
pub struct FakeConsole {
    script: VecDeque<Step>,
    typed: usize,
    output: Vec<u8>,
    seen: usize,
    writes: usize,
}

impl FakeConsole {
    /// Makes a console at which `bytes` are typed at once.
    pub fn typing(bytes: impl AsRef<[u8]>) -> Self {
        Self::scripted([Step::Type(bytes.as_ref().to_vec())])
    }

    /// Makes a console at which `steps` happen in order.
    pub fn scripted(steps: impl IntoIterator<Item = Step>) -> Self {
        Self {
            script: steps.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Adds a step at the end of the script.
    pub fn then(&mut self, step: Step) {
        self.script.push_back(step);
    }

    /// Types `bytes` after everything else in the script.
    pub fn type_bytes(&mut self, bytes: impl AsRef<[u8]>) {
        self.then(Step::Type(bytes.as_ref().to_vec()));
    }

    /// Returns everything written so far.
    pub fn output(&self) -> &[u8] {
        &self.output
    }

    /// Returns everything written so far as text, bad UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// Forgets what was written, and returns it as text.
    pub fn take_text(&mut self) -> String {
        self.seen = 0;
        let output = std::mem::take(&mut self.output);
        String::from_utf8_lossy(&output).into_owned()
    }

    /// Returns how often [`Console::write`] was called: a driver pays for each.
    pub fn writes(&self) -> usize {
        self.writes
    }

    /// Tells whether the script has been played to its end.
    pub fn is_done(&self) -> bool {
        match self.script.front() {
            None => true,
            Some(Step::Type(bytes)) => self.script.len() == 1 && self.typed >= bytes.len(),
            Some(_) => false,
        }
    }

    /// Advances past a step that waits, if what it waits for has come.
    fn settle(&mut self) {
        let Some(Step::Await(text)) = self.script.front() else {
            return;
        };
        let new = self.output.get(self.seen..).unwrap_or_default();
        let Some(found) = new.windows(text.len().max(1)).position(|part| part == text) else {
            return;
        };
        self.seen += found + text.len();
        self.script.pop_front();
    }
}

impl Console for FakeConsole {
    fn write(&mut self, bytes: &[u8]) {
        self.writes += 1;
        self.output.extend_from_slice(bytes);
    }

    fn read(&mut self) -> Option<u8> {
        self.settle();
        match self.script.front_mut()? {
            Step::Type(bytes) => match bytes.get(self.typed) {
                Some(byte) => {
                    self.typed += 1;
                    Some(*byte)
                }
                None => {
                    self.typed = 0;
                    self.script.pop_front();
                    self.read()
                }
            },
            Step::Pause(0) => {
                self.script.pop_front();
                self.read()
            }
            Step::Pause(times) => {
                *times -= 1;
                None
            }
            Step::Await(_) => None,
        }
    }

    fn flush(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn awaits_text_before_it_types() {
        let mut console = FakeConsole::scripted([
            Step::Await(b"=> ".to_vec()),
            Step::Pause(1),
            Step::Type(b"a".to_vec()),
        ]);
        assert_eq!(console.read(), None);
        console.write(b"\r\n=");
        assert_eq!(console.read(), None);
        console.write(b"> ");
        assert_eq!(console.read(), None);
        assert!(!console.is_done());
        assert_eq!(console.read(), Some(b'a'));
        assert!(console.is_done());
        assert_eq!(console.read(), None);
        assert!(console.is_done());
        assert_eq!(console.text(), "\r\n=> ");
    }
}
