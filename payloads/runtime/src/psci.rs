//! Calls to firmware (PSCI, ARM DEN 0022; SMC calling convention, ARM DEN 0028).

use core::arch::{asm, global_asm};

use witness::tree::Conduit;

use crate::faults;

const CPU_ON: u32 = 0x8400_0003;
const AFFINITY_INFO: u32 = 0x8400_0004;
const SYSTEM_OFF: u32 = 0x8400_0008;
const SYSTEM_RESET: u32 = 0x8400_0009;

/// Asks for a CPU's state; firmware that is not there answers like one that does not know the
/// call (-1).
pub fn affinity_info(conduit: Conduit, affinity: u32) -> i32 {
    // Above level 0 everything counts as on.
    answer(
        AFFINITY_INFO,
        call(conduit, AFFINITY_INFO, [affinity, 0, 0]),
    )
}

/// Starts a CPU at `entry` with `context` in r0. 0, or an error below 0.
pub fn cpu_on(conduit: Conduit, affinity: u32, entry: u32, context: u32) -> i32 {
    answer(CPU_ON, call(conduit, CPU_ON, [affinity, entry, context]))
}

/// Reads an answer; who gives the function's number back does not know the call (-1).
fn answer(function: u32, answer: u32) -> i32 {
    if answer == function {
        return -1;
    }
    answer.cast_signed()
}

/// Turns the machine off; returns if that failed.
pub fn system_off(conduit: Conduit) {
    call(conduit, SYSTEM_OFF, [0; 3]);
}

/// Resets the machine; returns if that failed.
pub fn system_reset(conduit: Conduit) {
    call(conduit, SYSTEM_RESET, [0; 3]);
}

global_asm!(include_str!("firmware.S"), options(raw));

unsafe extern "C" {
    /// firmware.S: calls by HVC if `hvc` is not 0, else by SMC. Returns r0, and in the upper word
    /// which bits of r4 to r11 came back changed.
    fn firmware_call(function: u32, r1: u32, r2: u32, r3: u32, hvc: u32) -> u64;
}

/// Calls firmware, and tells its answer and which bits of r4 to r11 it did not keep. Where the call
/// is Undefined, it answers with the function's number.
pub fn probe(conduit: Conduit, function: u32, [r1, r2, r3]: [u32; 3]) -> (u32, u32) {
    let hvc = u32::from(conduit == Conduit::Hvc);
    faults::expect_undefined(true);
    // SAFETY: as in `call`; firmware.S saves every register that the AAPCS wants kept.
    let both = unsafe { firmware_call(function, r1, r2, r3, hvc) };
    faults::expect_undefined(false);
    #[expect(clippy::cast_possible_truncation, reason = "the low and the high half")]
    (both as u32, (both >> 32) as u32)
}

/// Calls firmware. Where the call is Undefined, it answers with the function's number.
fn call(conduit: Conduit, function: u32, [r1, r2, r3]: [u32; 3]) -> u32 {
    let mut r0 = function;
    faults::expect_undefined(true);
    match conduit {
        Conduit::Hvc => {
            // SAFETY: the tree says that firmware answers HVC, and we were not entered in HYP,
            // so the call does not come back to us. These functions write none of our memory,
            // and change r0 to r3 alone (r12 and lr too by older firmware).
            unsafe {
                asm!(".arch_extension virt", "hvc #0", inout("r0") r0,
                    inout("r1") r1 => _, inout("r2") r2 => _, inout("r3") r3 => _,
                    out("r12") _, out("lr") _);
            }
        }
        Conduit::Smc => {
            // SAFETY: as above; the tree says that firmware answers SMC.
            unsafe {
                asm!(".arch_extension sec", "smc #0", inout("r0") r0,
                    inout("r1") r1 => _, inout("r2") r2 => _, inout("r3") r3 => _,
                    out("r12") _, out("lr") _);
            }
        }
    }
    faults::expect_undefined(false);
    r0
}
