//! A running machine and the talk with its console.
//!
//! Nothing waits without an end: each call has a timeout, given or the session's own. Nothing
//! succeeds by silence: each call looks for text.

mod prompt;

use std::{
    io::Write,
    os::unix::process::CommandExt,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use crate::{
    card::Card,
    error::{Error, ErrorKind, Result},
    monitor::{Monitor, quote},
    pattern::{Match, Pattern},
    slots::Slot,
    transcript::Transcript,
};

pub use prompt::Output;

/// How long a wait lasts where the test names no time: long for a prompt, so that a busy
/// machine does not fail a test, short for a person.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long standard error may go on after the console closed.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// A running process with a console.
pub struct Session {
    name: String,
    child: Child,
    // Dropped with the session; the thread behind it then ends.
    input: mpsc::Sender<Vec<u8>>,
    console: Transcript,
    stderr: Transcript,
    cursor: usize,
    timeout: Duration,
    forbidden: Vec<Pattern>,
    failed: bool,
    pub(crate) monitor: Option<Monitor>,
    // Released when the process is gone: files, the place among the running machines.
    pub(crate) belongings: Vec<Box<dyn Send>>,
}

impl Session {
    /// Starts `command` with its standard streams as the console. The transcript goes to
    /// `build/transcripts/NAME.log`, and stays there if the session fails.
    ///
    /// # Errors
    /// The program cannot be started, or the transcript cannot be written.
    pub fn start(name: &str, mut command: Command) -> Result<Self> {
        let line = format!("{command:?}");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| ErrorKind::Tool {
                command: line.clone(),
                why: error.to_string(),
            })?;
        let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = streams else {
            return Err(Error::check("the child has no standard streams"));
        };
        let path = crate::build::transcripts().join(format!("{}.log", file_name(name)));
        let console = Transcript::start(stdout, Some(&path));
        let console = match console {
            Ok(console) => console,
            Err(error) => {
                stop(&mut child);
                return Err(error);
            }
        };
        Ok(Self {
            name: name.to_owned(),
            child,
            input: writer(stdin),
            console,
            stderr: Transcript::start(stderr, None)?,
            cursor: 0,
            timeout: scaled(DEFAULT_TIMEOUT),
            forbidden: Vec::new(),
            failed: false,
            monitor: None,
            belongings: Vec::new(),
        })
    }

    /// Starts a program that starts a machine of its own, when there is a free place for one.
    /// Whatever the program has started ends with the session.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub fn outside(name: &str, mut command: Command) -> Result<Self> {
        let slot = Slot::take()?;
        command.process_group(0);
        let mut session = Self::start(name, command)?;
        session.belongings.push(Box::new(Group(session.child.id())));
        session.belongings.push(Box::new(slot));
        Ok(session)
    }

    /// Changes how long the waits without a time of their own last.
    pub fn set_timeout(&mut self, timeout: Duration) {
        self.timeout = scaled(timeout);
    }

    /// Makes every later wait fail at once when this text comes before what it waits for.
    pub fn forbid(&mut self, pattern: impl Into<Pattern>) {
        self.forbidden.push(pattern.into());
    }

    /// Allows again everything that was forbidden.
    pub fn allow_all(&mut self) {
        self.forbidden.clear();
    }

    /// Sends text as it is. Never waits: a thread hands it over as fast as the machine takes it.
    pub fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes());
    }

    /// Sends bytes as they are.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        // A machine that is gone cannot take it; the next wait says so.
        let _ = self.input.send(bytes.to_vec());
    }

    /// Sends a line, ended as the Enter key ends it.
    pub fn send_line(&mut self, line: &str) {
        self.send(&format!("{line}\r"));
    }

    /// Waits for text, for the session's own time.
    ///
    /// # Errors
    /// It did not come, or the machine ended, or something forbidden came.
    pub fn expect(&mut self, pattern: impl Into<Pattern>) -> Result<Match> {
        self.wait(&[pattern.into()], self.timeout)
            .map(|(_, found)| found)
    }

    /// Waits for text, for `timeout`.
    ///
    /// # Errors
    /// As [`Session::expect`].
    pub fn expect_for(&mut self, pattern: impl Into<Pattern>, timeout: Duration) -> Result<Match> {
        self.wait(&[pattern.into()], scaled(timeout))
            .map(|(_, found)| found)
    }

    /// Waits for whichever of several texts comes first, and returns its place in the list.
    ///
    /// # Errors
    /// As [`Session::expect`].
    pub fn expect_any(&mut self, patterns: &[Pattern]) -> Result<(usize, Match)> {
        self.wait(patterns, self.timeout)
    }

    /// Waits until the process has ended by itself.
    ///
    /// # Errors
    /// It is still running after `timeout`.
    pub fn expect_exit(&mut self, timeout: Duration) -> Result<ExitStatus> {
        let timeout = scaled(timeout);
        let deadline = Instant::now() + timeout;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Ok(status),
                Ok(None) if Instant::now() < deadline => thread::sleep(Duration::from_millis(10)),
                Ok(None) => {
                    return Err(self.fail(ErrorKind::Timeout {
                        wanted: "end of the process".to_owned(),
                        after: timeout,
                    }));
                }
                Err(source) => {
                    return Err(self.fail(ErrorKind::Io {
                        doing: "waiting for the process".to_owned(),
                        source,
                    }));
                }
            }
        }
    }

    /// Returns QEMU's monitor.
    ///
    /// # Errors
    /// The session is not a machine of [`crate::Machine`].
    pub fn monitor(&mut self) -> Result<&mut Monitor> {
        match &mut self.monitor {
            Some(monitor) => Ok(monitor),
            None => Err(ErrorKind::Monitor("this session has none".to_owned()).into()),
        }
    }

    /// Pulls the card out of a board's slot, whatever is being done with it.
    ///
    /// # Errors
    /// QEMU is gone, or has no such slot.
    pub fn pull_card(&mut self) -> Result<()> {
        self.monitor()?
            .execute("eject", r#"{"device":"card","force":true}"#)
            .map(drop)
    }

    /// Puts a card into a board's empty slot. It keeps what is written to it.
    ///
    /// # Errors
    /// QEMU is gone, or has no such slot, or cannot open the image.
    pub fn put_card(&mut self, card: &Card) -> Result<()> {
        let card = card.clone().kept()?;
        let arguments = format!(
            r#"{{"device":"card","format":"raw","filename":{}}}"#,
            quote(&card.path().display().to_string())
        );
        self.monitor()?
            .execute("blockdev-change-medium", &arguments)?;
        self.belongings.push(Box::new(card));
        Ok(())
    }

    /// Returns everything the console has said so far.
    pub fn transcript(&self) -> String {
        self.console.text()
    }

    /// Kills the process, as a power cut would, and returns everything it had said: all that was
    /// written before its end, not only what had been read by then.
    pub fn kill(mut self) -> String {
        stop(&mut self.child);
        // Its end of the pipe is closed now.
        let _ = self
            .console
            .wait(Instant::now() + LAST_WORDS, |_| None::<()>);
        self.console.text()
    }

    /// Marks the session as failed, so that its transcript stays, and makes the error that says so.
    pub fn fail(&mut self, kind: ErrorKind) -> Error {
        self.fail_with(kind.into())
    }

    /// As [`Session::fail`], for an error that is one already.
    pub(crate) fn fail_with(&mut self, error: Error) -> Error {
        self.failed = true;
        error.with_transcript(
            self.console.tail(),
            self.console.path().map(std::path::Path::to_owned),
        )
    }

    fn wait(&mut self, wanted: &[Pattern], timeout: Duration) -> Result<(usize, Match)> {
        let (cursor, forbidden) = (self.cursor, &self.forbidden);
        let earliest = |text: &str, patterns: &[Pattern]| {
            let found = patterns.iter().enumerate().filter_map(|(index, pattern)| {
                let (range, found) = pattern.find(text, cursor)?;
                Some((range, index, found))
            });
            found.min_by_key(|(range, index, _)| (range.start, *index))
        };
        let found = self.console.wait(Instant::now() + timeout, |text| {
            let good = earliest(text, wanted);
            let bad = earliest(text, forbidden);
            match (good, bad) {
                (Some(good), Some(bad)) if bad.0.start < good.0.start => Some(Err(bad.2)),
                (Some(good), _) => Some(Ok(good)),
                (None, Some(bad)) => Some(Err(bad.2)),
                (None, None) => None,
            }
        });
        let names = || {
            let names: Vec<String> = wanted.iter().map(Pattern::to_string).collect();
            names.join(" or ")
        };
        let kind = match found {
            Ok(Ok((range, index, found))) => {
                self.cursor = range.end;
                return Ok((index, found));
            }
            Ok(Err(bad)) => ErrorKind::Forbidden {
                wanted: names(),
                found: bad.text,
            },
            Err(true) => ErrorKind::Closed {
                wanted: names(),
                status: self.ended(),
                stderr: self.last_words(),
            },
            Err(false) => ErrorKind::Timeout {
                wanted: names(),
                after: timeout,
            },
        };
        Err(self.fail(kind))
    }

    /// Returns what came on standard error, all of it if it ends soon: the console's end may be
    /// seen first.
    fn last_words(&self) -> String {
        let soon = Instant::now() + LAST_WORDS;
        let _ = self.stderr.wait(soon, |_| None::<()>);
        self.stderr.text()
    }

    /// Says whether the process runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Returns how the process ended, giving it a moment after its console closed.
    fn ended(&mut self) -> Option<ExitStatus> {
        for _ in 0..100 {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            thread::sleep(Duration::from_millis(10));
        }
        None
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        stop(&mut self.child);
        if self.failed || thread::panicking() {
            let stderr = self.stderr.text();
            if !stderr.is_empty() {
                self.console
                    .remark(&format!("standard error:\n{}", stderr.trim_end()));
            }
            if let Some(path) = self.console.path() {
                eprintln!("{}: transcript: {}", self.name, path.display());
            }
        } else {
            self.console.discard();
        }
    }
}

