//! The linker script's symbols, read in one place.
//!
//! The image is linked at 0 and relocated, so a symbol's address is where it is now.

use platform_api::{PhysAddr, PhysRange};

unsafe extern "C" {
    static _start: u8;
    static __text_end: u8;
    static __data_end: u8;
    static __bss_start: u8;
    static __bss_end: u8;
    static __exception_stack_bottom: u8;
    static __exception_stack_top: u8;
    static __stack_bottom: u8;
    static __stack_top: u8;
    static hyp_vectors: u8;
    static pl1_vectors: u8;
}

macro_rules! address_of {
    ($symbol:ident) => {
        // Defined by the linker script or an assembly file; only its address is taken.
        PhysAddr::from(&raw const $symbol as u32)
    };
}

macro_rules! span {
    ($(#[$doc:meta])* $name:ident, $start:ident, $end:ident) => {
        $(#[$doc])*
        pub fn $name() -> PhysRange {
            PhysRange::new(address_of!($start), address_of!($end)).unwrap_or_default()
        }
    };
}

span!(/// Code: read and execute.
    text, _start, __text_end);
span!(/// Constants: read.
    rodata, __data_end, __bss_start);
span!(/// Initialised variables: read and write. Empty as a rule.
    data, __text_end, __data_end);
span!(/// Zeroed variables and page tables: read and write.
    bss, __bss_start, __bss_end);
span!(/// The exceptions' stack.
    exception_stack, __exception_stack_bottom, __exception_stack_top);
span!(/// The stack. The page below it is never mapped.
    stack, __stack_bottom, __stack_top);
span!(/// From the first byte to the last that the linker script places.
    image, _start, __stack_top);

/// Returns the HYP vector table's address.
pub fn hyp_vectors_address() -> PhysAddr {
    address_of!(hyp_vectors)
}

/// Returns the PL1 vector table's address.
pub fn pl1_vectors_address() -> PhysAddr {
    address_of!(pl1_vectors)
}
