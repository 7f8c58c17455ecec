//! Time.

/// A counter that never stops and never wraps in a boot.
pub trait Clock {
    /// Returns the count.
    fn ticks(&self) -> u64;

    /// Returns the counter's frequency in Hz; never 0.
    fn frequency(&self) -> u32;

    /// Returns microseconds since the counter's zero.
    fn microseconds(&self) -> u64 {
        let frequency = u64::from(self.frequency().max(1));
        let ticks = self.ticks();
        let seconds = ticks / frequency;
        let rest = ticks % frequency;
        seconds
            .saturating_mul(1_000_000)
            .saturating_add(rest * 1_000_000 / frequency)
    }
}
