//! Watchdogs: kicked while somebody waits, and left at a handoff as the user wants.
//!
//! Whoever waits looks at the console, or at a clock that looks after it: prompt, countdown,
//! `sleep`, output, drivers. Each look comes by here. What does neither hangs, and is reset.

use alloc::boxed::Box;
use core::cell::Cell;

use platform_api::{Clock, KICK_PERIOD_MS, Watchdog, WatchdogPolicy};
use platform_drivers::timer::Timer;

/// Kicks what runs.
pub struct Keeper {
    timer: Timer,
    watchdogs: Cell<&'static [&'static dyn Watchdog]>,
    /// The tick from which on to kick again.
    next: Cell<u64>,
}

impl Keeper {
    /// Makes a keeper, for ever, of no watchdog yet.
    pub fn new(timer: Timer) -> &'static Self {
        Box::leak(Box::new(Self {
            timer,
            watchdogs: Cell::new(&[]),
            next: Cell::new(0),
        }))
    }

    /// Takes charge of these.
    pub fn keep(&self, watchdogs: &'static [&'static dyn Watchdog]) {
        self.watchdogs.set(watchdogs);
    }

    /// Kicks, if it is time.
    #[inline]
    pub fn look(&self) {
        if !self.watchdogs.get().is_empty() {
            self.kick_in_time();
        }
    }

    #[inline(never)]
    fn kick_in_time(&self) {
        let now = self.timer.ticks();
        if now >= self.next.get() {
            let period = u64::from(self.timer.frequency()) * u64::from(KICK_PERIOD_MS) / 1000;
            self.next.set(now + period);
            self.each_running(|watchdog| watchdog.kick());
        }
    }

    fn each_running(&self, body: fn(&dyn Watchdog)) {
        for watchdog in self.watchdogs.get() {
            if watchdog.is_running() {
                body(*watchdog);
            }
        }
    }

    /// Does what a handoff is to do. A step of it: allocates nothing and cannot fail.
    pub fn hand_off(&self, policy: WatchdogPolicy) {
        match policy {
            WatchdogPolicy::Keep => self.each_running(|watchdog| watchdog.kick()),
            WatchdogPolicy::Stop => self.each_running(|watchdog| watchdog.stop()),
            WatchdogPolicy::Arm {
                index,
                milliseconds,
            } => {
                let index = usize::try_from(index).unwrap_or(usize::MAX);
                if let Some(watchdog) = self.watchdogs.get().get(index) {
                    watchdog.start(milliseconds);
                }
            }
        }
    }
}
