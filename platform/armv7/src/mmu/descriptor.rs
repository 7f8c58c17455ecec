//! Descriptor bits (DDI 0406C B3.6).

use platform_api::{Mapping, PhysRange};

/// Whose tables these are: the two regimes differ in a few bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// HYP: AP\[1\] should be one, there is no PXN (B3.6.1, table B3-10).
    Hyp,
    /// PL1 and PL0.
    Pl1,
}

/// What a page may be used for. There is no writable and executable page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Code: read, execute.
    Text,
    /// Constants: read.
    Rodata,
    /// Memory: read, write.
    Data,
    /// Device registers: read, write, in order.
    Device,
}

/// A descriptor that maps nothing.
pub const INVALID: u64 = 0;

/// Value of MAIR0/HMAIR0: attribute 0 is Normal write-back write-allocate, 1 is Device.
pub const MAIR0: u32 = 0x0000_04ff;

/// Value of HTCR, and of TTBCR but for EAE: 32-bit addresses, table walks cacheable (write-back
/// write-allocate) and inner shareable (B4.1.76).
pub const WALK_CONTROL: u32 = (1 << 8) | (1 << 10) | (3 << 12);

/// HTCR's bits that should be one.
pub const HTCR_SBO: u32 = (1 << 31) | (1 << 23);

/// TTBCR.EAE: long descriptors. TTBCR.EPD1: no walks by TTBR1.
pub const TTBCR_EAE_EPD1: u32 = (1 << 31) | (1 << 23);

const VALID: u64 = 1;
const TABLE_OR_PAGE: u64 = 1 << 1;
const ATTRIBUTE_DEVICE: u64 = 1 << 2;
const AP_SBO_HYP: u64 = 1 << 6;
const AP_READ_ONLY: u64 = 1 << 7;
const INNER_SHAREABLE: u64 = 3 << 8;
const ACCESS_FLAG: u64 = 1 << 10;
const PXN: u64 = 1 << 53;
const XN: u64 = 1 << 54;
const ADDRESS: u64 = 0x0000_00ff_ffff_f000;

/// Makes a descriptor that points to the next level's table.
pub const fn table(address: u64) -> u64 {
    (address & ADDRESS) | TABLE_OR_PAGE | VALID
}

/// Makes a 4 KiB page descriptor (level 3).
pub const fn page(address: u64, access: Access, regime: Regime) -> u64 {
    block(address, access, regime) | TABLE_OR_PAGE
}

/// Makes a 2 MiB block descriptor (level 2).
pub const fn block(address: u64, access: Access, regime: Regime) -> u64 {
    let never_executed = match regime {
        Regime::Hyp => XN,
        Regime::Pl1 => XN | PXN,
    };
    let own = match regime {
        Regime::Hyp => AP_SBO_HYP,
        Regime::Pl1 => 0,
    };
    let kind = match access {
        Access::Text => AP_READ_ONLY | INNER_SHAREABLE,
        Access::Rodata => AP_READ_ONLY | INNER_SHAREABLE | never_executed,
        Access::Data => INNER_SHAREABLE | never_executed,
        Access::Device => ATTRIBUTE_DEVICE | never_executed,
    };
    (address & ADDRESS) | ACCESS_FLAG | own | kind | VALID
}

/// Tells whether a level-1 or level-2 descriptor points to a table.
pub const fn is_table(descriptor: u64) -> bool {
    descriptor & (VALID | TABLE_OR_PAGE) == VALID | TABLE_OR_PAGE
}

/// Tells whether a descriptor maps anything.
pub const fn is_valid(descriptor: u64) -> bool {
    descriptor & VALID != 0
}

/// Says what a valid block or page descriptor allows, in both regimes: XN is the bit that counts
/// at our privilege, PXN beside it is set together with it.
pub const fn mapping(descriptor: u64, range: PhysRange) -> Mapping {
    Mapping {
        range,
        write: descriptor & AP_READ_ONLY == 0,
        execute: descriptor & XN == 0,
        device: descriptor & ATTRIBUTE_DEVICE != 0,
    }
}

/// Returns the address a descriptor holds.
pub const fn address(descriptor: u64) -> u64 {
    descriptor & ADDRESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_page_is_writable_and_executable() {
        for regime in [Regime::Hyp, Regime::Pl1] {
            for access in [Access::Text, Access::Rodata, Access::Data, Access::Device] {
                let bits = block(0x4020_0000, access, regime);
                let writable = bits & AP_READ_ONLY == 0;
                let executable = bits & XN == 0;
                assert!(!(writable && executable), "{access:?} {regime:?}");
                assert_eq!(bits & ACCESS_FLAG, ACCESS_FLAG);
            }
        }
    }

    #[test]
    fn descriptors_are_those_of_the_manual() {
        assert_eq!(
            block(0x4020_0000, Access::Data, Regime::Hyp),
            0x0040_0000_4020_0741
        );
        assert_eq!(
            page(0x0900_0000, Access::Device, Regime::Hyp),
            0x0040_0000_0900_0447
        );
        assert_eq!(
            page(0x4000_0000, Access::Text, Regime::Pl1),
            0x0000_0000_4000_0783
        );
        assert!(is_table(table(0x4000_1000)) && !is_table(block(0, Access::Data, Regime::Hyp)));
    }
}
