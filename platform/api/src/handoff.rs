//! The handoff as plain data, and who performs it.

use core::fmt;

use crate::{PhysAddr, PhysRange, WatchdogPolicy};

/// How many ranges a handoff can ask to have cleaned.
pub const MAX_CLEAN_RANGES: usize = 8;

/// The ranges a handoff cleans to the point of coherency: a short list that needs no heap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CleanRanges {
    ranges: [PhysRange; MAX_CLEAN_RANGES],
    used: usize,
}

impl CleanRanges {
    /// Adds a range. Returns false, and adds nothing, if the list is full.
    #[must_use]
    pub fn push(&mut self, range: PhysRange) -> bool {
        match self.ranges.get_mut(self.used) {
            Some(slot) => {
                *slot = range;
                self.used += 1;
                true
            }
            None => false,
        }
    }

    /// Iterates over the ranges, in the order they were added.
    pub fn iter(&self) -> impl Iterator<Item = PhysRange> + '_ {
        self.ranges.iter().take(self.used).copied()
    }
}

/// What the last steps need: everything else was decided, placed and checked before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handoff {
    /// Where the payload is entered; bit 0 clear (ARM state).
    pub entry: PhysAddr,
    /// The device tree's address, passed in r2.
    pub device_tree: PhysAddr,
    /// What the CPU may have written through its caches for the payload: image, tree, initrd.
    /// The loader's own memory is added by whoever performs the handoff.
    pub clean: CleanRanges,
    /// Print one raw character before each step that can hang.
    pub verbose: bool,
    /// What becomes of the watchdogs.
    pub watchdog: WatchdogPolicy,
}

/// Why the machine cannot be handed over now. Nothing has been changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HandoffRefusal {
    /// Another CPU is running.
    CpuRunning {
        /// Its affinity, as in the device tree.
        affinity: u32,
    },
    /// An address does not fit the processor.
    Address(PhysAddr),
}

impl fmt::Display for HandoffRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CpuRunning { affinity } => {
                write!(
                    f,
                    "CPU {affinity:#x} is running; a payload is owed all others off"
                )
            }
            Self::Address(address) => {
                write!(f, "{address} cannot be entered by this processor")
            }
        }
    }
}

impl core::error::Error for HandoffRefusal {}

/// Passes the machine on.
pub trait Launcher {
    /// Checks everything that can still refuse a handoff.
    ///
    /// # Errors
    /// The reason; nothing has been changed.
    fn check(&mut self, handoff: &Handoff) -> Result<(), HandoffRefusal>;

    /// Quiesces devices, cleans, tears down, jumps. Past here nothing may fail. A host fake
    /// records the handoff and panics.
    fn hand_off(&mut self, handoff: Handoff) -> !;

    /// Calls a standalone program as U-Boot's `go` does and returns its result: the callee sees
    /// `argc` and `argv` made from `arguments`. It runs with MMU and caches off, since memory is
    /// never writable and executable under the loader's own mappings.
    fn call(&mut self, entry: PhysAddr, arguments: &[&str]) -> u32;
}
