//! What the vectors call.

use core::{
    fmt::{self, Write},
    sync::atomic::{AtomicBool, AtomicPtr, Ordering},
};

use platform_api::CpuMode;

use super::{Facts, Frame, Syndrome, Vector, report::write_report};
use crate::{
    cpu, guard, layout,
    registers::{Dfar, Dfsr, Hdfar, Hifar, Hpfar, Hsr, Ifar, Ifsr},
};

/// Writes text without heap and locks: the console's last resort.
pub type Output = fn(&str);

/// Where reports go; null until there is a console.
static OUTPUT: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());
/// Tells whether abandoning the command is safe; null: it is.
static RECOVERY_CHECK: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());
/// An exception is being handled.
static HANDLING: AtomicBool = AtomicBool::new(false);

/// Sets where reports go.
pub fn set_output(output: Output) {
    OUTPUT.store(output as *mut (), Ordering::Release);
}

/// Sets what is asked before a faulting command is abandoned: a reason why it cannot be, if
/// something shared (the heap) is in the middle of a change.
pub fn set_recovery_check(check: fn() -> Option<&'static str>) {
    RECOVERY_CHECK.store(check as *mut (), Ordering::Release);
}

struct Writer;

impl Write for Writer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let output = OUTPUT.load(Ordering::Acquire);
        if !output.is_null() {
            // SAFETY: the pointer is null or came from `set_output`, which takes an `Output`.
            let output = unsafe { core::mem::transmute::<*mut (), Output>(output) };
            output(text);
        }
        Ok(())
    }
}

fn refusal_to_recover() -> Option<&'static str> {
    let check = RECOVERY_CHECK.load(Ordering::Acquire);
    if check.is_null() {
        return None;
    }
    // SAFETY: the pointer is null or came from `set_recovery_check`, which takes this type.
    let check = unsafe { core::mem::transmute::<*mut (), fn() -> Option<&'static str>>(check) };
    check()
}

fn read_stack(address: u32) -> u32 {
    // SAFETY: the report asks only for word-aligned addresses inside the loader's stack, which
    // is mapped as long as the loader runs.
    unsafe { core::ptr::read_volatile(address as *const u32) }
}

/// Reports an exception. Returns the stack pointer of the guard to go back to.
///
/// Called by vectors.S on the exception stack with A, I and F masked.
#[unsafe(no_mangle)]
extern "C" fn baton_exception(frame: &mut Frame, number: u32) -> u32 {
    // Not a swap: exclusives need the MMU, which may be off here, and there is but one CPU.
    if HANDLING.load(Ordering::Relaxed) {
        halt("fault inside the fault handler");
    }
    HANDLING.store(true, Ordering::Relaxed);
    let vector = Vector::from_number(number);
    if cpu::mode() != CpuMode::Hypervisor {
        frame.correct_thumb(vector);
    }
    // An error of the writer could only be our own; there is nobody else to tell.
    let _ = write_report(&mut Writer, &facts(vector, frame));
    let Some(stack_pointer) = guard::innermost() else {
        halt("no command to return from");
    };
    if let Some(reason) = refusal_to_recover() {
        halt(reason);
    }
    HANDLING.store(false, Ordering::Relaxed);
    stack_pointer
}

fn facts(vector: Vector, frame: &Frame) -> Facts<'_> {
    let mode = cpu::mode();
    let (syndrome, data_address, instruction_address, ipa) = if mode == CpuMode::Hypervisor {
        (Hsr::read(), Hdfar::read(), Hifar::read(), Hpfar::read())
    } else {
        (pl1_syndrome(vector), Dfar::read(), Ifar::read(), 0)
    };
    Facts {
        vector,
        mode,
        frame,
        syndrome: Syndrome { raw: syndrome },
        data_address,
        instruction_address,
        ipa,
        image: layout::image(),
        text: layout::text(),
        stack: layout::stack(),
        read_stack,
    }
}

/// Makes an HSR from PL1's fault status registers, whose long-descriptor format has the same
/// codes in bits 5:0 and the write flag in bit 11 (DDI 0406C B4.1.52).
fn pl1_syndrome(vector: Vector) -> u32 {
    match vector {
        Vector::DataAbort => {
            let dfsr = Dfsr::read();
            (0x25 << 26) | (dfsr & 0x3f) | ((dfsr >> 11) & 1) << 6
        }
        Vector::PrefetchAbort => (0x21 << 26) | (Ifsr::read() & 0x3f),
        _ => 0,
    }
}

fn halt(reason: &str) -> ! {
    let _ = writeln!(Writer, "Baton stopped: {reason}. Reset the board.");
    loop {
        // SAFETY: WFE only waits.
        unsafe { core::arch::asm!("wfe", options(nomem, nostack)) };
    }
}

/// Stops with a last line, for the panic handler.
pub fn stop(arguments: fmt::Arguments<'_>) -> ! {
    let _ = writeln!(Writer, "\nBaton panicked: {arguments}");
    halt("this is a bug in Baton");
}
