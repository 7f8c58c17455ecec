//! Host fakes of the platform traits.
#![forbid(unsafe_code)]
