//! From a device tree's `reg` window to a pointer at typed registers.

use core::fmt;
use core::ptr::NonNull;

use platform_api::{DeviceNode, PhysRange};

/// Why a `reg` window cannot hold a device's registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowError {
    /// The node has no such `reg` entry.
    Missing {
        /// Which entry, from 0.
        index: usize,
    },
    /// The registers do not fit.
    TooSmall {
        /// The window.
        window: PhysRange,
        /// Bytes the registers take.
        need: usize,
    },
    /// The window starts at 0, off a word boundary, or beyond this processor's pointers.
    Unaddressable(PhysRange),
}

impl fmt::Display for WindowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { index } => write!(f, "no reg entry {index}"),
            Self::TooSmall { window, need } => {
                write!(
                    f,
                    "reg {window} is smaller than the device, {need:#x} bytes"
                )
            }
            Self::Unaddressable(window) => write!(f, "reg {window} cannot be addressed"),
        }
    }
}

impl core::error::Error for WindowError {}

/// Returns entry `index` of the node's `reg` as a pointer to registers of type `T`, and the
/// window's size in bytes. Device memory is identity-mapped, so the pointer is the address.
///
/// Making the pointer is safe; using it is not.
pub(crate) fn registers<T>(
    node: &DeviceNode<'_>,
    index: usize,
) -> Result<(NonNull<T>, usize), WindowError> {
    let window = *node.reg.get(index).ok_or(WindowError::Missing { index })?;
    let unaddressable = WindowError::Unaddressable(window);
    let start = usize::try_from(window.start().as_u64()).map_err(|_| unaddressable)?;
    let size = usize::try_from(window.size()).map_err(|_| unaddressable)?;
    if size < size_of::<T>() {
        return Err(WindowError::TooSmall {
            window,
            need: size_of::<T>(),
        });
    }
    let pointer = NonNull::new(core::ptr::with_exposed_provenance_mut::<T>(start));
    match pointer {
        Some(pointer) if pointer.is_aligned() => Ok((pointer, size)),
        _ => Err(unaddressable),
    }
}

/// Reads a register.
///
/// # Safety
/// `address` is a device's register, mapped as device memory (or the MMU is off), that may be
/// read by bytes or else, then 4-byte aligned, by words.
pub(crate) unsafe fn read(address: usize, bytes: bool) -> u32 {
    // SAFETY: the caller's word.
    unsafe {
        if bytes {
            u32::from(core::ptr::with_exposed_provenance::<u8>(address).read_volatile())
        } else {
            core::ptr::with_exposed_provenance::<u32>(address).read_volatile()
        }
    }
}

/// Writes a register.
///
/// # Safety
/// As [`read`].
pub(crate) unsafe fn write(address: usize, value: u32, bytes: bool) {
    // SAFETY: the caller's word.
    unsafe {
        if bytes {
            let [low, ..] = value.to_le_bytes();
            core::ptr::with_exposed_provenance_mut::<u8>(address).write_volatile(low);
        } else {
            core::ptr::with_exposed_provenance_mut::<u32>(address).write_volatile(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform_api::PhysAddr;

    fn lookup(start: u64, size: u64) -> Result<(NonNull<[u32; 4]>, usize), WindowError> {
        let window = PhysRange::from_size(PhysAddr::new(start), size).unwrap();
        let node = DeviceNode {
            path: "/x",
            compatible: &[],
            reg: &[window],
            ..DeviceNode::default()
        };
        registers(&node, 0)
    }

    #[test]
    fn takes_a_window_that_fits() {
        let (pointer, size) = lookup(0x1000, 0x20).unwrap();
        assert_eq!((pointer.as_ptr() as usize, size), (0x1000, 0x20));
    }

    #[test]
    fn names_what_is_wrong_with_a_window() {
        assert!(matches!(
            lookup(0x1000, 12),
            Err(WindowError::TooSmall { need: 16, .. })
        ));
        assert!(matches!(lookup(0, 16), Err(WindowError::Unaddressable(_))));
        assert!(matches!(
            lookup(0x1002, 16),
            Err(WindowError::Unaddressable(_))
        ));
        let node = DeviceNode {
            path: "/x",
            compatible: &[],
            reg: &[],
            ..DeviceNode::default()
        };
        assert_eq!(
            registers::<u32>(&node, 2),
            Err(WindowError::Missing { index: 2 })
        );
    }
}
