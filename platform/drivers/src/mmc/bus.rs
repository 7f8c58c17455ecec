//! A host's registers, all of them words, and data moved through one of them.

use crate::mmio;

/// Access to registers by their offset in bytes.
pub trait Bus {
    /// Reads a register.
    fn get(&self, offset: usize) -> u32;

    /// Writes a register.
    fn set(&self, offset: usize, value: u32);

    /// Returns what a bus master calls memory that is mapped at `address`; `None` if it cannot
    /// reach it.
    fn bus_address(&self, address: usize) -> Option<u32> {
        u32::try_from(address).ok()
    }
}

/// Registers in memory, at a physical address.
#[derive(Clone, Copy, Debug)]
pub struct Mmio(usize);

impl Mmio {
    /// Takes the registers from `base` on.
    ///
    /// # Safety
    /// From `base` on there is a device's window, mapped as device memory as long as the value or
    /// a copy of it is used; its registers may be read and written as words, and offsets in use
    /// are multiples of 4 within it.
    pub const unsafe fn new(base: usize) -> Self {
        Self(base)
    }
}

impl Bus for Mmio {
    fn get(&self, offset: usize) -> u32 {
        // SAFETY: `new`'s caller vouched for the window and for the offsets.
        unsafe { mmio::read(self.0 + offset, false) }
    }

    fn set(&self, offset: usize, value: u32) {
        // SAFETY: as in `get`.
        unsafe { mmio::write(self.0 + offset, value, false) }
    }
}

/// Fills `buffer` with words, the first byte in the lowest bits; of a last word that does not fit
/// whole, the low bytes.
pub(super) fn fill(buffer: &mut [u8], mut next: impl FnMut() -> u32) {
    // SAFETY: every pattern of bits is a u32.
    let (start, words, _) = unsafe { buffer.align_to_mut::<u32>() };
    if start.is_empty() {
        for word in words {
            *word = u32::from_le(next());
        }
    }
    let done = if buffer.as_ptr().addr().is_multiple_of(4) {
        buffer.len() & !3
    } else {
        0
    };
    for bytes in buffer.get_mut(done..).unwrap_or_default().chunks_mut(4) {
        let word = next().to_le_bytes();
        for (place, byte) in bytes.iter_mut().zip(word) {
            *place = byte;
        }
    }
}

/// Takes `buffer` apart into words, as [`fill`] puts one together; zeros fill up the last.
pub(super) fn drain(buffer: &[u8], mut put: impl FnMut(u32)) {
    for bytes in buffer.chunks(4) {
        let mut word = [0; 4];
        for (place, byte) in word.iter_mut().zip(bytes) {
            *place = *byte;
        }
        put(u32::from_le_bytes(word));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_words_and_words_bytes_wherever_they_lie() {
        #[repr(align(4))]
        struct Aligned([u8; 16]);
        for (from, to) in [(0, 8), (1, 9), (4, 11), (3, 4), (0, 0)] {
            let mut place = Aligned([0xee; 16]);
            let mut count: u32 = 0;
            fill(&mut place.0[from..to], || {
                count += 1;
                0x0302_0100 + (count - 1) * 0x0404_0404
            });
            let expected: Vec<u8> = (0..).take(to - from).collect();
            assert_eq!(place.0[from..to], expected);
            assert!(place.0[to..].iter().all(|&byte| byte == 0xee));
            let mut words = Vec::new();
            drain(&place.0[from..to], |word| words.push(word));
            let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
            assert_eq!(bytes[..to - from], expected);
            assert_eq!(words.len(), (to - from).div_ceil(4));
        }
    }
}
