//! Memory cards: SD and MMC over a small host trait.
//!
//! [`Card`] speaks the cards' protocol (SD Physical Layer Simplified Specification 7.10, here
//! "SD"; JESD84-B51, here "eMMC"); a [`Host`] moves commands and blocks. `sdio-host` has the
//! commands and decodes the registers.

mod bus;
mod card;
mod dma;
mod error;
mod host;
mod identify;
pub mod pl181;
pub mod sdhci;
pub mod sdhost;
pub mod sunxi;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;

pub use bus::{Bus, Mmio};
pub use card::Card;
pub use error::MmcError;
pub use host::{BusWidth, Command, Data, Host, HostError, Response, Speed};
