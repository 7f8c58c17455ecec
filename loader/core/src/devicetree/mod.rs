//! The device tree: check a blob, read its facts, edit it.
//!
//! [`check()`] comes first and once; everything else relies on what it proved. Before there is a
//! heap, [`early::memory`] checks and finds memory in the same pass. [`discover`] reads the facts
//! through fdt-rs; [`WorkingTree`] is what `fdt` edits and what [`fixups::apply`] prepares for a
//! payload.

mod cells;
mod check;
pub mod early;
pub mod early_console;
mod error;
pub mod fixups;
mod header;
pub mod overlay;
mod power_line;
mod read;
pub mod render;
#[cfg(test)]
pub(crate) mod testing;
mod tree;
#[cfg(test)]
mod tree_tests;

use alloc::{string::String, vec::Vec};

use platform_api::{DeviceNode, Line, PhysAddr, PhysRange, RegisterLayout};

pub use cells::{Cells, cell, number};
pub use check::{CheckedTree, MAX_DEPTH, PropertyName, Visitor, check, check_with};
pub use error::{Structure, TreeError};
pub use header::{HEADER_SIZE, Header, MAGIC, blob_size};
pub use power_line::{PowerLine, power_line};
pub use read::{OpenTree, discover, discover_checked, insert_bank};
pub use tree::{NodeId, WorkingTree};

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

/// How a secondary CPU is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EnableMethod {
    /// By PSCI's CPU_ON.
    Psci,
    /// By writing an address to where the CPU looks.
    SpinTable,
    /// By the platform's own means.
    Other(String),
}

/// How one of [`Discovery::cpus`] is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CpuStart {
    /// `reg`, the affinity.
    pub affinity: u32,
    /// `enable-method`, of the CPU or of `/cpus`.
    pub method: Option<EnableMethod>,
    /// `cpu-release-addr` of a spin table.
    pub release: Option<PhysAddr>,
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
    /// An earlier boot's log (`baton,log`).
    pub log: bool,
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
    /// `reg-shift` and its kin.
    pub layout: RegisterLayout,
    /// `bus-width`: data lines of a memory card's slot.
    pub bus_width: Option<u32>,
    /// The rate of its first clock in Hz, where it is known.
    pub clock: Option<u32>,
    /// `current-speed` of a serial line, baud.
    pub current_speed: Option<u32>,
}

/// What the tree says about the machine, read once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovery {
    /// `/model`, else the first root `compatible`.
    pub model: String,
    /// The root's `compatible`, most specific first.
    pub compatible: Vec<String>,
    /// RAM banks, sorted, merged, without overlaps.
    pub memory: Vec<PhysRange>,
    /// /memreserve/, /reserved-memory, spin-table release addresses.
    pub reservations: Vec<Reservation>,
    /// `/chosen/stdout-path` resolved through aliases to a full path, options after `:` cut.
    pub stdout_path: Option<String>,
    /// Those options.
    pub stdout_line: Option<Line>,
    /// `/chosen/bootargs`.
    pub bootargs: Option<String>,
    /// `/chosen/linux,initrd-start` and `-end`.
    pub initrd: Option<PhysRange>,
    /// `reg` of each enabled `/cpus/cpu@*`.
    pub cpus: Vec<u32>,
    /// How each of `cpus` is started, in the same order.
    pub cpu_starts: Vec<CpuStart>,
    /// `boot_cpuid_phys` of the header.
    pub boot_cpu: u32,
    /// PSCI.
    pub psci: Option<Psci>,
    /// There is a generic timer: a node `arm,armv7-timer` or `arm,armv8-timer`.
    pub arch_timer: bool,
    /// `clock-frequency` of the arch timer node, Hz; to be used only where CNTFRQ is 0.
    pub timer_frequency: Option<u32>,
    /// First `compatible` of `/hypervisor`: we run under Xen, say.
    pub hypervisor: Option<String>,
    /// Everything a driver could bind to, in tree order: interrupt controllers too.
    pub devices: Vec<Device>,
}

impl Discovery {
    /// Returns the first device that one of `compatible` names.
    pub fn first(&self, compatible: &[&str]) -> Option<&Device> {
        let mut devices = self.devices.iter();
        devices.find(|device| device.with_node(|node| node.matches(compatible)))
    }
}

impl Device {
    /// Lends the node to `bind` in the form drivers take.
    pub fn with_node<R>(&self, bind: impl FnOnce(&DeviceNode<'_>) -> R) -> R {
        let compatible: Vec<&str> = self.compatible.iter().map(String::as_str).collect();
        bind(&DeviceNode {
            path: &self.path,
            compatible: &compatible,
            reg: &self.reg,
            dma_coherent: self.dma_coherent,
            layout: self.layout,
            bus_width: self.bus_width,
            clock: self.clock,
            current_speed: self.current_speed,
        })
    }
}
