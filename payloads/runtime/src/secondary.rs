//! The other processors, one at a time: firmware starts it in secondary.S, where it leaves its
//! state in the one slot and asks firmware to stop it again.

use core::arch::{asm, global_asm};
use core::mem::offset_of;

use witness::survey::{SecondaryState, Started};
use witness::tree::Conduit;

use crate::psci;

/// The slot: what secondary.S writes, and how it calls firmware.
#[repr(C)]
struct Slot {
    state: SecondaryState,
    /// 0: SMC, 1: HVC.
    conduit: u32,
    /// Written last.
    came: u32,
}

global_asm!(
    include_str!("secondary.S"),
    SLOT_SIZE = const size_of::<Slot>(),
    CONDUIT = const offset_of!(Slot, conduit),
    CAME = const offset_of!(Slot, came),
    R0 = const offset_of!(SecondaryState, r0),
    CPSR = const offset_of!(SecondaryState, cpsr),
    MPIDR = const offset_of!(SecondaryState, mpidr),
    SCTLR = const offset_of!(SecondaryState, sctlr),
    HSCTLR = const offset_of!(SecondaryState, hsctlr),
    HCR = const offset_of!(SecondaryState, hcr),
);

unsafe extern "C" {
    fn secondary_entry();
    fn secondary_loop();
    static mut secondary_slot: Slot;
}

/// How long a CPU may take to come, and to stop again.
const PATIENCE_SECONDS: u64 = 10;

/// Starts a CPU and waits until it has come and stopped.
pub fn start(conduit: Conduit, affinity: u32) -> Started {
    let slot = &raw mut secondary_slot;
    let context = SecondaryState::context(affinity);
    let mut started = Started::default();
    // SAFETY: secondary.S reserves a Slot under this name. No CPU but this one runs until it is
    // started below, and this one does nothing but read `came` until that is written. All
    // accesses go to memory: the caches are off.
    unsafe {
        slot.write_volatile(Slot {
            state: SecondaryState::default(),
            conduit: u32::from(conduit == Conduit::Hvc),
            came: 0,
        });
    }
    // SAFETY: a barrier: the slot is written before the CPU reads it.
    unsafe { asm!("dsb") };
    let entry = secondary_entry as *const () as u32;
    started.answer = psci::cpu_on(conduit, affinity, entry, context);
    if started.answer != 0 {
        return started;
    }
    // SAFETY: reading a word of the slot; another CPU may be writing it, whole.
    let came = wait(|| unsafe { (&raw const (*slot).came).read_volatile() } != 0);
    if came {
        // SAFETY: `came` is written last, so the state is complete and nobody writes it now.
        started.state = Some(unsafe { (&raw const (*slot).state).read_volatile() });
    }
    wait(|| {
        started.after = psci::affinity_info(conduit, affinity);
        started.after == 1
    });
    started
}

/// Starts a CPU and leaves it running, in a loop that waits for events. Tells whether firmware
/// took the call.
pub fn park(conduit: Conduit, affinity: u32) -> bool {
    psci::cpu_on(conduit, affinity, secondary_loop as *const () as u32, 0) == 0
}

/// Waits until something holds, and tells whether it came to.
fn wait(mut holds: impl FnMut() -> bool) -> bool {
    let deadline = count() + PATIENCE_SECONDS * u64::from(frequency());
    loop {
        if holds() {
            return true;
        }
        if count() > deadline {
            return false;
        }
    }
}

/// Reads CNTPCT, the physical count.
fn count() -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: CNTPCT can be read where a rule has found CNTHCTL to allow it, or the fault is
    // reported; reading changes nothing.
    unsafe { asm!("isb", "mrrc p15, 0, {}, {}, c14", out(reg) low, out(reg) high) };
    u64::from(low) | u64::from(high) << 32
}

fn frequency() -> u32 {
    let hertz: u32;
    // SAFETY: CNTFRQ can be read in every mode but User.
    unsafe { asm!("mrc p15, 0, {}, c14, c0, 0", out(reg) hertz) };
    hertz.max(1)
}
