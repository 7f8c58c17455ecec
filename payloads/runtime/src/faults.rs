//! A fault of the witness is a line of the report and a failure, not silence.

use core::arch::asm;
use core::panic::PanicInfo;
use core::sync::atomic::{AtomicBool, Ordering};

use aarch32_rt::{Frame, exception, irq};
use report_format::Line;

use crate::report;

/// An instruction that may be Undefined is being tried. Only read and written whole: with the
/// MMU off there are no exclusive accesses.
static EXPECTED: AtomicBool = AtomicBool::new(false);

/// Says whether the next Undefined instruction is to be stepped over.
pub fn expect_undefined(expected: bool) {
    EXPECTED.store(expected, Ordering::Relaxed);
}

fn die(name: &str, pc: usize, address: u32, status: u32) -> ! {
    let pc = u32::try_from(pc).unwrap_or(u32::MAX);
    report::print(Line::Fault {
        name,
        pc,
        address,
        status,
    });
    report::finish()
}

/// # Safety
/// Called by aarch32-rt's vector alone. Going on behind an Undefined instruction is sound where
/// `expect_undefined(true)` was said: the one instruction there leaves all registers alone.
#[exception(Undefined)]
unsafe fn undefined(addr: usize) -> usize {
    if EXPECTED.load(Ordering::Relaxed) {
        return addr + 4;
    }
    die("undefined", addr, 0, 0)
}

#[exception(PrefetchAbort)]
fn prefetch_abort(addr: usize) -> ! {
    let (fault, status): (u32, u32);
    // SAFETY: reads IFAR and IFSR, which exist in PL1 and change nothing.
    unsafe {
        asm!("mrc p15, 0, {}, c6, c0, 2", out(reg) fault);
        asm!("mrc p15, 0, {}, c5, c0, 1", out(reg) status);
    }
    die("prefetch-abort", addr, fault, status)
}

#[exception(DataAbort)]
fn data_abort(addr: usize) -> ! {
    let (fault, status): (u32, u32);
    // SAFETY: reads DFAR and DFSR, which exist in PL1 and change nothing.
    unsafe {
        asm!("mrc p15, 0, {}, c6, c0, 0", out(reg) fault);
        asm!("mrc p15, 0, {}, c5, c0, 0", out(reg) status);
    }
    die("data-abort", addr, fault, status)
}

#[exception(SupervisorCall)]
fn supervisor_call(arg: u32, _frame: &Frame) -> u32 {
    die("supervisor-call", 0, arg, 0)
}

#[irq]
fn interrupt() {
    die("interrupt", 0, 0, 0)
}

/// Called by entry.S in HYP, on HYP's stack, when something trapped there.
#[unsafe(no_mangle)]
extern "C" fn witness_hyp_fault(hsr: u32, pc: usize, address: u32) -> ! {
    die("hyp-trap", pc, address, hsr)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    let line = info.location().map_or(0, |location| location.line());
    die("panic", 0, line, 0)
}
