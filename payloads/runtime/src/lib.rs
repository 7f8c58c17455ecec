//! What payloads share that touches the machine: the entry code and the state it saved, the
//! console, firmware, faults, the other processors.
//!
//! Not a line of it is shared with the loader. What is *judged* is the crate `witness`, which
//! needs no machine; on the host this crate is empty.
#![cfg_attr(target_os = "none", no_std)]

#[cfg(target_os = "none")]
mod entry;
#[cfg(target_os = "none")]
mod faults;
#[cfg(target_os = "none")]
pub mod findings;
#[cfg(target_os = "none")]
mod leave;
#[cfg(target_os = "none")]
mod psci;
#[cfg(target_os = "none")]
pub mod report;
#[cfg(target_os = "none")]
mod scene;
#[cfg(target_os = "none")]
mod secondary;
#[cfg(target_os = "none")]
mod uart;

#[cfg(target_os = "none")]
pub use leave::{call_in_hyp, enter};
#[cfg(target_os = "none")]
pub use scene::{Scene, scratch};
#[cfg(target_os = "none")]
pub use secondary::park as park_cpu;
