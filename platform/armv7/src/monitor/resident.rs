//! The monitor's way from our image to its pages.

use core::{
    arch::asm,
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

use platform_api::{DataCache, PhysRange};

use super::{BYTES, DATA_WORDS, Plan, PlanError};
use crate::{
    cache::{Caches, data_line},
    cpu,
    entry::{EntryState, Way},
    registers::{dsb, isb},
};

/// The monitor below us is ours, from this boot's entry.
static RESIDENT: AtomicBool = AtomicBool::new(false);

/// The calls that are not PSCI's: a silicon provider's, by the SMC calling convention (DEN
/// 0028). The monitor takes one of them, once.
const INSTALL: u32 = 0x8200_0b01;
/// See [`INSTALL`].
const CLOSE: u32 = INSTALL + 1;

/// Notes how the loader came to HYP. Called once, at home.
pub fn note(state: &EntryState) {
    let ours = state.way == Way::OwnMonitor as u32;
    RESIDENT.store(ours, Ordering::Relaxed);
}

/// Tells whether the loader was entered in secure state and came to HYP by its own monitor, which
/// is to stay.
pub fn is_resident() -> bool {
    RESIDENT.load(Ordering::Relaxed)
}

/// Drops what the data cache has of the monitor's pages to be, which are never mapped from then
/// on. Called once, with the MMU off.
///
/// # Safety
/// `pages` is RAM whose content is nobody's.
pub unsafe fn prepare(pages: PhysRange) {
    let line = u64::from(data_line());
    let mut address = pages.start().align_down(line);
    while let Some(at) = address.as_u32().filter(|_| address < pages.end()) {
        // SAFETY: DCIMVAC (DDI 0406C B6.2.1) in memory whose content is nobody's.
        unsafe {
            asm!("mcr p15, 0, {}, c7, c6, 1", in(reg) at, options(nostack, preserves_flags));
        }
        let Some(next) = address.checked_add(line) else {
            break;
        };
        address = next;
    }
    dsb();
}

/// Why the monitor is not in its pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstallError {
    /// The plan cannot be told.
    Plan(PlanError),
    /// The pages are too small, not aligned to 4 KiB, or above 4 GiB.
    Pages(PhysRange),
    /// The monitor refused.
    Refused(u32),
}

impl From<PlanError> for InstallError {
    fn from(error: PlanError) -> Self {
        Self::Plan(error)
    }
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan(error) => error.fmt(f),
            Self::Pages(pages) => write!(f, "{pages} cannot hold it"),
            Self::Refused(answer) => write!(f, "it answered {answer:#x}"),
        }
    }
}

impl core::error::Error for InstallError {}

/// Moves the monitor to `pages`, tells it the plan, and has it do `now` and, for this processor,
/// `every_cpu`. From then on it serves PSCI.
///
/// # Errors
/// Nothing has been moved, and no step was done.
///
/// # Safety
/// [`is_resident`], and nothing was written since entry to the image where it was entered: that is
/// where the monitor runs until now. `pages` was given to [`prepare`], is not mapped, and is
/// nobody's for as long as the machine runs. The steps are right for this machine.
pub unsafe fn install(plan: &Plan<'_>, pages: PhysRange) -> Result<(), InstallError> {
    let bad = InstallError::Pages(pages);
    let at = pages.start().as_u32().ok_or(bad)?;
    if pages.size() < BYTES || !pages.start().is_aligned(4096) {
        return Err(bad);
    }
    let mut words = [0; DATA_WORDS];
    let count = plan.encode(cpu::affinity(), &mut words)?;
    // SAFETY: the same memory as bytes, all of it initialised.
    let bytes =
        unsafe { core::slice::from_raw_parts(words.as_ptr().cast::<u8>(), size_of_val(&words)) };
    // The monitor reads memory with its caches off.
    Caches.clean_invalidate(bytes);
    // SAFETY: the caller's word for what the monitor will do.
    match unsafe { call(INSTALL, at, words.as_ptr(), count) } {
        0 => Ok(()),
        answer => Err(InstallError::Refused(answer)),
    }
}

/// Closes the monitor for good where it has no pages to go to, and could be overwritten where it
/// is: whoever calls it from now on gets an Undefined Instruction exception.
///
/// # Safety
/// [`is_resident`], it was not installed, and the image is whole where it was entered.
pub unsafe fn close() {
    // SAFETY: the caller's word; the monitor touches no memory but its stack.
    unsafe { call(CLOSE, 0, core::ptr::null(), 0) };
}

/// Calls the monitor.
///
/// # Safety
/// As for what is called: the monitor reads and writes what it is told to.
unsafe fn call(function: u32, r1: u32, r2: *const u32, r3: usize) -> u32 {
    let answer: u32;
    // SAFETY: the caller's word. The monitor keeps every register but r0.
    unsafe {
        asm!(
            ".arch_extension sec",
            "smc #0",
            inlateout("r0") function => answer,
            in("r1") r1,
            in("r2") r2,
            in("r3") r3,
            options(nostack)
        );
    }
    isb();
    answer
}
