//! Physical memory behind the loader's 1 to 1 mapping.

use alloc::vec::Vec;
use core::{
    arch::asm,
    slice::{from_raw_parts, from_raw_parts_mut},
};

use platform_api::{MemoryError, PhysAddr, PhysRange, PhysicalMemory, Width};

/// Memory that slices and writes are not granted in.
pub struct Owned {
    /// The bytes.
    pub range: PhysRange,
    /// Whose they are.
    pub owner: &'static str,
    /// The loader's own: not even a single write is let through, nor a slice to read, which
    /// could alias a live reference.
    pub loader: bool,
}

/// The machine's memory.
pub struct MappedMemory {
    /// Mapped RAM, sorted, merged.
    pub ram: Vec<PhysRange>,
    /// What is somebody's.
    pub owned: Vec<Owned>,
}

impl MappedMemory {
    fn check(&self, range: PhysRange, loader_only: bool) -> Result<(), MemoryError> {
        if !self.ram.iter().any(|bank| bank.contains_range(range)) {
            return Err(MemoryError::NotRam(range));
        }
        self.check_owned(range, loader_only)
    }

    fn check_owned(&self, range: PhysRange, loader_only: bool) -> Result<(), MemoryError> {
        let owned = self
            .owned
            .iter()
            .find(|owned| (owned.loader || !loader_only) && owned.range.overlaps(range));
        match owned {
            None => Ok(()),
            Some(owned) => Err(MemoryError::Owned {
                range,
                by: owned.range,
                owner: owned.owner,
            }),
        }
    }
}

fn parts(range: PhysRange) -> Result<(u32, usize), MemoryError> {
    let unaddressable = MemoryError::Unaddressable(range.end());
    let start = range.start().as_u32().ok_or(unaddressable)?;
    let size = usize::try_from(range.size()).map_err(|_| unaddressable)?;
    Ok((start, size))
}

impl PhysicalMemory for MappedMemory {
    fn bytes(&self, range: PhysRange) -> Result<&[u8], MemoryError> {
        self.check(range, true)?;
        let (start, size) = parts(range)?;
        // SAFETY: the range is mapped RAM outside the loader, so no Rust object lives there;
        // writes to it need `&mut self`.
        Ok(unsafe { from_raw_parts(start as *const u8, size) })
    }

    fn bytes_mut(&mut self, range: PhysRange) -> Result<&mut [u8], MemoryError> {
        self.check(range, false)?;
        let (start, size) = parts(range)?;
        // SAFETY: as above, and `&mut self` makes this the only slice.
        Ok(unsafe { from_raw_parts_mut(start as *mut u8, size) })
    }

    fn read(&self, address: PhysAddr, width: Width) -> Result<u64, MemoryError> {
        let at = address
            .as_u32()
            .ok_or(MemoryError::Unaddressable(address))?;
        let low: u32;
        let mut high: u32 = 0;
        // SAFETY: one load of exactly this width. A bad address faults, and the guard around
        // every command brings the fault back to the prompt. A device's register may change
        // by being read: that is what was asked for.
        unsafe {
            match width {
                Width::Byte => asm!("ldrb {}, [{}]", out(reg) low, in(reg) at, options(nostack)),
                Width::Half => asm!("ldrh {}, [{}]", out(reg) low, in(reg) at, options(nostack)),
                Width::Word => asm!("ldr {}, [{}]", out(reg) low, in(reg) at, options(nostack)),
                Width::Double => asm!("ldrd r2, r3, [{}]", in(reg) at,
                    out("r2") low, out("r3") high, options(nostack)),
            }
        }
        Ok(u64::from(low) | u64::from(high) << 32)
    }

    #[expect(clippy::cast_possible_truncation, reason = "truncated to the width")]
    fn write(&mut self, address: PhysAddr, width: Width, value: u64) -> Result<(), MemoryError> {
        let unaddressable = MemoryError::Unaddressable(address);
        let at = address.as_u32().ok_or(unaddressable)?;
        let range = PhysRange::from_size(address, width.bytes()).ok_or(unaddressable)?;
        self.check_owned(range, true)?;
        let (low, high) = (value as u32, (value >> 32) as u32);
        // SAFETY: one store of exactly this width, not to the loader's own memory. Otherwise as
        // for reading.
        unsafe {
            match width {
                Width::Byte => asm!("strb {}, [{}]", in(reg) low, in(reg) at, options(nostack)),
                Width::Half => asm!("strh {}, [{}]", in(reg) low, in(reg) at, options(nostack)),
                Width::Word => asm!("str {}, [{}]", in(reg) low, in(reg) at, options(nostack)),
                Width::Double => asm!("strd r2, r3, [{}]", in(reg) at,
                    in("r2") low, in("r3") high, options(nostack)),
            }
        }
        Ok(())
    }

    fn keep(&mut self, range: PhysRange, owner: &'static str) {
        self.owned.push(Owned {
            range,
            owner,
            loader: false,
        });
    }

    fn release(&mut self, range: PhysRange) {
        let same = |owned: &Owned| !owned.loader && owned.range == range;
        if let Some(at) = self.owned.iter().rposition(same) {
            self.owned.remove(at);
        }
    }
}
