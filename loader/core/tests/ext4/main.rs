//! ext2, ext3 and ext4 as Debian's own tools make them, damaged in every way; judged by the files
//! that went in, and by `ext4-view`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "these are tests"
)]

mod bench;
mod journals;
mod reads;