/// The processes that a program of [`Session::outside`] has started, itself the first.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        // Mostly there is none left, and kill says so.
        let _ = Command::new("kill")
            .args(["--", &format!("-{}", self.0)])
            .stderr(Stdio::null())
            .status();
    }
}

/// Ends the process by its own handle and collects it.
fn stop(child: &mut Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

/// Starts the thread that writes what is sent: a machine that does not read must not stop a test
/// from reaching its timeout.
fn writer(mut stdin: impl Write + Send + 'static) -> mpsc::Sender<Vec<u8>> {
    let (sender, receiver) = mpsc::channel::<Vec<u8>>();
    thread::spawn(move || {
        for bytes in receiver {
            if stdin
                .write_all(&bytes)
                .and_then(|()| stdin.flush())
                .is_err()
            {
                return;
            }
        }
    });
    sender
}

/// Multiplies a timeout by `BATON_TIMEOUT_SCALE`, for slow hosts.
pub(crate) fn scaled(timeout: Duration) -> Duration {
    let scale = std::env::var("BATON_TIMEOUT_SCALE").ok();
    timeout * scale.and_then(|scale| scale.parse().ok()).unwrap_or(1)
}

/// Makes a file name of a test's name.
pub(crate) fn file_name(name: &str) -> String {
    name.replace("::", "-").replace(
        |c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_',
        "_",
    )
}

#[cfg(test)]
mod tests;
