//! Recovery: runs a command so that a fault in it comes back to the prompt.

use core::{
    arch::asm,
    ffi::c_void,
    sync::atomic::{AtomicU32, Ordering},
};

use platform_api::{Fault, FaultKind, Guard};

unsafe extern "C" {
    /// vectors.S: runs `function(data)`; 0, or 1 if it faulted. `*slot` is the innermost
    /// guard's stack pointer.
    fn guarded_call(
        function: extern "C" fn(*mut c_void),
        data: *mut c_void,
        slot: *const AtomicU32,
    ) -> u32;
}

/// The innermost guard's stack pointer; 0 if there is none.
static INNERMOST: AtomicU32 = AtomicU32::new(0);

pub(crate) fn innermost() -> Option<u32> {
    match INNERMOST.load(Ordering::Relaxed) {
        0 => None,
        stack_pointer => Some(stack_pointer),
    }
}

extern "C" fn call_body(data: *mut c_void) {
    // SAFETY: `data` is the address of the `&mut dyn FnMut()` in `FaultGuard::run`, which lives
    // until guarded_call returns.
    let body = unsafe { &mut *data.cast::<&mut dyn FnMut()>() };
    body();
}

/// The processor's [`Guard`].
#[derive(Clone, Copy, Debug, Default)]
pub struct FaultGuard;

impl Guard for FaultGuard {
    fn run(&self, body: &mut dyn FnMut()) -> Result<(), Fault> {
        let mut body = body;
        // SAFETY: guarded_call keeps the AAPCS; after a fault it discards the frames above its
        // own without running destructors, which leaks what they owned and frees nothing twice.
        // `INNERMOST` is touched by this CPU alone.
        let faulted = unsafe {
            guarded_call(
                call_body,
                (&raw mut body).cast::<c_void>(),
                &raw const INNERMOST,
            )
        };
        if faulted == 0 {
            return Ok(());
        }
        // What faulted may have been a program that runs without MMU and caches.
        crate::mmu::enable::restore();
        Err(Fault)
    }

    fn provoke(&self, kind: FaultKind) {
        match kind {
            // SAFETY: each provokes an exception that the vectors report; it does not return
            // here, but to the guard.
            FaultKind::Undefined => unsafe { asm!("udf #0xba") },
            // SAFETY: as above; SVC in SVC mode and HVC in HYP are taken by our own vectors.
            FaultKind::Call if crate::cpu::mode() == platform_api::CpuMode::Hypervisor => unsafe {
                asm!(".arch_extension virt", "hvc #0xba", out("lr") _);
            },
            // SAFETY: as above.
            FaultKind::Call => unsafe { asm!("svc #0xba", out("lr") _) },
            // SAFETY: LDM from an odd address always faults (DDI 0406C A3.2.1).
            FaultKind::Unaligned => unsafe {
                asm!("ldm {}, {{r2, r3}}", in(reg) crate::layout::stack().start().as_u32().unwrap_or(0) | 1,
                    out("r2") _, out("r3") _);
            },
            // SAFETY: the page at 0 is never mapped.
            FaultKind::Data => unsafe { asm!("ldr {0}, [{0}]", inout(reg) 0 => _) },
            // SAFETY: as above.
            FaultKind::Prefetch => unsafe {
                asm!("blx {}", in(reg) 0, out("r0") _, out("r1") _, out("r2") _, out("r3") _,
                    out("r12") _, out("lr") _);
            },
            FaultKind::StackOverflow => overflow(0),
        }
    }
}

/// Recurses until the guard page below the stack faults.
#[inline(never)]
#[expect(unconditional_recursion, reason = "that is what it is for")]
fn overflow(depth: u32) {
    let mut frame = [depth; 64];
    core::hint::black_box(&mut frame);
    overflow(depth.wrapping_add(1));
    core::hint::black_box(&mut frame);
}
