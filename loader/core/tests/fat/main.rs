//! FAT written to: judged by fsck.vfat and mtools, not by our own reader alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests"
)]

mod bench;
mod cuts;
mod model;
mod operations;
mod saveenv;
