//! The last resort's output, and the panic handler.

use core::{
    panic::PanicInfo,
    ptr::NonNull,
    sync::atomic::{AtomicU32, Ordering},
};

use platform_drivers::uart::pl011;

/// The console UART's registers; 0 until it is known.
static UART: AtomicU32 = AtomicU32::new(0);

/// Sets where the fault handler and a panic write.
pub fn set_uart(base: u32) {
    UART.store(base, Ordering::Relaxed);
    platform_armv7::exception::set_output(write);
}

/// Writes without driver, heap or lock.
pub fn write(text: &str) {
    let Some(base) = NonNull::new(UART.load(Ordering::Relaxed) as *mut u8) else {
        return;
    };
    for byte in text.bytes() {
        // SAFETY: `set_uart` got the base of the bound PL011, which stays mapped.
        unsafe {
            if byte == b'\n' {
                pl011::raw_put(base, b'\r');
            }
            pl011::raw_put(base, byte);
        }
    }
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    match info.location() {
        Some(at) => platform_armv7::exception::stop(format_args!("{at}: {}", info.message())),
        None => platform_armv7::exception::stop(format_args!("{}", info.message())),
    }
}
