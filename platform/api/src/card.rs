//! What a memory card says about itself.

use core::fmt;

/// What kind of card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CardKind {
    /// SD, standard capacity: up to 2 GB, addressed by bytes.
    #[default]
    Sdsc,
    /// SD, high capacity: up to 32 GB, addressed by blocks.
    Sdhc,
    /// SD, extended capacity: beyond 32 GB.
    Sdxc,
    /// MMC or eMMC.
    Mmc,
}

impl fmt::Display for CardKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sdsc => "SDSC",
            Self::Sdhc => "SDHC",
            Self::Sdxc => "SDXC",
            Self::Mmc => "MMC",
        })
    }
}

/// How the host talks to the card.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CardBus {
    /// Data lines: 1, 4 or 8.
    pub width: u8,
    /// The card's high-speed timing is on.
    pub high_speed: bool,
    /// The most the clock may be, Hz.
    pub clock: u32,
}

/// A card's identity, as its CID and CSD registers tell it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CardFacts {
    /// The host's driver, as U-Boot names it.
    pub host: &'static str,
    /// What kind of card.
    pub kind: CardKind,
    /// CID: the manufacturer.
    pub manufacturer: u8,
    /// CID: the OEM's or the application's number, two characters on SD.
    pub oem: u16,
    /// CID: the product's name, as stored: not always text. SD uses five bytes, MMC six.
    pub name: [u8; 6],
    /// CID: the serial number.
    pub serial: u32,
    /// The specification's major and minor version, SCR's or CSD's word for it.
    pub version: (u8, u8),
    /// How the host talks to it.
    pub bus: CardBus,
}
