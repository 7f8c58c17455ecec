//! The device tree: check a blob, read its facts, edit it.

use alloc::{string::String, vec::Vec};
use core::fmt;

use platform_api::{DeviceNode, PhysRange};

/// How the firmware below is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PsciConduit {
    /// SMC.
    Smc,
    /// HVC.
    Hvc,
}

/// PSCI firmware, from the `psci` node. The function numbers are those of PSCI 0.2 unless the
/// node is `arm,psci` (0.1), which lists its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Psci {
    /// The instruction that reaches it.
    pub conduit: PsciConduit,
    /// PSCI 0.1 (`arm,psci` alone): only the function numbers in the node exist.
    pub legacy: bool,
    /// `cpu_on` of a 0.1 node.
    pub cpu_on: Option<u32>,
    /// `cpu_off` of a 0.1 node.
    pub cpu_off: Option<u32>,
}

/// Memory that the tree says is not ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reservation {
    /// The bytes.
    pub range: PhysRange,
    /// The node's name, or `memreserve`.
    pub name: String,
    /// `no-map`: not even to be mapped.
    pub no_map: bool,
}

/// An enabled node with `reg` and `compatible`, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// The full path.
    pub path: String,
    /// Most specific first.
    pub compatible: Vec<String>,
    /// Physical windows.
    pub reg: Vec<PhysRange>,
    /// DMA sees the caches.
    pub dma_coherent: bool,
}

/// What the tree says about the machine, read once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// `/model`, else the first root `compatible`.
    pub model: String,
    /// RAM banks, sorted, merged, without overlaps.
    pub memory: Vec<PhysRange>,
    /// /memreserve/, /reserved-memory, spin-table release addresses.
    pub reservations: Vec<Reservation>,
    /// `/chosen/stdout-path` resolved through aliases to a full path, options after `:` cut.
    pub stdout_path: Option<String>,
    /// `/chosen/bootargs`.
    pub bootargs: Option<String>,
    /// `/chosen/linux,initrd-start` and `-end`.
    pub initrd: Option<PhysRange>,
    /// `reg` of each enabled `/cpus/cpu@*`.
    pub cpus: Vec<u32>,
    /// PSCI.
    pub psci: Option<Psci>,
    /// `clock-frequency` of the arch timer node, Hz; to be used only where CNTFRQ is 0.
    pub timer_frequency: Option<u32>,
    /// Everything a driver could bind to, in tree order.
    pub devices: Vec<Device>,
}

/// The tree being worked on: the one `fdt` edits and `bootz` fixes up.
pub struct WorkingTree;

/// Why a tree was refused or an edit failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TreeError {
    /// The blob does not start with 0xd00dfeed.
    BadMagic(u32),
}

impl fmt::Display for TreeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadMagic(found) => {
                write!(f, "no device tree: magic is {found:#010x}, not 0xd00dfeed")
            }
        }
    }
}

impl core::error::Error for TreeError {}

impl Device {
    /// Lends the node to `bind` in the form drivers take.
    pub fn with_node<R>(&self, bind: impl FnOnce(&DeviceNode<'_>) -> R) -> R {
        let compatible: Vec<&str> = self.compatible.iter().map(String::as_str).collect();
        bind(&DeviceNode {
            path: &self.path,
            compatible: &compatible,
            reg: &self.reg,
            dma_coherent: self.dma_coherent,
        })
    }
}
