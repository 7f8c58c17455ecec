//! The loader image: it composes the machine for `baton-core` and holds no policy.
//!
//! entry.S (platform-armv7) calls [`early::baton_choose_home`] where the image was put, and
//! [`start::baton_main`] where it lives.
#![no_std]
#![no_main]

extern crate alloc;

mod crash;
mod crc_tables;
mod devices;
mod early;
#[cfg_attr(not(feature = "broken-handoff"), path = "fault_none.rs")]
mod fault;
mod heap;
mod last_words;
mod launcher;
mod mapping;
mod memory;
mod monitor;
mod power;
mod receiver;
mod secure;
#[cfg_attr(not(feature = "self-check"), path = "self_check_none.rs")]
mod self_check;
mod start;
mod watch;
