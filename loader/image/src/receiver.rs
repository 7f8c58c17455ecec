//! The console's receiver, looked after while drivers wait.

use platform_api::{Clock, Console};
use platform_drivers::{
    timer::Timer,
    uart::{
        Uart,
        receiver::{RawReceiver, ReceiveRing},
    },
};

use crate::watch::Keeper;

/// What arrived while a driver waited: as much as 0.7 s bring at 115200 baud, longer than a
/// request to a disk takes.
static WAITING: ReceiveRing<8192> = ReceiveRing::new();

/// The console's port, with what arrived while somebody waited.
pub struct BoardConsole {
    /// The port.
    pub uart: Uart,
    /// Who kicks the watchdogs.
    pub keeper: &'static Keeper,
}

impl Console for BoardConsole {
    fn write(&mut self, bytes: &[u8]) {
        self.uart.write(bytes);
    }

    fn read(&mut self) -> Option<u8> {
        self.keeper.look();
        WAITING.pop().or_else(|| self.uart.read())
    }

    fn flush(&mut self) {
        self.uart.flush();
    }
}

/// A clock for drivers that wait by it: each look at it empties the console's receiver too, and
/// kicks the watchdogs.
#[derive(Clone, Copy)]
pub struct WaitingClock {
    timer: Timer,
    receiver: RawReceiver,
    keeper: &'static Keeper,
}

impl WaitingClock {
    /// Makes the clock.
    ///
    /// # Safety
    /// As [`RawReceiver::collect`], as long as the clock is used.
    pub unsafe fn new(timer: Timer, receiver: RawReceiver, keeper: &'static Keeper) -> Self {
        Self {
            timer,
            receiver,
            keeper,
        }
    }
}

impl Clock for WaitingClock {
    fn ticks(&self) -> u64 {
        // SAFETY: `new`'s caller vouched for the registers.
        unsafe { self.receiver.collect(&WAITING) };
        self.keeper.look();
        self.timer.ticks()
    }

    fn frequency(&self) -> u32 {
        self.timer.frequency()
    }
}
