//! Host fakes of every platform trait, so that the loader's logic is tested without a machine.
//!
//! Each fake is a value that a test composes, keeps a handle to, and asks afterwards what
//! happened to it. Faults, handoffs and powered-off machines are unwinds that carry a marker:
//! they leave the code under test exactly as the real thing does, without returning.
#![forbid(unsafe_code)]
// Only hosts run this, and hosts are 64 bits wide.
#![allow(clippy::cast_possible_truncation)]

mod clock;
mod console;
mod disk;
mod fault;
mod inspect;
mod launcher;
mod memory;
mod power;
mod rtc;
mod watchdog;

pub use clock::FakeClock;
pub use console::{FakeConsole, Step};
pub use disk::{FakeDisk, Request};
pub use fault::{FakeGuard, FaultMarker};
pub use inspect::FakeInspect;
pub use launcher::{Call, FakeLauncher, HandedOff, catch_handoff};
pub use memory::FakeMemory;
pub use power::{FakePower, PowerCall};
pub use rtc::FakeRtc;
pub use watchdog::{FakeWatchdog, WatchdogCall};

use platform_api::{CpuFacts, CpuMode};

/// The facts of a Cortex-A15 in HYP mode with its caches on.
pub const CORTEX_A15: CpuFacts = CpuFacts {
    mode: CpuMode::Hypervisor,
    name: "Cortex-A15",
    id: 0x412f_c0f1,
    affinity: 0,
    cache_line: 64,
    caches_on: true,
};
