//! In what the controllers of this kind differ, as data.

use crate::bcm2835::ClockId;

/// Where the clock comes from that the card's is divided from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    /// The capabilities say how fast it is.
    Capabilities,
    /// A Raspberry Pi's firmware knows; if it does not say, so many Hz are assumed, the most it
    /// can be.
    Firmware(ClockId, u32),
    /// Nobody says; so many Hz are the most it can be.
    AtMost(u32),
}

/// A kind of controller.
#[derive(Debug)]
pub struct Variant {
    compatible: &'static str,
    /// As U-Boot calls it in `mmc list` and `mmc info`.
    pub(super) name: &'static str,
    /// Freescale's registers: another clock divider, host control and place of the transfer mode.
    pub(super) usdhc: bool,
    /// A write is lost if it follows another within two of the card's clocks.
    pub(super) slow_writes: bool,
    /// What the capabilities should say, where they do not.
    pub(super) capabilities: Option<u32>,
    /// It masters the bus, at the processor's addresses.
    pub(super) masters: bool,
    pub(super) base: Base,
}

const STANDARD: Variant = Variant {
    compatible: "",
    name: "sdhci",
    usdhc: false,
    slow_writes: false,
    capabilities: None,
    masters: true,
    base: Base::Capabilities,
};

/// Freescale's, "uSDHC", as NXP's own driver has it (MCUXpresso SDK, `drivers/usdhc/fsl_usdhc.c`).
/// No register tells its clock; first stages give it 200 MHz or less, as its fastest mode takes.
const USDHC: Variant = Variant {
    name: "FSL_SDHC",
    usdhc: true,
    base: Base::AtMost(200_000_000),
    ..STANDARD
};

/// Capabilities: high speed; 3.3 V.
const HIGH_SPEED_3V3: u32 = 1 << 21 | 1 << 24;

/// Every kind there is a document for.
const VARIANTS: &[Variant] = &[
    // BCM2835 ARM Peripherals, 5: Arasan's, without DMA of its own, its capabilities all zeros.
    // The lost writes are told of by Linux's and U-Boot's drivers (sdhci-bcm2835.c,
    // bcm2835_sdhci.c). Its clock is up to 250 MHz by default (the firmware's "EMMC").
    Variant {
        compatible: "brcm,bcm2835-sdhci",
        name: "bcm2835_sdhci",
        slow_writes: true,
        capabilities: Some(HIGH_SPEED_3V3),
        masters: false,
        base: Base::Firmware(ClockId::Emmc, 250_000_000),
        ..STANDARD
    },
    // The card slot of the Raspberry Pi 4: standard, but its bus master sees memory at other
    // addresses on early chips (`dma-ranges` of the tree's emmc2bus).
    Variant {
        compatible: "brcm,bcm2711-emmc2",
        name: "bcm2711_emmc2",
        masters: false,
        base: Base::Firmware(ClockId::Emmc2, 200_000_000),
        ..STANDARD
    },
    // Zynq-7000's: version 2.0 of the specification, with SDMA and ADMA2 (Xilinx wiki, "SD
    // controller").
    Variant {
        compatible: "arasan,sdhci-8.9a",
        name: "arasan_sdhci",
        ..STANDARD
    },
    Variant {
        compatible: "fsl,imx6q-usdhc",
        ..USDHC
    },
    // i.MX 7's and 6UL's are listed as compatible with it.
    Variant {
        compatible: "fsl,imx6sl-usdhc",
        ..USDHC
    },
];

/// The `compatible` strings of `VARIANTS`.
pub const COMPATIBLE: &[&str] = &[
    "brcm,bcm2835-sdhci",
    "brcm,bcm2711-emmc2",
    "arasan,sdhci-8.9a",
    "fsl,imx6q-usdhc",
    "fsl,imx6sl-usdhc",
];

impl Variant {
    /// Returns the kind that the most specific known of `compatible` names.
    pub fn of(compatible: &[&str]) -> Option<&'static Self> {
        compatible
            .iter()
            .find_map(|name| VARIANTS.iter().find(|variant| variant.compatible == *name))
    }

    /// Returns the clock that a Raspberry Pi's firmware is to be asked for.
    pub fn firmware_clock(&self) -> Option<ClockId> {
        match self.base {
            Base::Firmware(id, _) => Some(id),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_strings_is_that_of_the_kinds() {
        let listed: Vec<_> = VARIANTS.iter().map(|variant| variant.compatible).collect();
        assert_eq!(listed, COMPATIBLE);
        let imx7 = Variant::of(&["fsl,imx7d-usdhc", "fsl,imx6sl-usdhc"]).unwrap();
        assert!(imx7.usdhc);
        assert!(Variant::of(&["sdhci"]).is_none());
    }
}
