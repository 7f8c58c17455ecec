//! Everything about a handoff, decided and validated.
//!
//! The way of a boot is: the [`MemoryMap`] says whose memory is whose, [`place`] finds a place
//! for every piece, a [`BootPlan`] holds the outcome as plain data, and [`boot_zimage`] and
//! [`boot_elf`] carry it out.
//! Everything up to the jump can fail and changes nothing that anybody owns.

mod error;
mod executable;
pub mod home;
mod launch;
mod memory_map;
mod placement;
mod plan;
mod reserved;
mod source;
#[cfg(test)]
pub(crate) mod testing;
mod tree;

pub use error::BootError;
pub use executable::boot_elf;
pub use launch::{Options, boot_zimage};
pub use memory_map::{Claim, ClaimError, Direction, Holder, Ledger, MemoryMap, Row, Search};
pub use placement::{KernelFacts, Piece, PlaceError, Placement, Request, place};
pub use plan::{BootPlan, Part};
pub use source::{Opened, Source};
