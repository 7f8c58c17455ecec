//! A device-tree node reduced to what a driver needs to bind.

use crate::PhysRange;

/// How a device's registers lie in its window, where the node says (the kernel's serial/8250
/// binding has all three).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RegisterLayout {
    /// `reg-shift`: register n lies at n << shift bytes.
    pub shift: Option<u32>,
    /// `reg-io-width`: bytes in an access, 1, 2 or 4.
    pub io_width: Option<u32>,
    /// `reg-offset`: bytes from the window's start to the first register.
    pub offset: u32,
}

/// The facts of one enabled device-tree node. Borrowed from the tree reader.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeviceNode<'a> {
    /// The full path, `/pl011@9000000`.
    pub path: &'a str,
    /// The `compatible` strings, most specific first.
    pub compatible: &'a [&'a str],
    /// The `reg` windows, translated to physical addresses by the parents' `ranges`.
    pub reg: &'a [PhysRange],
    /// The node has `dma-coherent`, or inherits it.
    pub dma_coherent: bool,
    /// `reg-shift` and its kin.
    pub layout: RegisterLayout,
    /// `bus-width`: data lines of a memory card's slot.
    pub bus_width: Option<u32>,
    /// The rate of its first clock in Hz, where the tree says: `clock-frequency`, or `clocks` that
    /// leads to a `fixed-clock`.
    pub clock: Option<u32>,
    /// `current-speed`: the rate in baud that whoever was here before set a serial line to.
    pub current_speed: Option<u32>,
}

impl DeviceNode<'_> {
    /// Tells whether one of the node's `compatible` strings is in `table`.
    pub fn matches(&self, table: &[&str]) -> bool {
        self.compatible.iter().any(|name| table.contains(name))
    }
}
