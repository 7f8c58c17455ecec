//! The console's receiver, looked after while drivers wait.

use platform_api::{Clock, Console};
use platform_drivers::{
    timer::ArchTimer,
    uart::{
        Uart,
        receiver::{RawReceiver, ReceiveRing},
    },
};

/// What arrived while a driver waited: as much as 0.7 s bring at 115200 baud, longer than a
/// request to a disk takes.
static WAITING: ReceiveRing<8192> = ReceiveRing::new();

/// The console's port, with what arrived while somebody waited.
pub struct BoardConsole(pub Uart);

impl Console for BoardConsole {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }

    fn read(&mut self) -> Option<u8> {
        WAITING.pop().or_else(|| self.0.read())
    }

    fn flush(&mut self) {
        self.0.flush();
    }
}

/// A clock for drivers that wait by it: each look at it empties the console's receiver too.
#[derive(Clone, Copy)]
pub struct WaitingClock {
    timer: ArchTimer,
    receiver: RawReceiver,
}

impl WaitingClock {
    /// Makes the clock.
    ///
    /// # Safety
    /// As [`RawReceiver::collect`], as long as the clock is used.
    pub unsafe fn new(timer: ArchTimer, receiver: RawReceiver) -> Self {
        Self { timer, receiver }
    }
}

impl Clock for WaitingClock {
    fn ticks(&self) -> u64 {
        // SAFETY: `new`'s caller vouched for the registers.
        unsafe { self.receiver.collect(&WAITING) };
        self.timer.ticks()
    }

    fn frequency(&self) -> u32 {
        self.timer.frequency()
    }
}
