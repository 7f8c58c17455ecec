//! Numbers in properties: big-endian cells of 32 bits.

use platform_api::{PhysAddr, PhysRange};

/// How many cells an address and a size take in the children of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cells {
    /// `#address-cells`.
    pub address: u32,
    /// `#size-cells`.
    pub size: u32,
}

impl Default for Cells {
    /// The specification's defaults (section 2.3.5).
    fn default() -> Self {
        Self {
            address: 2,
            size: 1,
        }
    }
}

/// More cells than any bus has; a larger count is a broken tree.
pub const MAX_CELLS: u32 = 4;

/// Reads a number of any width; `None` if it is empty, not whole cells, or above 64 bits.
pub fn number(bytes: &[u8]) -> Option<u64> {
    let (cells, []) = bytes.as_chunks::<4>() else {
        return None;
    };
    let (first, rest) = cells.split_first()?;
    let mut value = u64::from(u32::from_be_bytes(*first));
    for cell in rest {
        if value >> 32 != 0 {
            return None;
        }
        value = value << 32 | u64::from(u32::from_be_bytes(*cell));
    }
    Some(value)
}

/// Reads a property of one cell.
pub fn cell(bytes: &[u8]) -> Option<u32> {
    <[u8; 4]>::try_from(bytes).ok().map(u32::from_be_bytes)
}

impl Cells {
    /// Returns the bytes that `cells` cells take.
    pub(super) fn bytes(cells: u32) -> Option<usize> {
        (cells <= MAX_CELLS).then(|| usize::try_from(cells).map_or(0, |count| count * 4))
    }

    /// Iterates over the (address, size) pairs of a `reg`; an item is `None` where a number is
    /// wider than 64 bits or the end overflows. A size of no cells reads as 0.
    pub fn ranges(self, value: &[u8]) -> impl Iterator<Item = Option<PhysRange>> + '_ {
        let address = Self::bytes(self.address).unwrap_or(0);
        let size = Self::bytes(self.size).unwrap_or(0);
        // `chunks_exact` panics at 0: a bus without addresses has no ranges.
        let (value, step) = if address == 0 {
            (&[][..], 1)
        } else {
            (value, address + size)
        };
        value.chunks_exact(step).map(move |entry| {
            let (start, length) = entry.split_at_checked(address)?;
            let length = if size == 0 { 0 } else { number(length)? };
            PhysRange::from_size(PhysAddr::new(number(start)?), length)
        })
    }

    /// Tells whether `value` is a whole number of (address, size) pairs.
    pub fn divides(self, value: &[u8]) -> bool {
        match (Self::bytes(self.address), Self::bytes(self.size)) {
            (Some(address), Some(size)) if address > 0 => {
                value.len().is_multiple_of(address + size)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn numbers_of_any_width() {
        assert_eq!(number(&[0, 0, 0, 1]), Some(1));
        assert_eq!(number(&[0, 0, 0, 1, 0, 0, 0, 2]), Some(0x1_0000_0002));
        assert_eq!(number(&[0; 12]), Some(0));
        assert_eq!(number(&[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(number(&[]), None);
        assert_eq!(number(&[0, 0, 1]), None);
    }

    #[test]
    fn ranges_refuse_what_cannot_be() {
        let cells = |address, size| Cells { address, size };
        let value = [0, 0, 0, 1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff];
        let found: Vec<_> = cells(1, 1).ranges(&value).collect();
        assert_eq!(found, [PhysRange::from_size(PhysAddr::new(1), 2)]);
        assert!(!cells(1, 1).divides(&value));
        assert!(cells(1, 2).divides(&value));
        // No address, too many cells: nothing, and no division by zero.
        assert_eq!(cells(0, 0).ranges(&value).count(), 0);
        assert_eq!(cells(u32::MAX, 1).ranges(&value).count(), 0);
        assert!(!cells(0, 0).divides(&value));
        // The end overflows.
        let top = [0xff; 16];
        assert_eq!(cells(2, 2).ranges(&top).collect::<Vec<_>>(), [None]);
    }
}
