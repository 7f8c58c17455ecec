//! What the witness wants to know from a tree, gathered in one walk.

use arrayvec::ArrayVec;

use super::node::Bus;
use super::{Node, Tree, TreeError};
use crate::Range;

/// The facts of a tree.
#[derive(Clone, Debug, Default)]
pub struct TreeFacts<'a> {
    /// The header's `totalsize`.
    pub size: u32,
    /// The header's `boot_cpuid_phys`.
    pub boot_cpu: u32,
    /// `/memory`.
    pub memory: ArrayVec<Range, 16>,
    /// The memory reservation block.
    pub reservations: ArrayVec<Range, 16>,
    /// The children of `/reserved-memory` that have a place.
    pub reserved_memory: ArrayVec<Range, 16>,
    /// `/cpus`, as PSCI and MPIDR write them.
    pub cpus: ArrayVec<u32, 16>,
    /// `/chosen/bootargs`.
    pub bootargs: Option<&'a str>,
    /// `/chosen/linux,initrd-start`.
    pub initrd_start: Option<u64>,
    /// `/chosen/linux,initrd-end`: the first address after it.
    pub initrd_end: Option<u64>,
    /// `/chosen/stdout-path`.
    pub stdout: Option<&'a str>,
    /// `/chosen` has a `kaslr-seed` or an `rng-seed`.
    pub seeded: bool,
    /// The UART that `stdout-path` names, else the first one.
    pub uart: Option<Uart>,
    /// `stdout-path` names that UART.
    pub uart_is_stdout: bool,
    /// The interrupt controller.
    pub gic: Option<Gic>,
    /// The registers' addresses of every `virtio,mmio`.
    pub virtio: ArrayVec<u64, 64>,
    /// How firmware is called, if it speaks PSCI 0.2 or later.
    pub psci: Option<Conduit>,
}

/// The instruction that reaches firmware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conduit {
    /// `hvc`.
    Hvc,
    /// `smc`.
    Smc,
}

/// A UART that the witness can talk on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uart {
    /// A PL011 at this address.
    Pl011(u64),
    /// A 16550.
    Ns16550 {
        /// Its address.
        base: u64,
        /// `reg-shift`: registers are 2 to the power of this apart.
        shift: u32,
    },
}

/// An interrupt controller's memory-mapped frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gic {
    /// GICv2, or v1 (ARM IHI 0048).
    V2 {
        /// The distributor.
        distributor: u64,
        /// The CPU interface.
        cpu: u64,
        /// The virtual interface control (GICH), where there is one.
        hypervisor: Option<u64>,
    },
    /// GICv3 (ARM IHI 0069).
    V3 {
        /// The distributor.
        distributor: u64,
        /// The first region of redistributors.
        redistributors: Range,
    },
}

const PL011: &[&str] = &["arm,pl011"];
const NS16550: &[&str] = &["snps,dw-apb-uart", "ns16550a"];
const GIC_V2: &[&str] = &[
    "arm,cortex-a15-gic",
    "arm,cortex-a7-gic",
    "arm,cortex-a9-gic",
    "arm,gic-400",
];
const GIC_V3: &[&str] = &["arm,gic-v3"];
const VIRTIO: &[&str] = &["virtio,mmio"];
const PSCI: &[&str] = &["arm,psci-0.2", "arm,psci-1.0"];

impl<'a> TreeFacts<'a> {
    /// Gathers the facts.
    ///
    /// # Errors
    /// [`TreeError::TooMany`] if a list is longer than the witness has room for.
    pub fn gather(tree: &Tree<'a>) -> Result<Self, TreeError> {
        let mut facts = Self {
            size: tree.size(),
            boot_cpu: tree.boot_cpu(),
            ..Self::default()
        };
        for reservation in tree.reservations() {
            push(&mut facts.reservations, reservation)?;
        }
        if let Some(chosen) = tree.find("/chosen") {
            facts.bootargs = chosen.text("bootargs");
            facts.initrd_start = chosen.number("linux,initrd-start");
            facts.initrd_end = chosen.number("linux,initrd-end");
            facts.stdout = chosen.text("stdout-path");
            facts.seeded =
                chosen.property("kaslr-seed").is_some() || chosen.property("rng-seed").is_some();
        }
        let stdout = facts.stdout.and_then(|path| resolve(tree, path));
        let root = tree.root();
        facts.visit(&root, &Bus::of(&root, None), stdout.as_ref())?;
        Ok(facts)
    }

