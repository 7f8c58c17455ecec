//! Physical addresses and half-open ranges with checked arithmetic.

use core::fmt;

/// A physical address in bytes. 64 bits wide: LPAE machines have RAM above 4 GiB.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PhysAddr(u64);

impl PhysAddr {
    /// Wraps a raw address.
    pub const fn new(address: u64) -> Self {
        Self(address)
    }

    /// Returns the raw address.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Returns the address as 32 bits, or `None` if it lies at or above 4 GiB.
    pub fn as_u32(self) -> Option<u32> {
        u32::try_from(self.0).ok()
    }

    /// Adds `offset` bytes, or returns `None` on overflow.
    pub fn checked_add(self, offset: u64) -> Option<Self> {
        self.0.checked_add(offset).map(Self)
    }

    /// Subtracts `offset` bytes, or returns `None` below zero.
    pub fn checked_sub(self, offset: u64) -> Option<Self> {
        self.0.checked_sub(offset).map(Self)
    }

    /// Rounds up to `alignment` (a power of two), or returns `None` on overflow or if it is not
    /// a power of two.
    pub fn align_up(self, alignment: u64) -> Option<Self> {
        if !alignment.is_power_of_two() {
            return None;
        }
        let mask = alignment - 1;
        Some(Self(self.0.checked_add(mask)? & !mask))
    }

    /// Rounds down to `alignment`, a power of two; any other value leaves the address as it is.
    pub const fn align_down(self, alignment: u64) -> Self {
        if alignment.is_power_of_two() {
            Self(self.0 & !(alignment - 1))
        } else {
            self
        }
    }

    /// Tells whether the address is a multiple of `alignment` (a power of two).
    pub const fn is_aligned(self, alignment: u64) -> bool {
        self.align_down(alignment).0 == self.0
    }
}

impl fmt::Display for PhysAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

impl fmt::Debug for PhysAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<u32> for PhysAddr {
    fn from(address: u32) -> Self {
        Self(u64::from(address))
    }
}

/// A half-open range of physical addresses, `start <= end`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PhysRange {
    start: PhysAddr,
    end: PhysAddr,
}

impl PhysRange {
    /// Makes `start..end`, or `None` if `end` lies below `start`.
    pub fn new(start: PhysAddr, end: PhysAddr) -> Option<Self> {
        (start <= end).then_some(Self { start, end })
    }

    /// Makes the range of `size` bytes at `start`, or `None` if its end overflows.
    pub fn from_size(start: PhysAddr, size: u64) -> Option<Self> {
        Some(Self {
            start,
            end: start.checked_add(size)?,
        })
    }

    /// Returns the first address.
    pub const fn start(self) -> PhysAddr {
        self.start
    }

    /// Returns the first address after the range.
    pub const fn end(self) -> PhysAddr {
        self.end
    }

    /// Returns the size in bytes.
    pub const fn size(self) -> u64 {
        self.end.0 - self.start.0
    }

    /// Tells whether the range holds no byte.
    pub const fn is_empty(self) -> bool {
        self.start.0 == self.end.0
    }

    /// Tells whether `address` lies inside.
    pub fn contains(self, address: PhysAddr) -> bool {
        self.start <= address && address < self.end
    }

    /// Tells whether every byte of `other` lies inside.
    pub fn contains_range(self, other: PhysRange) -> bool {
        self.start <= other.start && other.end <= self.end
    }

    /// Tells whether the two share a byte.
    pub fn overlaps(self, other: PhysRange) -> bool {
        self.intersection(other).is_some()
    }

    /// Returns the shared bytes, or `None` if there are none.
    pub fn intersection(self, other: PhysRange) -> Option<PhysRange> {
        let start = self.start.max(other.start);
        let end = self.end.min(other.end);
        (start < end).then_some(PhysRange { start, end })
    }

    /// Widens to multiples of `alignment` (a power of two), or `None` on overflow.
    pub fn align_outward(self, alignment: u64) -> Option<PhysRange> {
        Some(PhysRange {
            start: self.start.align_down(alignment),
            end: self.end.align_up(alignment)?,
        })
    }
}

impl fmt::Display for PhysRange {
    /// Prints `[first..last]` as U-Boot's `bdinfo` does, the last address inclusive.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = if self.is_empty() {
            self.end
        } else {
            PhysAddr(self.end.0 - 1)
        };
        write!(f, "[{}-{}]", self.start, last)
    }
}

impl fmt::Debug for PhysRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(start: u64, end: u64) -> PhysRange {
        PhysRange::new(PhysAddr::new(start), PhysAddr::new(end)).unwrap()
    }

    #[test]
    fn refuses_what_overflows() {
        assert!(PhysRange::from_size(PhysAddr::new(u64::MAX), 1).is_none());
        assert!(PhysRange::new(PhysAddr::new(2), PhysAddr::new(1)).is_none());
        assert!(PhysAddr::new(u64::MAX).align_up(4096).is_none());
        assert!(PhysAddr::new(1).align_up(3).is_none());
    }

    #[test]
    fn touching_ranges_do_not_overlap() {
        assert!(!range(0, 16).overlaps(range(16, 32)));
        assert_eq!(
            range(0, 17).intersection(range(16, 32)),
            Some(range(16, 17))
        );
        assert!(!range(8, 8).overlaps(range(0, 16)));
    }
}
