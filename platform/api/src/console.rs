//! The serial console as the logic sees it.

/// A byte console. Drivers also implement `embedded-io`; this face is what a `dyn` needs and
/// cannot fail: a console that breaks has nobody to tell.
pub trait Console {
    /// Writes every byte, waiting for room.
    fn write(&mut self, bytes: &[u8]);

    /// Returns the next received byte, if there is one. Never waits.
    fn read(&mut self) -> Option<u8>;

    /// Waits until every byte has left the transmitter.
    fn flush(&mut self);
}
