//! The report's way out: lines to the console, a count of them, and what comes after the last.

use core::fmt::Write;
use core::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use report_format::{Line, Tally, Then, Verdict};
use witness::Sink;
use witness::tree::Conduit;

use crate::psci;
pub use crate::uart::Uart;

/// QEMU's `virt` has its PL011 here. Used only if something is so wrong that no tree can be
/// read to find the console: better a fault on a wrong machine than silence on the right one.
const LAST_RESORT: u32 = 0x0900_0000;

// Read and written whole, by one CPU: with the MMU off there are no exclusive accesses.
static CONSOLE: AtomicU32 = AtomicU32::new(LAST_RESORT);
static PASS: AtomicU32 = AtomicU32::new(0);
static FAIL: AtomicU32 = AtomicU32::new(0);
static SKIP: AtomicU32 = AtomicU32::new(0);
/// How firmware is called: 0 not at all, 1 HVC, 2 SMC.
static CONDUIT: AtomicU8 = AtomicU8::new(0);
/// What comes after the last line: 0 power off, 1 reset, 2 halt.
static THEN: AtomicU8 = AtomicU8::new(0);

/// Writes to this UART from here on, if it can be reached.
///
/// # Safety
/// Such a UART's registers lie there.
pub unsafe fn set_console(uart: witness::tree::Uart) {
    if let Some(word) = Uart::word(uart) {
        CONSOLE.store(word, Ordering::Relaxed);
    }
}

/// Says what comes after the last line.
pub fn set_end(then: Then, conduit: Option<Conduit>) {
    let conduit = match conduit {
        None => 0,
        Some(Conduit::Hvc) => 1,
        Some(Conduit::Smc) => 2,
    };
    let then = match then {
        Then::PowerOff => 0,
        Then::Reset => 1,
        Then::Halt => 2,
    };
    CONDUIT.store(conduit, Ordering::Relaxed);
    THEN.store(then, Ordering::Relaxed);
}

/// Returns the console.
pub fn console() -> Uart {
    // SAFETY: `set_console`'s caller says that such a UART lies there, or it is LAST_RESORT, for
    // which nothing better can be said.
    unsafe { Uart::new(CONSOLE.load(Ordering::Relaxed)) }
}

/// Returns how many rules were judged so far, and how.
pub fn tally() -> Tally {
    Tally {
        pass: PASS.load(Ordering::Relaxed),
        fail: FAIL.load(Ordering::Relaxed),
        skip: SKIP.load(Ordering::Relaxed),
    }
}

/// Prints a line and counts it.
pub fn print(line: Line<'_>) {
    count(&line);
    // A console that breaks has nobody to tell.
    let _ = writeln!(console(), "{line}");
}

fn count(line: &Line<'_>) {
    let mut tally = tally();
    tally.count(line);
    PASS.store(tally.pass, Ordering::Relaxed);
    FAIL.store(tally.fail, Ordering::Relaxed);
    SKIP.store(tally.skip, Ordering::Relaxed);
}

/// Prints every line it is given.
pub struct Printer;

impl Sink for Printer {
    fn line(&mut self, line: Line<'_>) {
        print(line);
    }
}

/// Counts every line it is given, and prints those of rules that fail.
pub struct Quiet;

impl Sink for Quiet {
    fn line(&mut self, line: Line<'_>) {
        match line {
            Line::Rule {
                verdict: Verdict::Fail { .. },
                ..
            } => print(line),
            _ => count(&line),
        }
    }
}

/// Prints the last line, and does what comes after it.
pub fn finish() -> ! {
    print(Line::Done(tally()));
    console().drain();
    let conduit = match CONDUIT.load(Ordering::Relaxed) {
        1 => Some(Conduit::Hvc),
        2 => Some(Conduit::Smc),
        _ => None,
    };
    match (conduit, THEN.load(Ordering::Relaxed)) {
        (Some(conduit), 0) => psci::system_off(conduit),
        (Some(conduit), 1) => psci::system_reset(conduit),
        _ => {}
    }
    loop {
        // SAFETY: waits for an interrupt, which is masked; touches nothing.
        unsafe { core::arch::asm!("wfi") };
    }
}
