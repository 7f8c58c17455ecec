//! Long-descriptor (LPAE) page tables: 1 to 1, W^X, for HYP or PL1.

pub mod descriptor;
#[cfg(target_arch = "arm")]
pub mod enable;
pub mod mapper;
pub mod walk;

pub use descriptor::{Access, Regime};
pub use mapper::{MapError, Mapper, Table};
