//! A device-tree node reduced to what a driver needs to bind.

use crate::PhysRange;

/// The facts of one enabled device-tree node. Borrowed from the tree reader.
#[derive(Clone, Copy, Debug)]
pub struct DeviceNode<'a> {
    /// The full path, `/pl011@9000000`.
    pub path: &'a str,
    /// The `compatible` strings, most specific first.
    pub compatible: &'a [&'a str],
    /// The `reg` windows, translated to physical addresses by the parents' `ranges`.
    pub reg: &'a [PhysRange],
    /// The node has `dma-coherent`, or inherits it.
    pub dma_coherent: bool,
}

impl DeviceNode<'_> {
    /// Tells whether one of the node's `compatible` strings is in `table`.
    pub fn matches(&self, table: &[&str]) -> bool {
        self.compatible.iter().any(|name| table.contains(name))
    }
}
