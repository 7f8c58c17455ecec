//! Watchdogs.
//!
//! A driver is the address of its registers: it can be copied to whoever kicks, and to the
//! handoff. Probing one changes nothing: the first stage may have started it on purpose.

use core::fmt;

use platform_api::DeviceNode;

use crate::mmio::{self, WindowError};

pub mod bcm2835;
pub mod sp805;
pub mod sunxi;

/// Why a node is no watchdog of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeError {
    /// The registers.
    Window(WindowError),
    /// The tree leads to no clock of a known rate.
    NoClock,
}

impl fmt::Display for ProbeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window(error) => error.fmt(f),
            Self::NoClock => f.write_str("the rate of its clock is not known"),
        }
    }
}

impl core::error::Error for ProbeError {}

impl From<WindowError> for ProbeError {
    fn from(error: WindowError) -> Self {
        Self::Window(error)
    }
}

/// Registers of 32 bits, by their offsets.
#[derive(Clone, Copy, Debug)]
struct Words {
    base: usize,
}

impl Words {
    /// Takes the first window of `node`, which must hold `size` bytes.
    ///
    /// # Safety
    /// It is the device's, mapped as device memory at its physical address for as long as the
    /// value is used.
    unsafe fn new<const SIZE: usize>(node: &DeviceNode<'_>) -> Result<Self, WindowError> {
        let (registers, _) = mmio::registers::<[u32; SIZE]>(node, 0)?;
        let base = registers.as_ptr().expose_provenance();
        Ok(Self { base })
    }

    fn get(self, offset: u32) -> u32 {
        // SAFETY: `new`'s caller vouched for the window; the offsets are constants of the
        // drivers, word-aligned and inside the size that `new` was asked for.
        unsafe { mmio::read(self.address(offset), false) }
    }

    fn set(self, offset: u32, value: u32) {
        // SAFETY: as in `get`.
        unsafe { mmio::write(self.address(offset), value, false) }
    }

    fn address(self, offset: u32) -> usize {
        self.base + usize::try_from(offset).unwrap_or(0)
    }
}

/// Memory that poses as the registers of a device.
#[cfg(test)]
pub(crate) mod testing {
    use platform_api::{DeviceNode, PhysAddr, PhysRange};

    /// A leaked page: it is in use by address.
    #[derive(Clone, Copy)]
    pub struct Page(usize);

    impl Page {
        pub fn new() -> Self {
            let page = Box::leak(Box::new([0_u32; 0x400]));
            Self(page.as_mut_ptr().expose_provenance())
        }

        /// Offsets are what the drivers' constants are, or a plain number.
        fn pointer(self, offset: impl TryInto<usize>) -> *mut u32 {
            let offset = offset.try_into().unwrap_or(usize::MAX);
            assert!(offset < 0x1000 && offset.is_multiple_of(4));
            core::ptr::with_exposed_provenance_mut(self.0 + offset)
        }

        pub fn get(self, offset: impl TryInto<usize>) -> u32 {
            // SAFETY: the page is leaked and aligned, `pointer` checks the offset.
            unsafe { self.pointer(offset).read_volatile() }
        }

        pub fn set(self, offset: impl TryInto<usize>, value: u32) {
            // SAFETY: as in `get`.
            unsafe { self.pointer(offset).write_volatile(value) }
        }

        /// Lends a node whose window is the page.
        pub fn node<R>(
            self,
            compatible: &[&str],
            clock: Option<u32>,
            body: impl FnOnce(&DeviceNode<'_>) -> R,
        ) -> R {
            let window = PhysRange::from_size(PhysAddr::new(self.0 as u64), 0x1000).unwrap();
            body(&DeviceNode {
                path: "/device",
                compatible,
                reg: &[window],
                clock,
                ..DeviceNode::default()
            })
        }
    }
}
