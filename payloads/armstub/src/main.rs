//! Stands in QEMU for what a Raspberry Pi 2's firmware runs first on the Arm processors.
//!
//! The firmware's `armstub7` takes every processor to HYP before it enters the kernel, and keeps
//! all but the first waiting there (raspberrypi/tools, `armstubs/armstub7.S`). QEMU's own start of
//! a kernel on `raspi2b` leaves them in SVC. QEMU loads this beside the kernel and starts every
//! processor in it; docs/boards.md has the command line.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
core::arch::global_asm!(include_str!("armstub.S"));

/// There is no code that could panic.
#[cfg(target_os = "none")]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

#[cfg(not(target_os = "none"))]
fn main() -> std::process::ExitCode {
    eprintln!("armstub: code for thumbv7a-none-eabi; it does not run on the host");
    std::process::ExitCode::FAILURE
}
