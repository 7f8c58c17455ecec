//! System registers, each under the Arm manual's name.
//!
//! Reads are safe. Writes are `unsafe`: any of them can change what the next instruction means.
//! None carries `nomem`, so the compiler keeps loads and stores on their side of it.

use core::arch::asm;

/// Defines `NAME::read()` and, with `rw`, `unsafe NAME::write()` for a 32-bit register.
macro_rules! register32 {
    ($(#[$doc:meta])* $name:ident, $opc1:literal, $crn:literal, $crm:literal, $opc2:literal, r) => {
        $(#[$doc])*
        pub struct $name;
        impl $name {
            /// Reads the register.
            #[inline]
            pub fn read() -> u32 {
                let value: u32;
                // SAFETY: MRC of a register that exists at this privilege has no effect but the
                // result; the callers' modules say where each is used (HYP registers in HYP).
                unsafe {
                    asm!(concat!("mrc p15, ", $opc1, ", {}, ", $crn, ", ", $crm, ", ", $opc2),
                        out(reg) value, options(nostack, preserves_flags));
                }
                value
            }
        }
    };
    ($(#[$doc:meta])* $name:ident, $opc1:literal, $crn:literal, $crm:literal, $opc2:literal, rw) => {
        register32!($(#[$doc])* $name, $opc1, $crn, $crm, $opc2, r);
        impl $name {
            /// Writes the register.
            ///
            /// # Safety
            /// The value must be right for the memory, mappings and control flow that follow.
            #[inline]
            pub unsafe fn write(value: u32) {
                // SAFETY: passed on to the caller.
                unsafe {
                    asm!(concat!("mcr p15, ", $opc1, ", {}, ", $crn, ", ", $crm, ", ", $opc2),
                        in(reg) value, options(nostack, preserves_flags));
                }
            }
        }
    };
}

/// Defines `NAME::read()` and `unsafe NAME::write(u64)` for a 64-bit register.
macro_rules! register64 {
    ($(#[$doc:meta])* $name:ident, $opc1:literal, $crm:literal) => {
        $(#[$doc])*
        pub struct $name;
        impl $name {
            /// Reads the register.
            #[inline]
            pub fn read() -> u64 {
                let (low, high): (u32, u32);
                // SAFETY: as for the 32-bit registers' reads.
                unsafe {
                    asm!(concat!("mrrc p15, ", $opc1, ", {}, {}, ", $crm),
                        out(reg) low, out(reg) high, options(nostack, preserves_flags));
                }
                u64::from(low) | u64::from(high) << 32
            }

            /// Writes the register.
            ///
            /// # Safety
            /// The value must be right for the memory, mappings and control flow that follow.
            #[inline]
            #[expect(clippy::cast_possible_truncation, reason = "the low and the high half")]
            pub unsafe fn write(value: u64) {
                // SAFETY: passed on to the caller.
                unsafe {
                    asm!(concat!("mcrr p15, ", $opc1, ", {}, {}, ", $crm),
                        in(reg) value as u32, in(reg) (value >> 32) as u32,
                        options(nostack, preserves_flags));
                }
            }
        }
    };
}

register32!(/// Main ID.
    Midr, "0", "c0", "c0", "0", r);
register32!(/// Cache type.
    Ctr, "0", "c0", "c0", "1", r);
register32!(/// Multiprocessor affinity.
    Mpidr, "0", "c0", "c0", "5", r);
register32!(/// Memory model features 0: bits 3:0 are 5 with the long descriptor format.
    IdMmfr0, "0", "c0", "c1", "4", r);
register32!(/// Processor features 1: which extensions there are.
    IdPfr1, "0", "c0", "c1", "1", r);
register32!(/// System control, PL1.
    Sctlr, "0", "c1", "c0", "0", rw);
register32!(/// Secure configuration; Undefined in non-secure state.
    Scr, "0", "c1", "c1", "0", r);
register32!(/// Vector base, PL1.
    Vbar, "0", "c12", "c0", "0", rw);
register32!(/// Translation table base control, PL1.
    Ttbcr, "0", "c2", "c0", "2", rw);
register32!(/// Translation table base 1, PL1, or its low word.
    Ttbr1, "0", "c2", "c0", "1", r);
register32!(/// Memory attributes 0, PL1.
    Mair0, "0", "c10", "c2", "0", rw);
register32!(/// Memory attributes 1, PL1.
    Mair1, "0", "c10", "c2", "1", rw);
register32!(/// Data fault status.
    Dfsr, "0", "c5", "c0", "0", r);
register32!(/// Instruction fault status.
    Ifsr, "0", "c5", "c0", "1", r);
register32!(/// Data fault address.
    Dfar, "0", "c6", "c0", "0", r);
register32!(/// Instruction fault address.
    Ifar, "0", "c6", "c0", "2", r);
register32!(/// HYP system control.
    Hsctlr, "4", "c1", "c0", "0", rw);
register32!(/// HYP translation control.
    Htcr, "4", "c2", "c0", "2", rw);
register32!(/// HYP memory attributes 0.
    Hmair0, "4", "c10", "c2", "0", rw);
register32!(/// HYP memory attributes 1.
    Hmair1, "4", "c10", "c2", "1", rw);
register32!(/// HYP syndrome.
    Hsr, "4", "c5", "c2", "0", r);
register32!(/// HYP data fault address.
    Hdfar, "4", "c6", "c0", "0", r);
register32!(/// HYP instruction fault address.
    Hifar, "4", "c6", "c0", "2", r);
register32!(/// HYP IPA fault address.
    Hpfar, "4", "c6", "c0", "4", r);
register32!(/// HYP vector base.
    Hvbar, "4", "c12", "c0", "0", rw);
register32!(/// GICv3: interrupt group 1 enable (IHI 0069, 12.7).
    IccIgrpen1, "0", "c12", "c12", "7", rw);
register32!(/// GICv3: CPU interface control.
    IccCtlr, "0", "c12", "c12", "4", r);
register32!(/// GICv3: active priorities, group 1, 0.
    IccAp1r0, "0", "c12", "c9", "0", rw);
register32!(/// GICv3: active priorities, group 1, 1.
    IccAp1r1, "0", "c12", "c9", "1", rw);
register32!(/// GICv3: active priorities, group 1, 2.
    IccAp1r2, "0", "c12", "c9", "2", rw);
register32!(/// GICv3: active priorities, group 1, 3.
    IccAp1r3, "0", "c12", "c9", "3", rw);
register32!(/// GICv3: system register enable, PL1.
    IccSre, "0", "c12", "c12", "5", rw);
register32!(/// GICv3: system register enable, HYP.
    IccHsre, "4", "c12", "c9", "5", rw);
register32!(/// GICv3: HYP control of the virtual CPU interface.
    IchHcr, "4", "c12", "c11", "0", rw);
register32!(/// Cache levels.
    Clidr, "1", "c0", "c0", "1", r);
register32!(/// Geometry of the cache that CSSELR chooses.
    Ccsidr, "1", "c0", "c0", "0", r);
register32!(/// Chooses a cache for CCSIDR.
    Csselr, "2", "c0", "c0", "0", rw);
register32!(/// HYP configuration: traps and stage 2.
    Hcr, "4", "c1", "c1", "0", rw);
register32!(/// HYP debug configuration.
    Hdcr, "4", "c1", "c1", "1", rw);
register32!(/// HYP coprocessor traps.
    Hcptr, "4", "c1", "c1", "2", rw);
register32!(/// HYP traps of whole CP15 rows.
    Hstr, "4", "c1", "c1", "3", rw);
register32!(/// HYP software thread ID.
    Htpidr, "4", "c13", "c0", "2", r);
register32!(/// Stage 2 translation control.
    Vtcr, "4", "c2", "c1", "2", r);
register32!(/// The main ID PL1 sees.
    Vpidr, "4", "c0", "c0", "0", r);
register32!(/// The affinity PL1 sees.
    Vmpidr, "4", "c0", "c0", "5", r);
register32!(/// PL1's access to the physical timer and counter.
    Cnthctl, "4", "c14", "c1", "0", r);
register32!(/// HYP's timer.
    CnthpCtl, "4", "c14", "c2", "1", rw);
register32!(/// PL1's physical timer.
    CntpCtl, "0", "c14", "c2", "1", rw);
register32!(/// The virtual timer.
    CntvCtl, "0", "c14", "c3", "1", rw);
register32!(/// The generic timer's frequency in Hz, as firmware wrote it.
    Cntfrq, "0", "c14", "c0", "0", r);
register64!(/// HYP translation table base.
    Httbr, "4", "c2");
register64!(/// Stage 2 translation table base.
    Vttbr, "6", "c2");
register64!(/// Virtual offset of the generic timer.
    Cntvoff, "4", "c14");
register64!(/// Translation table base 0, long descriptor format.
    Ttbr0, "0", "c2");

/// Reads the current program status.
#[inline]
pub fn cpsr() -> u32 {
    let value: u32;
    // SAFETY: MRS has no effect but the result.
    unsafe { asm!("mrs {}, cpsr", out(reg) value, options(nostack, preserves_flags)) };
    value
}

/// Waits until every earlier access is complete.
#[inline]
pub fn dsb() {
    // SAFETY: a barrier orders accesses and does nothing else.
    unsafe { asm!("dsb", options(nostack, preserves_flags)) };
}

/// Refetches what follows in the context set so far.
#[inline]
pub fn isb() {
    // SAFETY: a barrier; it only drops what was prefetched.
    unsafe { asm!("isb", options(nostack, preserves_flags)) };
}
