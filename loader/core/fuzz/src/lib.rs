//! What the fuzz targets share: a sparse disk and a machine of fakes.
#![forbid(unsafe_code)]

pub mod disk;
pub mod machine;
pub mod samples;
pub mod volume;
