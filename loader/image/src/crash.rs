//! The last resort's output, and the panic handler.

use core::{
    panic::PanicInfo,
    sync::atomic::{AtomicU32, Ordering},
};

use platform_api::RawUart;
use platform_drivers::uart;

/// The console UART's [`RawUart`], word by word; zeros, which are silent, until it is known.
static UART: [AtomicU32; 3] = [const { AtomicU32::new(0) }; 3];

/// Sets where the fault handler and a panic write.
pub fn set_uart(uart: RawUart) {
    let words = [uart.data, uart.status, uart.wait];
    for (place, word) in UART.iter().zip(words) {
        place.store(word, Ordering::Relaxed);
    }
    platform_armv7::exception::set_output(write);
}

/// Writes without driver, heap or lock.
pub fn write(text: &str) {
    let [data, status, wait] = &UART;
    let [data, status, wait] = [data, status, wait].map(|word| word.load(Ordering::Relaxed));
    let port = RawUart { data, status, wait };
    if wait == 0 {
        return;
    }
    for byte in text.bytes() {
        // SAFETY: `set_uart` got what the bound driver says, and its registers stay mapped.
        unsafe {
            if byte == b'\n' {
                uart::raw_put(port, b'\r');
            }
            uart::raw_put(port, byte);
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
