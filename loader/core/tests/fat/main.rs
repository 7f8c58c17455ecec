//! FAT written to: judged by fsck.vfat and mtools, not by our own reader alone.

mod bench;
mod cuts;
mod model;
mod operations;
