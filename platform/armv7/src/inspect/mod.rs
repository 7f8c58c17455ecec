//! A look at the processor: registers now and at entry, page tables, caches.

pub mod caches;
#[cfg(target_arch = "arm")]
mod machine;
pub mod registers;

#[cfg(target_arch = "arm")]
pub use machine::{Found, Processor};
