//! Device drivers, bound by compatible strings.
//!
//! Each driver exports a constant table of `compatible` strings beside its `probe`;
//! [`bind::driver_for`] picks the driver of a node, and the composition root calls the probe.
//! A probe takes the node, looks at the hardware and returns the driver or a named error.
//!
//! This crate is one of the few with `unsafe`: addresses from the device tree become register
//! blocks here. That step is an `unsafe fn` whose contract the composition root fulfils; past
//! it, drivers hold typed registers (`safe-mmio`) and not addresses.
#![cfg_attr(not(test), no_std)]

extern crate alloc;

pub mod bcm2835;
pub mod bind;
pub mod gic;
pub mod mmc;
mod mmio;
pub mod power;
pub mod psci;
pub mod rtc;
pub mod timer;
pub mod uart;
pub mod virtio;
pub mod watchdog;

pub use mmio::WindowError;
