//! Watchdogs.

/// How often a running watchdog is kicked while Baton waits, in milliseconds: a fifth of the
/// shortest timeout that any of the drivers can set.
pub const KICK_PERIOD_MS: u32 = 100;

/// A timer that resets the machine unless it is kicked in time.
///
/// All methods take `&self`: whoever waits kicks the same device that a command starts and stops.
/// None of them allocates, waits or fails, so that a handoff may call them.
pub trait Watchdog {
    /// Returns the longest timeout in milliseconds.
    fn max_timeout(&self) -> u32;

    /// Starts it, or starts it afresh, so that it resets the machine after `milliseconds` without
    /// a kick. What it cannot count exactly is rounded up; beyond the longest timeout it is that.
    /// Returns the timeout that was set.
    fn start(&self, milliseconds: u32) -> u32;

    /// Stops it.
    fn stop(&self);

    /// Gives it its whole timeout again. One that somebody else has started keeps his timeout
    /// where the hardware knows it, else it gets the longest.
    fn kick(&self);

    /// Has it reset the machine as soon as it can; that may take until after the return.
    fn expire(&self);

    /// Tells whether it runs and will reset the machine, whoever has started it.
    fn is_running(&self) -> bool;
}

/// What a handoff does to the watchdogs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatchdogPolicy {
    /// Leaves them as they are; one that runs is kicked once more.
    #[default]
    Keep,
    /// Stops every one that runs.
    Stop,
    /// Starts one, and leaves the others as they are.
    Arm {
        /// Which, in the order of the composition root.
        index: u32,
        /// Its timeout.
        milliseconds: u32,
    },
}
