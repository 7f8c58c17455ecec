//! What the drivers share about rates.

/// Looks at a port that is to become idle before it is given up: some milliseconds even on a slow
/// bus, dozens of characters at 115200 baud.
pub(super) const PATIENCE: u32 = 100_000;

/// Tells whether a port at one rate understands one at the other: frames of ten bits bear 3 percent.
pub(super) fn same_rate(one: u32, other: u32) -> bool {
    u64::from(one.abs_diff(other)) * 100 <= u64::from(one.min(other)) * 3
}

/// Looks often enough for any port, until `done`.
pub(super) fn wait(mut done: impl FnMut() -> bool) -> bool {
    (0..PATIENCE).any(|_| done())
}
