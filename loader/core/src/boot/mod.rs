//! Everything about a handoff, decided and validated.
//!
//! The way of a boot is: the [`MemoryMap`] says whose memory is whose, [`place`] finds a place
//! for every piece, and a [`BootPlan`] holds the outcome as plain data: [`prepare_zimage`] and
//! [`prepare_elf`] come that far. A [`Prepared`] boot is carried out at once, or [`Staged`] for
//! later: one code path for `bootz`, `bootelf` and `kexec`.
//! Everything up to the jump can fail and changes nothing that anybody owns.

mod error;
mod executable;
pub mod home;
mod initrd;
mod launch;
mod memory_map;
mod placement;
mod plan;
mod prepared;
mod reserved;
mod source;
#[cfg(test)]
pub(crate) mod testing;
mod tree;

pub use error::BootError;
pub use executable::prepare_elf;
pub use initrd::{is_left_behind, settle as settle_initrd};
pub use launch::{Wanted, prepare_zimage};
pub use memory_map::{
    Claim, ClaimError, Direction, FIRST_STAGE_INITRD, Holder, Ledger, MEMRESERVE, MemoryMap, Row,
    Search,
};
pub use placement::{KernelFacts, Piece, PlaceError, Placement, Request, place};
pub use plan::{BootPlan, Part};
pub use prepared::{Options, Prepared, Staged};
pub use source::{Opened, Source};
