//! Writes of system registers, by the manual's operands.

/// Writes a 32-bit register.
macro_rules! mcr {
    ($opc1:literal, $crn:literal, $crm:literal, $opc2:literal, $value:expr) => {
        core::arch::asm!(
            concat!("mcr p15, ", $opc1, ", {}, ", $crn, ", ", $crm, ", ", $opc2),
            in(reg) $value, options(nostack, preserves_flags)
        )
    };
}

/// Writes a 64-bit register.
macro_rules! mcrr {
    ($opc1:literal, $crm:literal, $value:expr) => {{
        let value: u64 = $value;
        core::arch::asm!(
            concat!("mcrr p15, ", $opc1, ", {}, {}, ", $crm),
            in(reg) value as u32, in(reg) (value >> 32) as u32,
            options(nostack, preserves_flags)
        )
    }};
}

/// Reads a 32-bit register.
macro_rules! mrc {
    ($opc1:literal, $crn:literal, $crm:literal, $opc2:literal) => {{
        let value: u32;
        core::arch::asm!(
            concat!("mrc p15, ", $opc1, ", {}, ", $crn, ", ", $crm, ", ", $opc2),
            out(reg) value, options(nostack, preserves_flags)
        );
        value
    }};
}

pub(super) use {mcr, mcrr, mrc};
