//! Why a command failed.

use alloc::{boxed::Box, string::String};
use core::fmt;

use platform_api::{BlockError, HandoffRefusal, MemoryError, PowerError, RtcError};

use crate::{
    boot::{BootError, ClaimError, PlaceError},
    devicetree::TreeError,
    env::EnvError,
    image::elf::ElfError,
    storage::{StorageError, StorageProblem},
};

/// Why a command failed. One pointer: nearly every function here may return it, and what
/// carries more costs more at each `?`.
#[derive(Debug)]
pub struct CommandError(Box<Failure>);

/// What a [`CommandError`] tells; the executor prints it and sets `$?` to 1.
#[derive(Debug)]
pub enum Failure {
    /// The arguments are wrong: the executor prints the usage.
    Usage,
    /// The status alone: the command said itself what there was to say (`false`, `cmp`).
    Status(u8),
    /// `exit`: leave the innermost script, with this status.
    Exit(u8),
    /// Ctrl-C.
    Interrupted,
    /// Words of its own, naming the offending value.
    Message(String),
    /// Memory was not granted.
    Memory(MemoryError),
    /// A file, a file system or a disk.
    Storage(StorageError),
    /// The device tree.
    Tree(TreeError),
    /// An image, its placement or the handoff.
    Boot(Box<BootError>),
    /// Reset or power-off.
    Power(PowerError),
    /// The real-time clock.
    Rtc(RtcError),
    /// A variable was not set.
    Env(EnvError),
}

impl CommandError {
    /// The arguments are wrong.
    #[must_use]
    pub fn usage() -> Self {
        Failure::Usage.into()
    }

    /// The command ends with this status and has said why.
    #[must_use]
    pub fn status(status: u8) -> Self {
        Failure::Status(status).into()
    }

    /// The innermost script ends with this status.
    #[must_use]
    pub fn exit(status: u8) -> Self {
        Failure::Exit(status).into()
    }

    /// Ctrl-C was typed.
    #[must_use]
    pub fn interrupted() -> Self {
        Failure::Interrupted.into()
    }

    /// Says why in words that name the offending value.
    #[must_use]
    pub fn message(text: String) -> Self {
        Failure::Message(text).into()
    }

    /// Returns what happened.
    #[must_use]
    pub fn failure(&self) -> &Failure {
        &self.0
    }

    /// Returns the command to try next, where there is one that shows what there is.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        let Failure::Storage(error) = self.failure() else {
            return None;
        };
        match error.problem() {
            StorageProblem::Missing(_)
            | StorageProblem::IsDirectory(_)
            | StorageProblem::NotDirectory(_)
            | StorageProblem::PastEnd { .. } => Some("ls"),
            StorageProblem::NoDisk { .. } => Some("bdinfo"),
            StorageProblem::Partition(_) => Some("part list"),
            _ => None,
        }
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failure() {
            Failure::Usage => f.write_str("wrong arguments"),
            Failure::Status(status) | Failure::Exit(status) => write!(f, "status {status}"),
            Failure::Interrupted => f.write_str("<INTERRUPT>"),
            Failure::Message(text) => f.write_str(text),
            Failure::Memory(error) => error.fmt(f),
            Failure::Storage(error) => error.fmt(f),
            Failure::Tree(error) => error.fmt(f),
            Failure::Boot(error) => error.fmt(f),
            Failure::Power(error) => error.fmt(f),
            Failure::Rtc(error) => error.fmt(f),
            Failure::Env(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for CommandError {}

impl From<Failure> for CommandError {
    #[cold]
    #[inline(never)]
    fn from(failure: Failure) -> Self {
        Self(Box::new(failure))
    }
}

impl From<MemoryError> for CommandError {
    #[cold]
    fn from(error: MemoryError) -> Self {
        Failure::Memory(error).into()
    }
}

impl From<StorageError> for CommandError {
    #[cold]
    fn from(error: StorageError) -> Self {
        match error.problem() {
            StorageProblem::Interrupted => Failure::Interrupted.into(),
            _ => Failure::Storage(error).into(),
        }
    }
}

impl From<BlockError> for CommandError {
    #[cold]
    fn from(error: BlockError) -> Self {
        StorageError::from(error).into()
    }
}

impl From<TreeError> for CommandError {
    #[cold]
    fn from(error: TreeError) -> Self {
        Failure::Tree(error).into()
    }
}

impl From<Box<BootError>> for CommandError {
    #[cold]
    fn from(error: Box<BootError>) -> Self {
        Failure::Boot(error).into()
    }
}

impl From<BootError> for CommandError {
    #[cold]
    fn from(error: BootError) -> Self {
        Box::new(error).into()
    }
}

impl From<HandoffRefusal> for CommandError {
    #[cold]
    fn from(refusal: HandoffRefusal) -> Self {
        BootError::Refused(refusal).into()
    }
}

impl From<Box<PlaceError>> for CommandError {
    #[cold]
    fn from(error: Box<PlaceError>) -> Self {
        BootError::Place(error).into()
    }
}

impl From<ClaimError> for CommandError {
    #[cold]
    fn from(error: ClaimError) -> Self {
        BootError::Claim(error).into()
    }
}

impl From<ElfError> for CommandError {
    #[cold]
    fn from(error: ElfError) -> Self {
        BootError::Elf(error).into()
    }
}

impl From<PowerError> for CommandError {
    #[cold]
    fn from(error: PowerError) -> Self {
        Failure::Power(error).into()
    }
}

impl From<RtcError> for CommandError {
    #[cold]
    fn from(error: RtcError) -> Self {
        Failure::Rtc(error).into()
    }
}

impl From<EnvError> for CommandError {
    #[cold]
    fn from(error: EnvError) -> Self {
        Failure::Env(error).into()
    }
}
