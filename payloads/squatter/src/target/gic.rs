//! An interrupt that is taken and never ended: the timer of HYP, armed before.

use witness::tree::Gic;

use super::registers::{mcr, mrc};

/// The interrupt of HYP's timer on every machine with Arm's recommended numbers (and QEMU's).
const HYP_TIMER: u32 = 26;
/// What a read of IAR says when there is nothing.
const NOTHING: u32 = 1020;
/// How often it is asked: the timer expires in no time.
const PATIENCE: u32 = 1_000_000;

const ISENABLER0: u32 = 0x100;
const IGROUPR0: u32 = 0x80;
const GICR_SGI: u32 = 0x1_0000;

/// # Safety
/// A device's register lies there, and writing it harms nobody but whoever comes next.
unsafe fn write(address: u32, value: u32) {
    // SAFETY: the caller's word.
    unsafe { (address as *mut u32).write_volatile(value) }
}

/// # Safety
/// As [`write`], for reading.
unsafe fn read(address: u32) -> u32 {
    // SAFETY: the caller's word.
    unsafe { (address as *const u32).read_volatile() }
}

/// Takes the timer's interrupt and leaves it active; turns virtual interrupts on. Tells whether
/// an interrupt is active now.
///
/// # Safety
/// The tree says that `gic` is there; this is HYP on the first CPU, interrupts masked, and HYP's
/// timer is armed.
pub unsafe fn leave_active(gic: Gic) -> bool {
    let low = |address: u64| u32::try_from(address).unwrap_or(0);
    // SAFETY: the caller's word, by the GIC's manuals (IHI 0048 4.3, IHI 0069 12.9).
    unsafe {
        match gic {
            Gic::V2 {
                distributor,
                cpu,
                hypervisor,
            } => {
                let (distributor, cpu) = (low(distributor), low(cpu));
                write(distributor + ISENABLER0, 1 << HYP_TIMER);
                write(distributor, 3);
                write(cpu + 4, 0xff);
                write(cpu, 3);
                if let Some(hypervisor) = hypervisor {
                    write(low(hypervisor), 1);
                }
                acknowledge(|| read(cpu + 0xc))
            }
            Gic::V3 {
                distributor,
                redistributors,
            } => {
                let own = low(redistributors.start) + GICR_SGI;
                write(own + IGROUPR0, u32::MAX);
                write(own + ISENABLER0, 1 << HYP_TIMER);
                let distributor = low(distributor);
                write(distributor, read(distributor) | 3);
                mcr!("4", "c12", "c9", "5", 0xf_u32); // ICC_HSRE
                core::arch::asm!("isb");
                mcr!("0", "c4", "c6", "0", 0xff_u32); // ICC_PMR
                mcr!("0", "c12", "c12", "7", 1_u32); // ICC_IGRPEN1
                mcr!("4", "c12", "c11", "0", 1_u32); // ICH_HCR
                core::arch::asm!("isb");
                acknowledge(|| mrc!("0", "c12", "c12", "0")) // ICC_IAR1
            }
        }
    }
}

fn acknowledge(mut taken: impl FnMut() -> u32) -> bool {
    (0..PATIENCE).any(|_| taken() & 0x3ff < NOTHING)
}
