//! Exceptions: what was interrupted, what the syndrome says, the report, the way back.

mod frame;
#[cfg(target_arch = "arm")]
mod handler;
mod report;
mod syndrome;

pub use frame::Frame;
#[cfg(target_arch = "arm")]
pub use handler::{set_output, set_recovery_check, stop};
pub use report::{Facts, write_report};
pub use syndrome::{AbortKind, Class, FaultStatus, Syndrome, Vector};
