//! Everything a console said: in memory for the waits, in a file for whoever reads a failure.
//!
//! The file is written as the bytes come, so that a test that is killed leaves it too, and
//! `tail -f` follows a running machine. It is removed when a session ends well.

use std::{
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use crate::error::{Error, Result};

/// Lines of the console that an error quotes.
const TAIL_LINES: usize = 24;

#[derive(Debug, Default)]
struct State {
    text: String,
    closed: bool,
}

/// The text so far, shared with the thread that reads the console.
#[derive(Clone, Debug, Default)]
pub(crate) struct Transcript {
    state: Arc<(Mutex<State>, Condvar)>,
    path: Option<PathBuf>,
}

impl Transcript {
    /// Starts a thread that copies `console` until it closes. With a `path`, the bytes also go
    /// to that file as they are.
    pub(crate) fn start(console: impl Read + Send + 'static, path: Option<&Path>) -> Result<Self> {
        let file = path.map(create).transpose()?;
        let transcript = Self {
            state: Arc::default(),
            path: path.map(Path::to_owned),
        };
        let writer = transcript.clone();
        thread::spawn(move || writer.copy(console, file));
        Ok(transcript)
    }

    fn copy(&self, mut console: impl Read, mut file: Option<File>) {
        let mut buffer = [0; 4096];
        loop {
            let count = match console.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            let bytes = buffer.get(..count).unwrap_or_default();
            if let Some(file) = &mut file {
                // A full disk must not look like a silent machine.
                if let Err(error) = file.write_all(bytes) {
                    eprintln!("transcript: {error}");
                }
            }
            let mut state = self.lock();
            state.text.extend(bytes.iter().map(|&byte| printable(byte)));
            state.closed = count == 0;
            self.state.1.notify_all();
            if count == 0 {
                return;
            }
        }
    }

    /// Waits until `find` finds something in the text, the console closes, or `deadline` passes.
    /// `Err(true)`: closed. `Err(false)`: too late.
    pub(crate) fn wait<T>(
        &self,
        deadline: Instant,
        mut find: impl FnMut(&str) -> Option<T>,
    ) -> std::result::Result<T, bool> {
        let mut state = self.lock();
        loop {
            if let Some(found) = find(&state.text) {
                return Ok(found);
            }
            if state.closed {
                return Err(true);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                return Err(false);
            }
            (state, _) = self
                .state
                .1
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Returns the whole text.
    pub(crate) fn text(&self) -> String {
        self.lock().text.clone()
    }

    /// Returns the last lines.
    pub(crate) fn tail(&self) -> String {
        let state = self.lock();
        let lines: Vec<&str> = state.text.lines().collect();
        let first = lines.len().saturating_sub(TAIL_LINES);
        lines.get(first..).unwrap_or_default().join("\n")
    }

    /// Returns the file's path.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Adds a remark at the end of the file.
    pub(crate) fn remark(&self, text: &str) {
        let Some(path) = &self.path else { return };
        let opened = fs::OpenOptions::new().append(true).open(path);
        if let Err(error) = opened.and_then(|mut file| writeln!(file, "\n--- {text}")) {
            eprintln!("{}: {error}", path.display());
        }
    }

    /// Removes the file: the session ended well.
    pub(crate) fn discard(&self) {
        if let Some(path) = &self.path {
            // Already gone is as good.
            let _ = fs::remove_file(path);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One character for each byte, so that a place in the text is a place in the stream; what is
/// not ASCII can only be noise on these consoles.
fn printable(byte: u8) -> char {
    if byte.is_ascii() {
        char::from(byte)
    } else {
        char::REPLACEMENT_CHARACTER
    }
}

fn create(path: &Path) -> Result<File> {
    let made = match path.parent() {
        Some(folder) => fs::create_dir_all(folder),
        None => Ok(()),
    };
    made.and_then(|()| File::create(path))
        .map_err(|error| Error::io(format!("creating {}", path.display()), error))
}
