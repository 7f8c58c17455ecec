//! Everything about a handoff, decided and validated.
//!
//! The way of a boot is: the [`MemoryMap`] says whose memory is whose, [`place`] finds a place
//! for every piece, a [`BootPlan`] holds the outcome as plain data, and `launch` carries it out.
//! Everything up to the jump can fail and changes nothing that anybody owns.

mod error;
pub mod home;
mod memory_map;
mod placement;
mod plan;

pub use error::BootError;
pub use memory_map::{Claim, ClaimError, Direction, Holder, Ledger, MemoryMap, Row, Search};
pub use placement::{KernelFacts, Piece, PlaceError, Placement, Request, place};
pub use plan::{BootPlan, Part};
