//! Physical memory in a vector.

use platform_api::{MemoryError, PhysAddr, PhysRange, PhysicalMemory, Width};

use crate::FaultMarker;

/// RAM at a base address, some of it owned. Everything else is a hole: a single access to it
/// faults, as does an unaligned one, and a borrow of it is refused.
#[derive(Clone, Debug)]
pub struct FakeMemory {
    ram: PhysRange,
    bytes: Vec<u8>,
    owned: Vec<(PhysRange, &'static str)>,
    kept: Vec<(PhysRange, &'static str)>,
}

impl FakeMemory {
    /// Makes `size` bytes of zeroed RAM at `base`. An end past 2^64 gives no RAM at all.
    pub fn new(base: u64, size: usize) -> Self {
        let ram = PhysRange::from_size(PhysAddr::new(base), size as u64).unwrap_or_default();
        Self {
            ram,
            bytes: vec![0; ram.size() as usize],
            owned: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// Marks `range` as belonging to `owner`: it can be read but not written.
    pub fn own(&mut self, range: PhysRange, owner: &'static str) {
        self.owned.push((range, owner));
    }

    /// Returns where the RAM is.
    pub fn ram(&self) -> PhysRange {
        self.ram
    }

    /// Writes `content` at `address`, whoever owns it. What is outside RAM is dropped.
    pub fn fill(&mut self, address: u64, content: &[u8]) {
        let range = PhysRange::from_size(PhysAddr::new(address), content.len() as u64);
        let slot = range.and_then(|range| self.slot(range));
        if let Some(place) = slot.and_then(|slot| self.bytes.get_mut(slot)) {
            place.copy_from_slice(content);
        }
    }

    fn slot(&self, range: PhysRange) -> Option<std::ops::Range<usize>> {
        let base = self.ram.start().as_u64();
        self.ram.contains_range(range).then(|| {
            let start = (range.start().as_u64() - base) as usize;
            start..start + range.size() as usize
        })
    }

    fn check_owner(&self, range: PhysRange) -> Result<(), MemoryError> {
        check(&self.owned, range)
    }

    /// Returns the bytes of one access, or faults.
    fn access(&self, address: PhysAddr, width: Width) -> (PhysRange, std::ops::Range<usize>) {
        let found = PhysRange::from_size(address, width.bytes())
            .filter(|_| address.is_aligned(width.bytes()))
            .and_then(|range| Some((range, self.slot(range)?)));
        found.unwrap_or_else(|| FaultMarker::raise(address))
    }
}

fn check(owned: &[(PhysRange, &'static str)], range: PhysRange) -> Result<(), MemoryError> {
    match owned.iter().find(|(by, _)| by.overlaps(range)) {
        Some(&(by, owner)) => Err(MemoryError::Owned { range, by, owner }),
        None => Ok(()),
    }
}

impl PhysicalMemory for FakeMemory {
    fn bytes(&self, range: PhysRange) -> Result<&[u8], MemoryError> {
        self.slot(range)
            .and_then(|slot| self.bytes.get(slot))
            .ok_or(MemoryError::NotRam(range))
    }

    fn bytes_mut(&mut self, range: PhysRange) -> Result<&mut [u8], MemoryError> {
        self.check_owner(range)?;
        check(&self.kept, range)?;
        self.slot(range)
            .and_then(|slot| self.bytes.get_mut(slot))
            .ok_or(MemoryError::NotRam(range))
    }

    fn read(&self, address: PhysAddr, width: Width) -> Result<u64, MemoryError> {
        let (_, slot) = self.access(address, width);
        let bytes = self.bytes.get(slot).unwrap_or_default();
        Ok(bytes
            .iter()
            .rev()
            .fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    fn write(&mut self, address: PhysAddr, width: Width, value: u64) -> Result<(), MemoryError> {
        let (range, slot) = self.access(address, width);
        self.check_owner(range)?;
        for (place, byte) in self
            .bytes
            .get_mut(slot)
            .unwrap_or_default()
            .iter_mut()
            .zip(value.to_le_bytes())
        {
            *place = byte;
        }
        Ok(())
    }

    fn keep(&mut self, range: PhysRange, owner: &'static str) {
        self.kept.push((range, owner));
    }

    fn release(&mut self, range: PhysRange) {
        if let Some(at) = self.kept.iter().rposition(|(kept, _)| *kept == range) {
            self.kept.remove(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FakeGuard;
    use platform_api::{Fault, Guard};

    fn range(start: u64, size: u64) -> PhysRange {
        PhysRange::from_size(PhysAddr::new(start), size).unwrap()
    }

    #[test]
    fn reads_back_little_endian() {
        let mut memory = FakeMemory::new(0x4000_0000, 64);
        let at = PhysAddr::new(0x4000_0008);
        memory
            .write(at, Width::Double, 0x1122_3344_5566_7788)
            .unwrap();
        assert_eq!(memory.read(at, Width::Half).unwrap(), 0x7788);
        assert_eq!(
            memory.read(at, Width::Double).unwrap(),
            0x1122_3344_5566_7788
        );
        memory.fill(0x4000_0000, &[1, 2]);
        assert_eq!(memory.bytes(range(0x4000_0000, 3)).unwrap(), [1, 2, 0]);
    }

    #[test]
    fn holes_and_odd_addresses_fault() {
        let memory = FakeMemory::new(0x1000, 16);
        for address in [0, 0xffe, 0x1002, 0x1010, u64::MAX] {
            let fault = FakeGuard.run(&mut || {
                let _ = memory.read(PhysAddr::new(address), Width::Word);
            });
            assert_eq!(fault, Err(Fault), "{address:#x}");
        }
    }

    #[test]
    fn kept_memory_is_written_singly() {
        let mut memory = FakeMemory::new(0x1000, 64);
        let kept = range(0x1010, 16);
        memory.keep(kept, "staged");
        assert!(memory.bytes_mut(kept).is_err());
        assert!(memory.bytes(kept).is_ok());
        assert!(memory.write(kept.start(), Width::Byte, 1).is_ok());
        memory.release(range(0x1010, 8));
        assert!(memory.bytes_mut(kept).is_err());
        memory.release(kept);
        assert!(memory.bytes_mut(kept).is_ok());
    }

    #[test]
    fn owned_memory_is_read_only() {
        let mut memory = FakeMemory::new(0x1000, 64);
        memory.own(range(0x1010, 16), "the loader");
        assert!(memory.bytes(range(0x1000, 64)).is_ok());
        assert!(memory.bytes_mut(range(0x1000, 16)).is_ok());
        assert!(matches!(
            memory.bytes_mut(range(0x1000, 17)),
            Err(MemoryError::Owned {
                owner: "the loader",
                ..
            })
        ));
        assert!(memory.write(PhysAddr::new(0x1010), Width::Byte, 1).is_err());
        assert!(memory.bytes(range(0x1000, 65)).is_err());
    }
}
