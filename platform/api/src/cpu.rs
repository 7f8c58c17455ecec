//! The processor as the logic sees it: facts, and recovery from faults.

use core::fmt;

/// The privilege the loader runs in, in architecture-neutral words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CpuMode {
    /// The hypervisor's mode (HYP, EL2).
    Hypervisor,
    /// The kernel's mode, non-secure (SVC, EL1).
    Supervisor,
    /// The kernel's mode in secure state.
    SecureSupervisor,
}

impl fmt::Display for CpuMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hypervisor => "HYP",
            Self::Supervisor => "SVC",
            Self::SecureSupervisor => "secure SVC",
        })
    }
}

/// What is known about the boot processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuFacts {
    /// The mode the loader runs in.
    pub mode: CpuMode,
    /// Its name (`Cortex-A15`), or the architecture's where the part is unknown.
    pub name: &'static str,
    /// The identification register (MIDR on Arm).
    pub id: u32,
    /// The affinity of this processor as the device tree's `/cpus` writes it.
    pub affinity: u32,
    /// The smallest data-cache line in bytes.
    pub cache_line: u32,
    /// The MMU and the data cache are on.
    pub caches_on: bool,
}

/// A fault was taken inside [`Guard::run`]; the report has been printed already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault;

/// A fault made on purpose, to try the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// An undefined instruction.
    Undefined,
    /// A read of an unmapped address.
    Data,
    /// A jump to an unmapped address.
    Prefetch,
    /// An access that must be aligned and is not.
    Unaligned,
    /// Recursion into the guard page.
    StackOverflow,
    /// A call instruction nobody asked for (HVC, SVC).
    Call,
}

/// Runs code that may fault.
pub trait Guard {
    /// Runs `body`. If it faults (abort, undefined instruction, stack overflow), the exception
    /// is reported on the console, the frames of `body` are discarded without running their
    /// destructors, and `Err(Fault)` is returned. May be nested.
    fn run(&self, body: &mut dyn FnMut()) -> Result<(), Fault>;

    /// Provokes a fault. Returns only if the processor let it pass.
    fn provoke(&self, kind: FaultKind);
}
