//! What a payload's tree must say, as an ordered list of small idempotent changes.
//!
//! Each fixup is a file with its test. All of them are required: one that fails stops the boot.

mod boot_cpu;
mod bootargs;
mod cpus;
mod entropy;
mod initrd;
mod log;
mod memory;
mod monitor;
mod power;
mod psci;
mod reservations;
mod reserved;
mod stdout;

use platform_api::PhysRange;

use super::{NodeId, TreeError, WorkingTree};

/// Random bits for the kernel's layout and its random number generator.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Entropy {
    /// `kaslr-seed`.
    pub kaslr_seed: u64,
    /// `rng-seed`.
    pub rng_seed: [u8; 32],
}

/// The log that survives, as the payload's tree tells of it.
#[derive(Clone, Copy)]
pub struct LogFacts<'a> {
    /// Where the next Baton finds it.
    pub page: PhysRange,
    /// Which boot this is.
    pub count: u32,
    /// Its lines, and those that are added before the handoff.
    pub text: [&'a str; 2],
}

/// What is true about this boot.
#[derive(Clone, Copy)]
pub struct FixupFacts<'a> {
    /// The kernel's command line; `None` keeps the tree's.
    pub bootargs: Option<&'a str>,
    /// Where the initrd lies; `None` removes a stale one.
    pub initrd: Option<PhysRange>,
    /// RAM banks, sorted and merged as [`super::Discovery::memory`]; empty keeps the tree's.
    pub memory: &'a [PhysRange],
    /// Ranges that must have a /memreserve/ entry.
    pub reservations: &'a [PhysRange],
    /// Entropy, if there is any; without, seeds in the tree stay as they are.
    pub entropy: Option<Entropy>,
    /// `reg` of the CPU that enters the payload.
    pub boot_cpu: u32,
    /// The pages of our monitor, which stays; `None` if there is none.
    pub monitor: Option<PhysRange>,
    /// The CPUs that it can start, the one that runs included.
    pub started: &'a [u32],
    /// The path of the console in use, for a tree that names none.
    pub console: Option<&'a str>,
    /// The log; `None` leaves what the tree says of one.
    pub log: Option<LogFacts<'a>>,
}

/// One change to the tree.
pub struct Fixup {
    /// Its name, for messages.
    pub name: &'static str,
    /// The change; applying it twice is applying it once.
    pub apply: fn(&mut WorkingTree, &FixupFacts<'_>) -> Result<(), TreeError>,
}

/// Every fixup, in the order they are applied.
pub static FIXUPS: &[Fixup] = &[
    Fixup {
        name: "memory",
        apply: memory::apply,
    },
    Fixup {
        name: "reservations",
        apply: reservations::apply,
    },
    Fixup {
        name: "bootargs",
        apply: bootargs::apply,
    },
    Fixup {
        name: "initrd",
        apply: initrd::apply,
    },
    Fixup {
        name: "entropy",
        apply: entropy::apply,
    },
    Fixup {
        name: "stdout",
        apply: stdout::apply,
    },
    Fixup {
        name: "monitor",
        apply: monitor::apply,
    },
    Fixup {
        name: "psci",
        apply: psci::apply,
    },
    Fixup {
        name: "cpus",
        apply: cpus::apply,
    },
    Fixup {
        name: "power",
        apply: power::apply,
    },
    Fixup {
        name: "log",
        apply: log::apply,
    },
    Fixup {
        name: "boot-cpu",
        apply: boot_cpu::apply,
    },
];

/// Applies every fixup.
///
/// # Errors
/// The first that failed; the tree must not be booted then.
pub fn apply(tree: &mut WorkingTree, facts: &FixupFacts<'_>) -> Result<(), TreeError> {
    FIXUPS
        .iter()
        .try_for_each(|fixup| (fixup.apply)(tree, facts))
}

/// A number as big-endian cells.
struct CellBuffer {
    bytes: [u8; 8],
    skipped: usize,
}

impl CellBuffer {
    /// Writes `value` in one or two cells.
    fn new(value: u64, cells: u32) -> Result<Self, TreeError> {
        let fits = match cells {
            1 => value >> 32 == 0,
            2 => true,
            _ => false,
        };
        if !fits {
            return Err(TreeError::CellWidth { value, cells });
        }
        Ok(Self {
            bytes: value.to_be_bytes(),
            skipped: if cells == 1 { 4 } else { 0 },
        })
    }

    fn bytes(&self) -> &[u8] {
        self.bytes.get(self.skipped..).unwrap_or_default()
    }
}

/// Tells whether a node's `compatible` has one of `names`.
pub(super) fn has_compatible(tree: &WorkingTree, node: NodeId, names: &[&str]) -> bool {
    let compatible = tree.property(node, "compatible").unwrap_or_default();
    compatible
        .split(|&byte| byte == 0)
        .any(|one| names.iter().any(|name| name.as_bytes() == one))
}

#[cfg(test)]
mod tests;
