//! Models the caches that QEMU has not, and judges every handoff of a run. See docs/cachecheck.md.
//!
//! `lines` is the state of each line of RAM, `cpu` what the system registers say, `walk` where an
//! address lies and how it is cached, `checker` what happens from instruction to instruction,
//! `judge` the verdicts. `plugin` is the glue to QEMU. `count`, with `counting` as its glue, is the
//! same plugin for another purpose: it counts, and judges nothing.

pub mod checker;
pub mod count;
#[cfg(not(test))]
mod counting;
pub mod cpu;
pub mod instruction;
pub mod judge;
pub mod lines;
pub mod memory;
pub mod payload;
#[cfg(not(test))]
mod plugin;
pub mod report;
pub mod symbols;
pub mod walk;
