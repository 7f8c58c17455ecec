//! Characters that arrive while a driver waits for something else.
//!
//! A receive FIFO of 16 characters is full after 1.4 ms at 115200 baud, and a disk may take
//! hundreds. So whoever waits by a clock empties the FIFO meanwhile: into a ring, since the
//! console itself is out of reach then. Loads and stores alone, no lock: a fault that ends a
//! command in the middle of it leaves nothing that is held.

use core::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

use crate::mmio;

/// The most characters taken at one look: more than any FIFO holds.
const LOOK: usize = 256;

/// A receiver to code that does not have its driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawReceiver {
    pub(super) data: usize,
    pub(super) status: usize,
    /// Registers are bytes, not words.
    pub(super) bytes: bool,
    /// A character is there if the status under this mask is `ready`.
    pub(super) mask: u32,
    pub(super) ready: u32,
    /// Bits of the status, and of the data, that make a character no character.
    pub(super) status_errors: u32,
    pub(super) data_errors: u32,
}

impl RawReceiver {
    /// Moves what has arrived into a ring, as far as there is room.
    ///
    /// # Safety
    /// The description is that of a driver's port, whose registers are still mapped as device
    /// memory.
    pub unsafe fn collect<const N: usize>(self, ring: &ReceiveRing<N>) {
        for _ in 0..LOOK {
            // SAFETY: the caller's word.
            let status = unsafe { mmio::read(self.status, self.bytes) };
            if status & self.mask != self.ready || ring.is_full() {
                return;
            }
            // SAFETY: as above.
            let data = unsafe { mmio::read(self.data, self.bytes) };
            if status & self.status_errors == 0 && data & self.data_errors == 0 {
                let [character, ..] = data.to_le_bytes();
                ring.push(character);
            }
        }
    }
}

/// Characters in order, at most `N`. For one processor that takes no interrupts.
pub struct ReceiveRing<const N: usize> {
    characters: [AtomicU8; N],
    /// How many were ever put in and taken out, modulo `usize`.
    put: AtomicUsize,
    taken: AtomicUsize,
}

impl<const N: usize> ReceiveRing<N> {
    /// Makes an empty ring; `N` must be a power of two.
    pub const fn new() -> Self {
        assert!(N.is_power_of_two());
        Self {
            characters: [const { AtomicU8::new(0) }; N],
            put: AtomicUsize::new(0),
            taken: AtomicUsize::new(0),
        }
    }

    fn place(&self, count: usize) -> Option<&AtomicU8> {
        self.characters.get(count % N)
    }

    fn is_full(&self) -> bool {
        let (put, taken) = (
            self.put.load(Ordering::Relaxed),
            self.taken.load(Ordering::Relaxed),
        );
        put.wrapping_sub(taken) >= N
    }

    /// Puts a character behind the others; it is lost where there is no room.
    pub fn push(&self, character: u8) {
        let put = self.put.load(Ordering::Relaxed);
        if let (false, Some(place)) = (self.is_full(), self.place(put)) {
            place.store(character, Ordering::Relaxed);
            self.put.store(put.wrapping_add(1), Ordering::Relaxed);
        }
    }

    /// Takes the oldest character out.
    pub fn pop(&self) -> Option<u8> {
        let taken = self.taken.load(Ordering::Relaxed);
        if taken == self.put.load(Ordering::Relaxed) {
            return None;
        }
        let character = self.place(taken)?.load(Ordering::Relaxed);
        self.taken.store(taken.wrapping_add(1), Ordering::Relaxed);
        Some(character)
    }
}

impl<const N: usize> Default for ReceiveRing<N> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn contents<const N: usize>(ring: &ReceiveRing<N>) -> Vec<u8> {
        core::iter::from_fn(|| ring.pop()).collect()
    }

    #[test]
    fn keeps_order_and_drops_the_newest() {
        let ring = ReceiveRing::<4>::new();
        for round in 0..3 {
            for character in b"abcdef" {
                ring.push(*character);
            }
            assert!(ring.is_full(), "{round}");
            assert_eq!(contents(&ring), b"abcd", "{round}");
            ring.push(b'x');
            assert_eq!(ring.pop(), Some(b'x'));
            assert_eq!(ring.pop(), None);
        }
    }

    #[test]
    fn collects_what_is_a_character() {
        // Status and data, as words; a status that never changes, as if the line never paused.
        let mut port = [0x01_u32, 0x41];
        let base = port.as_mut_ptr().expose_provenance();
        let receiver = |status_errors, data_errors| RawReceiver {
            data: base + 4,
            status: base,
            bytes: false,
            mask: 1,
            ready: 1,
            status_errors,
            data_errors,
        };
        let ring = ReceiveRing::<8>::new();
        // SAFETY: both registers are words of `port`, which lives on.
        unsafe { receiver(0x1c, 0xf00).collect(&ring) };
        assert_eq!(contents(&ring), [b'A'; 8]);
        // SAFETY: as above.
        unsafe { receiver(0x1, 0).collect(&ring) };
        assert_eq!(contents(&ring), b"");
        // SAFETY: as above.
        unsafe { receiver(0, 0x40).collect(&ring) };
        assert_eq!(contents(&ring), b"");
        // SAFETY: the status is the first word of `port`; volatile, as a device changes it.
        unsafe { port.as_mut_ptr().write_volatile(0) };
        // SAFETY: as above.
        unsafe { receiver(0, 0).collect(&ring) };
        assert_eq!(contents(&ring), b"");
    }
}