    /// Visits the children of `parent`, and theirs. As deep as the tree's check allowed.
    fn visit(
        &mut self,
        parent: &Node<'a>,
        bus: &Bus<'a, '_>,
        stdout: Option<&Node<'a>>,
    ) -> Result<(), TreeError> {
        for node in parent.children() {
            self.note(parent, &node, bus, stdout)?;
            let below = Bus::of(&node, Some(bus));
            self.visit(&node, &below, stdout)?;
        }
        Ok(())
    }

    /// Takes what is wanted from one node.
    fn note(
        &mut self,
        parent: &Node<'a>,
        node: &Node<'a>,
        bus: &Bus<'a, '_>,
        stdout: Option<&Node<'a>>,
    ) -> Result<(), TreeError> {
        if node.text("device_type") == Some("memory") {
            return collect(&mut self.memory, node, bus);
        }
        if node.text("device_type") == Some("cpu") {
            // One that failed is nobody's to start.
            let failed = node
                .text("status")
                .is_some_and(|status| status.starts_with("fail"));
            return node
                .cell("reg")
                .filter(|_| !failed)
                .map_or(Ok(()), |cpu| push(&mut self.cpus, cpu));
        }
        if parent.name() == "reserved-memory" {
            return collect(&mut self.reserved_memory, node, bus);
        }
        if node.compatible(PSCI) {
            self.psci = match node.text("method") {
                Some("hvc") => Some(Conduit::Hvc),
                Some("smc") => Some(Conduit::Smc),
                _ => None,
            };
        }
        if !node.enabled() {
            return Ok(());
        }
        if let Some(uart) = uart(node, bus) {
            let is_stdout = stdout.is_some_and(|stdout| stdout.is(node));
            if is_stdout || self.uart.is_none() {
                self.uart = Some(uart);
                self.uart_is_stdout = is_stdout;
            }
        }
        if node.compatible(VIRTIO)
            && let Some(range) = bus.reg(node, 0)
        {
            push(&mut self.virtio, range.start)?;
        }
        self.note_gic(node, bus);
        Ok(())
    }

    fn note_gic(&mut self, node: &Node<'a>, bus: &Bus<'a, '_>) {
        let start = |index| bus.reg(node, index).map(|range| range.start);
        if node.compatible(GIC_V2) {
            if let (Some(distributor), Some(cpu)) = (start(0), start(1)) {
                let hypervisor = start(2);
                self.gic = Some(Gic::V2 {
                    distributor,
                    cpu,
                    hypervisor,
                });
            }
        } else if node.compatible(GIC_V3)
            && let (Some(distributor), Some(redistributors)) = (start(0), bus.reg(node, 1))
        {
            self.gic = Some(Gic::V3 {
                distributor,
                redistributors,
            });
        }
    }

    /// Returns the initrd's place, if the tree names both its ends in order.
    pub fn initrd(&self) -> Option<Range> {
        let (start, end) = (self.initrd_start?, self.initrd_end?);
        (start < end).then_some(Range { start, end })
    }

    /// Tells whether one range of `/memory` holds all of `range`.
    pub fn in_ram(&self, range: Range) -> bool {
        self.memory.iter().any(|bank| bank.contains(range))
    }
}

/// The UART that a node is, if it is one.
fn uart(node: &Node<'_>, bus: &Bus<'_, '_>) -> Option<Uart> {
    let base = || bus.reg(node, 0).map(|range| range.start);
    if node.compatible(PL011) {
        return base().map(Uart::Pl011);
    }
    if !node.compatible(NS16550) {
        return None;
    }
    let shift = node.cell("reg-shift").unwrap_or(0);
    base().map(|base| Uart::Ns16550 { base, shift })
}

/// Finds the node a `stdout-path` means: a path or an alias, and options after a colon.
fn resolve<'a>(tree: &Tree<'a>, stdout: &str) -> Option<Node<'a>> {
    let path = stdout.split(':').next()?;
    if path.starts_with('/') {
        return tree.find(path);
    }
    tree.find(tree.find("/aliases")?.text(path)?)
}

/// Adds every addressable entry of a node's `reg`.
fn collect<const N: usize>(
    list: &mut ArrayVec<Range, N>,
    node: &Node<'_>,
    bus: &Bus<'_, '_>,
) -> Result<(), TreeError> {
    let Some(reg) = node.property("reg") else {
        return Ok(());
    };
    bus.entries(reg)
        .flatten()
        .try_for_each(|range| push(list, range))
}

fn push<T, const N: usize>(list: &mut ArrayVec<T, N>, item: T) -> Result<(), TreeError> {
    list.try_push(item).map_err(|_| TreeError::TooMany)
}
