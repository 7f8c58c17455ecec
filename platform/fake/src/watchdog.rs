//! A watchdog that remembers what was done to it.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use platform_api::Watchdog;

/// What was done to a watchdog.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WatchdogCall {
    /// It was started, with so many milliseconds.
    Start(u32),
    /// It was stopped.
    Stop,
    /// It was kicked.
    Kick,
    /// It was told to expire.
    Expire,
}

/// A watchdog of at most 16 seconds that never resets anything. Clones are the same watchdog.
#[derive(Clone, Debug, Default)]
pub struct FakeWatchdog {
    running: Rc<Cell<bool>>,
    calls: Rc<RefCell<Vec<WatchdogCall>>>,
}

impl FakeWatchdog {
    /// Returns what was done, oldest first.
    pub fn calls(&self) -> Vec<WatchdogCall> {
        self.calls.borrow().clone()
    }

    fn call(&self, call: WatchdogCall) {
        self.calls.borrow_mut().push(call);
    }
}

impl Watchdog for FakeWatchdog {
    fn max_timeout(&self) -> u32 {
        16_000
    }

    fn start(&self, milliseconds: u32) -> u32 {
        self.running.set(true);
        self.call(WatchdogCall::Start(milliseconds));
        milliseconds.min(16_000)
    }

    fn stop(&self) {
        self.running.set(false);
        self.call(WatchdogCall::Stop);
    }

    fn kick(&self) {
        self.call(WatchdogCall::Kick);
    }

    fn expire(&self) {
        self.call(WatchdogCall::Expire);
    }

    fn is_running(&self) -> bool {
        self.running.get()
    }
}
