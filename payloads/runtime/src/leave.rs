//! The way out that a kernel takes by kexec: into an image, in the mode we were entered in.

use core::arch::asm;
use core::ffi::c_void;

use witness::Mode;

use crate::entry;

/// Enters an image by the kernel's protocol: r0 = 0, r1 = no machine, r2 = the tree; in HYP by a
/// call to our own vectors there (entry.S). Nothing is cleaned or put back.
///
/// # Safety
/// A zImage lies at `image`, a tree at `tree`, both in memory (the caches are off), and neither
/// needs what this payload occupies.
pub unsafe fn enter(image: u32, tree: u32) -> ! {
    if entry::state().mode() == Mode::Hyp {
        // SAFETY: our vectors are installed in HYP since entry.S left it, and know this number;
        // the rest is the caller's word.
        unsafe {
            asm!(".arch_extension virt", "hvc #{leave}", leave = const entry::LEAVE,
                in("r0") image, in("r1") tree, options(noreturn));
        }
    }
    // SAFETY: the caller's word. ICIALLU and BPIALL because the image was loaded as data.
    unsafe {
        asm!(
            "cpsid aif",
            "mcr p15, 0, {zero}, c7, c5, 0",
            "mcr p15, 0, {zero}, c7, c5, 6",
            "dsb",
            "isb",
            "cps #0x13",
            "bx r3",
            zero = in(reg) 0,
            in("r0") 0, in("r1") u32::MAX, in("r2") tree, in("r3") image, options(noreturn)
        );
    }
}

/// Calls a function in HYP, on a stack that ends at `stack_top`.
///
/// # Safety
/// We were entered in HYP. The function never returns, whatever its type says, and the stack is
/// nobody else's.
pub unsafe fn call_in_hyp(
    function: unsafe extern "C" fn(*const c_void) -> !,
    argument: *const c_void,
    stack_top: usize,
) -> ! {
    // SAFETY: our vectors are installed in HYP and know this number; the rest is the caller's.
    unsafe {
        asm!(".arch_extension virt", "hvc #{call}", call = const entry::CALL,
            in("r0") function, in("r1") argument, in("r2") stack_top, options(noreturn));
    }
}
