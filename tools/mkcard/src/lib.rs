//! Makes SD-card images: an MBR, one bootable FAT32 partition from 1 MiB, files at its root.
//!
//! A board is a recipe (`boards/NAME.card`), which is data: another board needs no code here.
//! The same recipe and files give the same bytes, and what is empty stays a hole in the file.
#![forbid(unsafe_code)]

mod card;
mod error;
mod mbr;
mod recipe;
mod script;

pub use card::{Card, CardFile};
pub use error::Error;
pub use mbr::{PARTITION_START, SECTOR};
pub use recipe::{Recipe, parse_size};
pub use script::boot_script;
