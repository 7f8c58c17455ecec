//! Tells secure from non-secure SVC without hanging on a wrong guess.

use core::sync::atomic::{AtomicU8, Ordering};

use platform_api::Guard;

use crate::{guard::FaultGuard, registers::Scr};

const UNKNOWN: u8 = 0;
const SECURE: u8 = 1;
const NON_SECURE: u8 = 2;

static STATE: AtomicU8 = AtomicU8::new(UNKNOWN);

/// Tells whether the loader runs in secure state. Only meaningful outside HYP, which is
/// non-secure; [`probe`] comes first.
pub fn is_secure() -> bool {
    STATE.load(Ordering::Relaxed) == SECURE
}

/// Finds out: SCR can be read in secure state and is Undefined in non-secure (DDI 0406C
/// B4.1.129), and our vectors catch that. The exception's report is muted by the caller not
/// having set an output yet.
pub fn probe() {
    // An asynchronous abort that the caller left pending is no answer: take it first.
    let _ = FaultGuard.run(&mut || {});
    let outcome = FaultGuard.run(&mut || {
        core::hint::black_box(Scr::read());
    });
    let state = if outcome.is_ok() { SECURE } else { NON_SECURE };
    STATE.store(state, Ordering::Relaxed);
}
