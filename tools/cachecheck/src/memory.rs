//! The machine's RAM as QEMU holds it: always the newest bytes, wherever a real machine would
//! have them.

use crate::{lines::LINE, walk::Memory};

/// RAM, once it is known where QEMU keeps it.
#[derive(Debug)]
pub struct Ram {
    /// The first address.
    pub start: u64,
    /// Bytes.
    pub size: u64,
    host: Option<usize>,
}

impl Ram {
    /// Describes RAM that was not found yet.
    pub fn new(start: u64, size: u64) -> Self {
        Self {
            start,
            size,
            host: None,
        }
    }

    /// Says whether it was found.
    pub fn is_found(&self) -> bool {
        self.host.is_some()
    }

    /// Says that the byte at `address` is at `host`.
    pub fn found(&mut self, address: u64, host: usize) {
        if self.contains(address, 4) {
            self.host = usize::try_from(address - self.start)
                .ok()
                .and_then(|offset| host.checked_sub(offset));
        }
    }

    /// Says whether bytes lie in RAM.
    pub fn contains(&self, address: u64, bytes: u64) -> bool {
        address >= self.start
            && address
                .checked_add(bytes)
                .is_some_and(|end| end - self.start <= self.size)
    }

    /// Returns the address of what QEMU holds at `host`.
    pub fn physical(&self, host: usize) -> Option<u64> {
        let offset = host.checked_sub(self.host?)? as u64;
        (offset < self.size).then_some(self.start + offset)
    }

    /// Reads bytes; fewer at RAM's end, none outside.
    pub fn bytes(&self, address: u64, count: usize) -> Vec<u8> {
        (0..count as u64)
            .map_while(|i| self.byte(address.checked_add(i)?))
            .collect()
    }

    /// Returns a hash of each line.
    pub fn hashes(&self) -> Vec<u64> {
        let Some(host) = self.host else {
            return Vec::new();
        };
        let lines = self.size as usize / LINE as usize;
        (0..lines).map(|line| Self::hash(host, line)).collect()
    }

    fn hash(host: usize, line: usize) -> u64 {
        const WORDS: usize = LINE as usize / 8;
        let first = (host + line * LINE as usize) as *const u64;
        // SAFETY: as in `byte`; a line is aligned, and the caller counts the lines of RAM.
        let words = unsafe { std::ptr::read_volatile(first.cast::<[u64; WORDS]>()) };
        words.iter().fold(0, |hash: u64, word| {
            (hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95)
        })
    }

    fn byte(&self, address: u64) -> Option<u8> {
        if !self.contains(address, 1) {
            return None;
        }
        let at = self.host? + (address - self.start) as usize;
        // SAFETY: QEMU maps RAM as one block for as long as it runs; `found` gave the place of one
        // of its bytes, and `address` lies in it. Another vCPU may write: hence volatile.
        Some(unsafe { std::ptr::read_volatile(at as *const u8) })
    }
}

impl Memory for Ram {
    fn word(&self, address: u64) -> Option<u32> {
        if address & 3 != 0 || !self.contains(address, 4) {
            return None;
        }
        let at = self.host? + (address - self.start) as usize;
        // SAFETY: as in `byte`, and aligned: QEMU maps RAM at a page's start.
        Some(u32::from_le(unsafe {
            std::ptr::read_volatile(at as *const u32)
        }))
    }
}
