//! Which driver a device-tree node belongs to.

use platform_api::DeviceNode;

use crate::{gic, mmc, rtc, timer::sp804, uart, virtio, watchdog};

/// A driver of this crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// [`uart::pl011`].
    Pl011,
    /// [`uart::ns16550`].
    Ns16550,
    /// [`uart::imx`].
    ImxUart,
    /// [`virtio`], the MMIO transport.
    VirtioMmio,
    /// [`mmc::pl181`].
    Pl181,
    /// [`mmc::sunxi`].
    SunxiMmc,
    /// [`mmc::sdhost`].
    SdHost,
    /// [`mmc::sdhci`].
    Sdhci,
    /// [`gic`], architecture version 1 or 2.
    Gic2,
    /// [`gic`], architecture version 3.
    Gic3,
    /// [`rtc`], a PL031.
    Pl031,
    /// [`watchdog::sunxi`].
    SunxiWatchdog,
    /// [`watchdog::sp805`].
    Sp805,
    /// [`watchdog::bcm2835`].
    Bcm2835Watchdog,
    /// [`sp804`].
    Sp804,
}

impl Driver {
    /// Returns what kind of device it drives, in U-Boot's word.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Pl011 | Self::Ns16550 | Self::ImxUart => "serial",
            Self::VirtioMmio => "virtio",
            Self::Gic2 | Self::Gic3 => "irq",
            Self::Pl031 => "rtc",
            Self::Pl181 | Self::SunxiMmc | Self::SdHost | Self::Sdhci => "mmc",
            Self::Sp804 => "timer",
            Self::SunxiWatchdog | Self::Sp805 | Self::Bcm2835Watchdog => "watchdog",
        }
    }

    /// Returns the driver's name, as a listing of devices prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pl011 => "serial_pl01x",
            Self::Ns16550 => "ns16550_serial",
            Self::ImxUart => "serial_mxc",
            Self::VirtioMmio => "virtio-mmio",
            Self::Pl181 => "arm_pl180_mmc",
            Self::SunxiMmc => "sunxi-mmc",
            Self::SdHost => "bcm2835-sdhost",
            Self::Sdhci => "sdhci",
            Self::Gic2 => "gic-v2",
            Self::Gic3 => "gic-v3",
            Self::Pl031 => "rtc-pl031",
            Self::SunxiWatchdog => "sunxi_wdt",
            Self::Sp805 => "sp805_wdt",
            Self::Bcm2835Watchdog => "bcm2835_wdt",
            Self::Sp804 => "arm_sp804",
        }
    }
}

/// Every driver with its table of `compatible` strings.
const TABLES: &[(Driver, &[&str])] = &[
    // The transport has 32 nodes on QEMU's virt: first, so that they match at once.
    (Driver::VirtioMmio, virtio::COMPATIBLE),
    (Driver::Pl011, uart::pl011::COMPATIBLE),
    (Driver::Ns16550, uart::ns16550::COMPATIBLE),
    (Driver::ImxUart, uart::imx::COMPATIBLE),
    (Driver::Pl181, mmc::pl181::COMPATIBLE),
    (Driver::SunxiMmc, mmc::sunxi::COMPATIBLE),
    (Driver::SdHost, mmc::sdhost::COMPATIBLE),
    (Driver::Sdhci, mmc::sdhci::COMPATIBLE),
    (Driver::Gic2, gic::COMPATIBLE_V2),
    (Driver::Gic3, gic::COMPATIBLE_V3),
    (Driver::Pl031, rtc::COMPATIBLE),
    (Driver::SunxiWatchdog, watchdog::sunxi::COMPATIBLE),
    (Driver::Sp805, watchdog::sp805::COMPATIBLE),
    (Driver::Bcm2835Watchdog, watchdog::bcm2835::COMPATIBLE),
    (Driver::Sp804, sp804::COMPATIBLE),
];

/// Returns the driver for `node`: the one that lists the most specific of the node's
/// `compatible` strings that any driver lists.
pub fn driver_for(node: &DeviceNode<'_>) -> Option<Driver> {
    node.compatible.iter().find_map(|name| {
        TABLES
            .iter()
            .find(|(_, table)| table.contains(name))
            .map(|(driver, _)| *driver)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(compatible: &[&str]) -> Option<Driver> {
        driver_for(&DeviceNode {
            path: "/x",
            compatible,
            reg: &[],
            ..DeviceNode::default()
        })
    }

    #[test]
    fn binds_what_qemu_and_boards_list() {
        assert_eq!(bound(&["arm,pl011", "arm,primecell"]), Some(Driver::Pl011));
        assert_eq!(bound(&["snps,dw-apb-uart"]), Some(Driver::Ns16550));
        assert_eq!(bound(&["virtio,mmio"]), Some(Driver::VirtioMmio));
        assert_eq!(bound(&["arm,cortex-a15-gic"]), Some(Driver::Gic2));
        assert_eq!(
            bound(&["arm,cortex-a7-gic", "arm,gic-400"]),
            Some(Driver::Gic2)
        );
        assert_eq!(bound(&["arm,gic-v3"]), Some(Driver::Gic3));
        assert_eq!(bound(&["arm,pl031", "arm,primecell"]), Some(Driver::Pl031));
        assert_eq!(
            bound(&["brcm,bcm2835-pm", "brcm,bcm2835-pm-wdt"]),
            Some(Driver::Bcm2835Watchdog)
        );
        assert_eq!(bound(&["arm,sp805", "arm,primecell"]), Some(Driver::Sp805));
        assert_eq!(bound(&["arm,pl061", "arm,primecell"]), None);
        assert_eq!(bound(&[]), None);
    }

    #[test]
    fn the_most_specific_string_wins() {
        assert_eq!(
            bound(&["virtio,mmio", "arm,pl011"]),
            Some(Driver::VirtioMmio)
        );
        assert_eq!(
            bound(&["vendor,unknown", "arm,pl011", "virtio,mmio"]),
            Some(Driver::Pl011)
        );
    }

    #[test]
    fn no_string_is_in_two_tables() {
        let mut seen = std::collections::HashSet::new();
        for (_, table) in TABLES {
            for name in *table {
                assert!(seen.insert(name), "{name} is listed twice");
            }
        }
    }
}
