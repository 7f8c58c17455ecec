//! The GICv3 CPU interface, which is in system registers (IHI 0069, 12.7 and 12.8).

use platform_api::CpuMode;

use crate::{
    cpu,
    registers::{
        IccAp1r0, IccAp1r1, IccAp1r2, IccAp1r3, IccCtlr, IccHsre, IccIgrpen1, IccSre, IchHcr, isb,
    },
};

/// ICC_SRE, ICC_HSRE: use the system registers.
const SRE: u32 = 1 << 0;
/// ICC_HSRE: PL1 may use them too.
const ENABLE: u32 = 1 << 3;

/// Closes the CPU interface: group 1 off, no active priority, and in HYP no virtual interrupt.
/// Leaves the system registers enabled for PL1, as Linux wants them (booting.rst).
///
/// # Safety
/// The machine has a GICv3, so the registers exist, and no interrupt is being handled.
pub unsafe fn close_interface() {
    // SAFETY: the caller's word that the registers exist; with interrupts masked and the loader
    // about to leave, nothing depends on their old values.
    unsafe {
        if cpu::mode() == CpuMode::Hypervisor {
            IccHsre::write(IccHsre::read() | SRE | ENABLE);
            isb();
            IchHcr::write(0);
        } else {
            IccSre::write(IccSre::read() | SRE);
            isb();
            if IccSre::read() & SRE == 0 {
                return;
            }
        }
        IccIgrpen1::write(0);
        let priority_bits = ((IccCtlr::read() >> 8) & 7) + 1;
        IccAp1r0::write(0);
        if priority_bits > 5 {
            IccAp1r1::write(0);
        }
        if priority_bits > 6 {
            IccAp1r2::write(0);
            IccAp1r3::write(0);
        }
    }
    isb();
}
