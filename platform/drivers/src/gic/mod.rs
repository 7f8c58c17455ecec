//! Arm's interrupt controllers, settled for a handoff.
//!
//! The loader takes no interrupts. All it owes the payload is an interrupt controller with
//! nothing active and nothing delivered, whatever the first stage did with it:
//! [`Gic::settle`]. Groups, priorities, targets and triggers stay as they are: they are set at
//! boot by a payload that cares, and in part by a secure world that must not lose them.

mod hand_over;
mod v2;
mod v3;

use platform_api::DeviceNode;

use crate::mmio::WindowError;
pub use hand_over::{HandOver, hand_over};
pub use v2::GicV2;
pub use v3::{GicV3, SystemCpuInterface};

/// The `compatible` strings of architecture versions 1 and 2.
pub const COMPATIBLE_V2: &[&str] = &[
    "arm,gic-400",
    "arm,cortex-a15-gic",
    "arm,cortex-a7-gic",
    "arm,cortex-a9-gic",
    "qcom,msm-qgic2",
];

/// The `compatible` strings of architecture version 3.
pub const COMPATIBLE_V3: &[&str] = &["arm,gic-v3"];

/// An interrupt controller.
#[derive(Debug)]
pub enum Gic {
    /// Architecture version 1 or 2: every register is memory-mapped.
    V2(GicV2<'static>),
    /// Architecture version 3: the CPU interface is in system registers.
    V3(GicV3),
}

/// Takes over the interrupt controller of `node`. Returns `Ok(None)` if the node is none that
/// this driver knows.
///
/// # Errors
/// If a `reg` window cannot hold its registers.
///
/// # Safety
/// The node's `reg` windows are the interrupt controller of the running machine, mapped as
/// device memory at their physical addresses, and nothing but the returned value uses them.
pub unsafe fn probe(node: &DeviceNode<'_>) -> Result<Option<Gic>, WindowError> {
    if node.matches(COMPATIBLE_V2) {
        // SAFETY: The caller's promise is the one that is asked for.
        return unsafe { GicV2::probe(node) }.map(|gic| Some(Gic::V2(gic)));
    }
    if node.matches(COMPATIBLE_V3) {
        // SAFETY: The caller's promise is the one that is asked for.
        return unsafe { GicV3::probe(node) }.map(|gic| Some(Gic::V3(gic)));
    }
    Ok(None)
}

impl Gic {
    /// Finds an interrupt that somebody took and never ended. `affinity` is this CPU's, as
    /// [`SystemCpuInterface::affinity`] has it.
    pub fn active(&mut self, affinity: u32) -> Option<u32> {
        match self {
            Self::V2(gic) => gic.active(),
            Self::V3(gic) => gic.active(affinity),
        }
    }

    /// Leaves no interrupt active, pending by software, or deliverable to this CPU, and no
    /// virtual interrupt armed. Allocates nothing and cannot fail: it is a step of the handoff.
    /// `cpu` is used with version 3 only.
    ///
    /// The stores are to device memory; the caller's next DSB completes them.
    pub fn settle(&mut self, cpu: &mut dyn SystemCpuInterface) {
        match self {
            Self::V2(gic) => gic.settle(),
            Self::V3(gic) => gic.settle(cpu),
        }
    }
}
