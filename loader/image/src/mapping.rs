//! The loader's page tables: what is mapped how.

use core::cell::UnsafeCell;

use platform_api::{CpuMode, PhysAddr, PhysRange};
use platform_armv7::{
    cpu, layout,
    mmu::{Access, MapError, Mapper, Regime, Table, enable},
};

/// Level 1, four of level 2, and level 3 for the home, uneven banks and device windows.
const TABLES: usize = 40;

/// Those that home and devices are sure to find.
const SPARE_TABLES: usize = 20;

const PAGE: u64 = 4096;
/// What one entry of level 2 maps.
const BLOCK: u64 = 2 << 20;

struct Pool(UnsafeCell<[Table; TABLES]>);

// SAFETY: only `AddressSpace::new` takes the tables, once, on the one CPU.
unsafe impl Sync for Pool {}

static POOL: Pool = Pool(UnsafeCell::new([Table::EMPTY; TABLES]));

/// The loader's view of memory.
pub struct AddressSpace {
    mapper: Mapper<'static>,
    regime: Regime,
}

impl AddressSpace {
    /// Maps RAM but `no_map`, and the loader itself, W^X, with guard pages below the stacks, and
    /// turns MMU and caches on. What is `no_map` is never mapped: the processor may read ahead
    /// wherever it is allowed to. The first stage's tree is mapped wherever it lies.
    ///
    /// # Safety
    /// Called once, at home, with the MMU off. `banks` is RAM, and `home` and `tree` lie in it.
    ///
    /// # Errors
    /// If the tables do not suffice; the MMU stays off then.
    pub unsafe fn new(
        banks: &[PhysRange],
        no_map: &[PhysRange],
        home: PhysRange,
        tree: PhysRange,
    ) -> Result<Self, MapError> {
        let regime = match cpu::mode() {
            CpuMode::Hypervisor => Regime::Hyp,
            CpuMode::Supervisor | CpuMode::SecureSupervisor => Regime::Pl1,
        };
        // SAFETY: the caller calls once, so this is the only reference.
        let tables = unsafe { &mut *POOL.0.get() };
        let base = PhysAddr::new(tables.as_ptr() as u64);
        let mut mapper = Mapper::new(tables, base, regime);
        for bank in banks {
            mapper.map(mappable(*bank), Access::Data)?;
        }
        // Blocks are split here and never later: with the MMU off no old entry can be cached, so
        // no break-before-make is needed (DDI 0406C B3.10.1).
        for range in no_map {
            for part in banks.iter().filter_map(|bank| bank.intersection(*range)) {
                // Each end may take a table. Where a hostile tree scatters so many ranges that
                // the loader's own mappings could run short, whole blocks go: faults, not reads.
                let scarce = mapper.tables_left() < SPARE_TABLES;
                let size = if scarce { BLOCK } else { PAGE };
                mapper.unmap(below_4_gib(part.align_outward(size).unwrap_or_default()))?;
            }
        }
        if no_map.iter().any(|range| range.overlaps(tree)) {
            mapper.map(tree.align_outward(PAGE).unwrap_or_default(), Access::Data)?;
        }
        mapper.map(mappable(home), Access::Data)?;
        mapper.map(layout::text(), Access::Text)?;
        mapper.map(layout::rodata(), Access::Rodata)?;
        for stack in [layout::exception_stack(), layout::stack()] {
            mapper.unmap(page_below(stack))?;
        }
        if enable::has_long_descriptors() {
            // SAFETY: MMU off and home mapped by the caller's word; the tables were written
            // with the caches off, and entry.S dropped the lines of their memory before.
            unsafe { enable::enable(mapper.root(), regime) };
        }
        Ok(Self { mapper, regime })
    }

    /// Maps a device's registers; windows in RAM are refused by being left as they are.
    ///
    /// # Errors
    /// If the window lies above 4 GiB or the tables are used up.
    pub fn map_device(&mut self, window: PhysRange) -> Result<(), MapError> {
        let pages = window
            .align_outward(PAGE)
            .ok_or(MapError::TooHigh(window))?;
        // The entries were invalid, which no TLB keeps (DDI 0406C B3.9.1): the barrier in
        // `invalidate_all` is what makes the walker see them, and is done once by the caller.
        self.mapper.map(pages, Access::Device)
    }

    /// Makes the changes since the last call take effect.
    pub fn commit(&self) {
        enable::invalidate_all(self.regime);
    }
}

/// Returns what of a range lies below 4 GiB.
fn below_4_gib(range: PhysRange) -> PhysRange {
    let limit = PhysAddr::new(1 << 32);
    PhysRange::new(range.start().min(limit), range.end().min(limit)).unwrap_or_default()
}

/// Returns the whole pages of a bank below 4 GiB.
fn mappable(bank: PhysRange) -> PhysRange {
    let limit = PhysAddr::new(1 << 32);
    let start = bank.start().align_up(PAGE).unwrap_or(limit).min(limit);
    let end = bank.end().align_down(PAGE).min(limit);
    PhysRange::new(start, end).unwrap_or_default()
}

fn page_below(range: PhysRange) -> PhysRange {
    range
        .start()
        .checked_sub(PAGE)
        .and_then(|start| PhysRange::new(start, range.start()))
        .unwrap_or_default()
}
