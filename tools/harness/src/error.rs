//! Why a wait, a command or a machine failed, said so that the message alone is enough.

use std::{fmt, io, path::PathBuf, process::ExitStatus, time::Duration};

/// The harness's result.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong.
#[derive(Debug)]
pub enum ErrorKind {
    /// The text did not come in time.
    Timeout {
        /// What was waited for.
        wanted: String,
        /// How long.
        after: Duration,
    },
    /// The machine's process ended, or closed its console, before the text came.
    Closed {
        /// What was waited for.
        wanted: String,
        /// How the process ended, if it did.
        status: Option<ExitStatus>,
        /// What it printed on its standard error.
        stderr: String,
    },
    /// Text came that the test had declared a failure.
    Forbidden {
        /// What was waited for.
        wanted: String,
        /// What came instead.
        found: String,
    },
    /// A command at the prompt ended with another status than the test wanted.
    Status {
        /// The command.
        command: String,
        /// What it printed.
        output: String,
        /// Its `$?`.
        status: u8,
    },
    /// The monitor refused a command.
    Monitor(String),
    /// A file that the set-up makes is not there.
    Missing(PathBuf),
    /// A host program failed.
    Tool {
        /// Its command line.
        command: String,
        /// What it printed on its standard error, or why it did not start.
        why: String,
    },
    /// The host failed.
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
    /// A test's own finding.
    Check(String),
}

/// An error, with what the console said last and where the whole transcript lies.
pub struct Error {
    kind: ErrorKind,
    tail: String,
    transcript: Option<PathBuf>,
}

impl Error {
    /// Makes a test's own finding.
    pub fn check(message: impl Into<String>) -> Self {
        ErrorKind::Check(message.into()).into()
    }

    /// Wraps a failure of the host.
    pub fn io(doing: impl Into<String>, source: io::Error) -> Self {
        ErrorKind::Io {
            doing: doing.into(),
            source,
        }
        .into()
    }

    /// Returns what went wrong.
    pub fn kind(&self) -> &ErrorKind {
        &self.kind
    }

    /// Says what was being done, before everything else.
    pub fn context(mut self, what: impl fmt::Display) -> Self {
        self.kind = ErrorKind::Check(format!("{what}: {}", self.kind));
        self
    }

    /// Adds the console's last lines and the transcript's place.
    pub(crate) fn with_transcript(mut self, tail: String, path: Option<PathBuf>) -> Self {
        self.tail = tail;
        self.transcript = path;
        self
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self {
            kind,
            tail: String::new(),
            transcript: None,
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout { wanted, after } => {
                write!(f, "no {wanted} within {:.1} s", after.as_secs_f32())
            }
            Self::Closed {
                wanted,
                status,
                stderr,
            } => {
                write!(f, "the console closed while waiting for {wanted}")?;
                if let Some(status) = status {
                    write!(f, " ({status})")?;
                }
                if !stderr.is_empty() {
                    write!(f, "; standard error: {}", stderr.trim_end())?;
                }
                Ok(())
            }
            Self::Forbidden { wanted, found } => {
                write!(f, "\"{found}\" came while waiting for {wanted}")
            }
            Self::Status {
                command,
                output,
                status,
            } => write!(f, "\"{command}\" ended with status {status}: {output}"),
            Self::Monitor(why) => write!(f, "QEMU's monitor: {why}"),
            Self::Missing(path) => write!(f, "{} is missing: run `make image`", path.display()),
            Self::Tool { command, why } => write!(f, "`{command}` failed: {why}"),
            Self::Io { doing, source } => write!(f, "{doing}: {source}"),
            Self::Check(message) => f.write_str(message),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        if !self.tail.is_empty() {
            write!(f, "\n--- the console's last lines\n{}", self.tail)?;
        }
        if let Some(path) = &self.transcript {
            write!(f, "\n--- transcript: {}", path.display())?;
        }
        Ok(())
    }
}

/// As `Display`: a test that returns an error is reported by its `Debug`.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
