//! What Baton decides: the shell and its commands, storage, images, the device tree, and
//! everything about a handoff up to the point of no return.
//!
//! The crate knows no register. It sees the machine through the traits of `platform-api`,
//! so every line of it runs and is tested on the host.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod boot;
pub mod calendar;
pub mod commands;
pub mod console;
pub mod context;
pub mod devicetree;
pub mod env;
pub mod image;
pub mod log;
pub mod machine;
pub mod shell;
pub mod storage;
pub mod watchdog;
