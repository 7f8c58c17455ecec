//! ARMv7-A with the virtualization extensions: all the assembly.
//!
//! Entry and relocation, the exception vectors, page tables, cache maintenance, recovery from
//! faults, and the handoff's last page. What can be decided without the machine (descriptors,
//! syndromes, reports) is plain code and is tested on the host; the rest is compiled for the
//! target alone.
//!
//! References: ARM Architecture Reference Manual ARMv7-A and ARMv7-R edition (DDI 0406C).
#![cfg_attr(not(test), no_std)]

#[cfg(target_arch = "arm")]
mod asm;
#[cfg(all(target_arch = "arm", feature = "broken-handoff"))]
pub mod broken;
#[cfg(target_arch = "arm")]
pub mod cache;
#[cfg(target_arch = "arm")]
pub mod cpu;
#[cfg(target_arch = "arm")]
pub mod entry;
pub mod exception;
#[cfg(target_arch = "arm")]
pub mod gic;
#[cfg(target_arch = "arm")]
pub mod guard;
#[cfg(target_arch = "arm")]
pub mod handoff;
pub mod inspect;
#[cfg(target_arch = "arm")]
pub mod layout;
pub mod mmu;
pub mod monitor;
#[cfg(target_arch = "arm")]
pub mod registers;
#[cfg(target_arch = "arm")]
pub mod secure;
