//! Volumes as Debian's own tools make them, damaged in every way; ext4 is judged by the files that
//! went in, by e2fsck, and by `ext4-view`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests"
)]

mod bench;
mod damage;
mod journals;
mod mutations;
mod reads;
