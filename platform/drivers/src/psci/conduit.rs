//! The calls themselves, by the SMC calling convention (DEN 0028, 2.4): the function's number in
//! r0, arguments in r1 to r3, the result in r0, and r4 and up preserved.
//!
//! Not by `smccc` 0.2.3: its ARM code saves r6 and r7 by hand in registers that the compiler
//! chooses, and in ARM state the compiler may choose r6 and r7 themselves (it was seen to). With
//! r7 as the place for r6, r6 is lost without the compiler's knowing.

use core::arch::asm;

/// Defines a call by one of the two instructions.
macro_rules! conduit {
    ($(#[$doc:meta])* $name:ident, $extension:literal, $instruction:literal) => {
        $(#[$doc])*
        pub(super) fn $name(function: u32, [a, b, c]: [u32; 3]) -> u32 {
            let result;
            // SAFETY: The firmware keeps to the calling convention. It may read and write memory
            // (no `nomem`); the calls made here touch none of ours.
            unsafe {
                asm!(
                    $extension,
                    $instruction,
                    inlateout("r0") function => result,
                    inlateout("r1") a => _,
                    inlateout("r2") b => _,
                    inlateout("r3") c => _,
                    // Preserved by the convention, but not by all of PSCI's older firmware.
                    out("r12") _,
                    options(nostack)
                );
            }
            result
        }
    };
}

conduit!(/// Calls the firmware by SMC.
    smc, ".arch_extension sec", "smc #0");
conduit!(/// Calls the firmware by HVC. In HYP mode that would be ourselves: `smc` is used there.
    hvc, ".arch_extension virt", "hvc #0");
