//! Image formats: what a header says, checked, and nothing more. Where an image goes is the
//! business of [`crate::boot`].

pub mod crc_tables;
pub mod elf;
pub mod gzip;
pub mod legacy;
pub mod script;
pub mod zimage;
