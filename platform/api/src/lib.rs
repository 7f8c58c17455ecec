//! The vocabulary between Baton's logic (`baton-core`) and its hardware
//! (`platform-armv7`, `platform-drivers`): addresses, traits, errors.
//!
//! Nothing here knows a register, a mode bit or a page-table format, so that another
//! architecture can stand behind the same traits.
#![no_std]
#![forbid(unsafe_code)]

mod address;
mod block;
mod cache;
mod card;
mod console;
mod cpu;
mod device;
mod handoff;
mod inspect;
mod line;
mod memory;
mod power;
mod rtc;
mod step;
mod time;
mod watchdog;

pub use address::{PhysAddr, PhysRange};
pub use block::{BlockDevice, BlockError, BlockInfo};
pub use cache::DataCache;
pub use card::{CardBus, CardFacts, CardKind};
pub use console::{Console, RawUart};
pub use cpu::{CpuFacts, CpuMode, Fault, FaultKind, Guard};
pub use device::{DeviceNode, RegisterLayout};
pub use handoff::{CleanRanges, Handoff, HandoffRefusal, Launcher, MAX_CLEAN_RANGES};
pub use inspect::{CacheCommand, CacheKind, CacheLevel, Inspect, Mapping, Register, When};
pub use line::{Line, Parity};
pub use memory::{MemoryError, PhysicalMemory, Width};
pub use power::{Power, PowerError};
pub use rtc::{Rtc, RtcError};
pub use step::Step;
pub use time::Clock;
pub use watchdog::{KICK_PERIOD_MS, Watchdog, WatchdogPolicy};
