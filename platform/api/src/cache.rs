//! Cache maintenance for devices that access memory behind the caches' back.

/// The data cache, by address to the point of coherency.
pub trait DataCache {
    /// Writes what the CPU stored in `bytes` to memory and drops the lines, so that a device
    /// that reads memory finds it, and no line of ours is written over what a device stores.
    /// Lines at the edges are treated whole.
    fn clean_invalidate(&self, bytes: &[u8]);
}
