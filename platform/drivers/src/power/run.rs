//! Carrying steps out oneself.

use embedded_hal::delay::DelayNs;
use platform_api::Step;

use crate::mmio;

/// Carries out `steps`. A CPU's entry is not written: the loader starts none.
///
/// # Safety
/// Every register of the list is one of the running machine's, mapped as device memory at its
/// address, and may be written now.
pub unsafe fn run(steps: &[Step], delay: &mut dyn DelayNs) {
    for step in steps {
        let (at, value) = match *step {
            Step::Write { at, value } => (at, value),
            // SAFETY: the caller's word.
            Step::Set { at, bits } => (at, unsafe { read(at) } | bits),
            // SAFETY: the caller's word.
            Step::Clear { at, bits } => (at, unsafe { read(at) } & !bits),
            Step::WriteEntry { .. } => continue,
            Step::Delay { microseconds } => {
                delay.delay_us(microseconds);
                continue;
            }
        };
        // SAFETY: the caller's word.
        unsafe { mmio::write(address(at), value, false) };
    }
}

fn address(at: u32) -> usize {
    // Physical addresses of this machine's fit its pointers.
    usize::try_from(at).unwrap_or_default()
}

/// # Safety
/// As [`run`].
unsafe fn read(at: u32) -> u32 {
    // SAFETY: the caller's word.
    unsafe { mmio::read(address(at), false) }
}
