//! Builds identity-mapped tables from a fixed pool.

use core::fmt;

use platform_api::{PhysAddr, PhysRange};

use super::descriptor::{self, Access, Regime};

const PAGE: u64 = 1 << 12;
const BLOCK: u64 = 1 << 21;
const GIB: u64 = 1 << 30;
const ENTRIES: usize = 512;

/// One 4 KiB translation table.
#[repr(C, align(4096))]
#[derive(Clone)]
pub struct Table([u64; ENTRIES]);

impl Table {
    /// A table that maps nothing.
    pub const EMPTY: Table = Table([descriptor::INVALID; ENTRIES]);

    /// Iterates over the descriptors, for who reads tables back.
    #[cfg(test)]
    pub(crate) fn words(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().copied()
    }
}

/// Why a range was not mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// The range does not start and end on 4 KiB.
    Unaligned(PhysRange),
    /// The range does not lie below 4 GiB.
    TooHigh(PhysRange),
    /// The pool of tables is used up.
    OutOfTables(PhysRange),
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unaligned(range) => write!(f, "{range} is not whole pages"),
            Self::TooHigh(range) => write!(f, "{range} is not below 4 GiB"),
            Self::OutOfTables(range) => write!(f, "no page table left to map {range}"),
        }
    }
}

impl core::error::Error for MapError {}

/// Identity mappings of the 32-bit address space in long-descriptor tables.
///
/// Table 0 is level 1 (four entries of 1 GiB); the rest of the pool becomes level-2 and level-3
/// tables as they are needed. The page at address 0 is never mapped.
pub struct Mapper<'a> {
    tables: &'a mut [Table],
    used: usize,
    base: u64,
    regime: Regime,
}

impl<'a> Mapper<'a> {
    /// Starts with empty tables. `tables` lies at physical address `base` and holds zeroes.
    pub fn new(tables: &'a mut [Table], base: PhysAddr, regime: Regime) -> Self {
        Self {
            tables,
            used: 1,
            base: base.as_u64(),
            regime,
        }
    }

    /// Returns the level-1 table's address, for TTBR0 or HTTBR.
    pub fn root(&self) -> PhysAddr {
        PhysAddr::new(self.base)
    }

    /// Returns how many tables of the pool are not in use.
    pub fn tables_left(&self) -> usize {
        self.tables.len() - self.used
    }

    /// Maps `range`, replacing what was mapped there.
    ///
    /// # Errors
    /// See [`MapError`]; what came before the failing page is mapped.
    pub fn map(&mut self, range: PhysRange, access: Access) -> Result<(), MapError> {
        self.set(range, Some(access))
    }

    /// Makes every access to `range` fault.
    ///
    /// # Errors
    /// As [`Mapper::map`].
    pub fn unmap(&mut self, range: PhysRange) -> Result<(), MapError> {
        self.set(range, None)
    }

    /// Tells whether the page of `address` is mapped.
    pub fn is_mapped(&self, address: PhysAddr) -> bool {
        let at = address.as_u64();
        if at >= 4 * GIB {
            return false;
        }
        let mut entry = self.entry(0, index(at, GIB));
        for size in [BLOCK, PAGE] {
            if !descriptor::is_table(entry) {
                return descriptor::is_valid(entry);
            }
            entry = self.entry(self.table_of(entry), index(at, size));
        }
        descriptor::is_valid(entry)
    }

    fn set(&mut self, range: PhysRange, access: Option<Access>) -> Result<(), MapError> {
        let (mut at, end) = (range.start().as_u64(), range.end().as_u64());
        if at % PAGE != 0 || end % PAGE != 0 {
            return Err(MapError::Unaligned(range));
        }
        if end > 4 * GIB {
            return Err(MapError::TooHigh(range));
        }
        if at == 0 {
            at = PAGE;
        }
        let out_of_tables = MapError::OutOfTables(range);
        while at < end {
            let level2 = self
                .next_table(0, index(at, GIB), GIB)
                .ok_or(out_of_tables)?;
            let slot = index(at, BLOCK);
            let whole_block = at % BLOCK == 0 && end - at >= BLOCK;
            if whole_block && !descriptor::is_table(self.entry(level2, slot)) {
                let regime = self.regime;
                let bits = access.map_or(descriptor::INVALID, |a| descriptor::block(at, a, regime));
                self.write(level2, slot, bits);
                at += BLOCK;
            } else {
                let level3 = self.next_table(level2, slot, BLOCK).ok_or(out_of_tables)?;
                let stop = end.min((at & !(BLOCK - 1)) + BLOCK);
                while at < stop {
                    let regime = self.regime;
                    let bits =
                        access.map_or(descriptor::INVALID, |a| descriptor::page(at, a, regime));
                    self.write(level3, index(at, PAGE), bits);
                    at += PAGE;
                }
            }
        }
        Ok(())
    }

    /// Returns the number of the table below an entry, making it (and splitting a block that
    /// was there) if need be.
    fn next_table(&mut self, table: usize, slot: usize, size: u64) -> Option<usize> {
        let entry = self.entry(table, slot);
        if descriptor::is_table(entry) {
            return Some(self.table_of(entry));
        }
        let new = self.used;
        if new >= self.tables.len() {
            return None;
        }
        self.used += 1;
        if descriptor::is_valid(entry) && size == BLOCK {
            // A block and its pages differ in bit 1 and the address alone.
            for page in 0..ENTRIES {
                let offset = page as u64 * PAGE;
                self.write(new, page, (entry + offset) | 0b10);
            }
        }
        let address = self.base + new as u64 * PAGE;
        self.write(table, slot, descriptor::table(address));
        Some(new)
    }

    fn table_of(&self, entry: u64) -> usize {
        usize::try_from((descriptor::address(entry) - self.base) / PAGE).unwrap_or(usize::MAX)
    }

    fn entry(&self, table: usize, slot: usize) -> u64 {
        self.tables
            .get(table)
            .and_then(|t| t.0.get(slot))
            .copied()
            .unwrap_or(descriptor::INVALID)
    }

    fn write(&mut self, table: usize, slot: usize, value: u64) {
        if let Some(entry) = self.tables.get_mut(table).and_then(|t| t.0.get_mut(slot)) {
            *entry = value;
        }
    }
}

/// Returns the slot of `address` in a table whose entries cover `size` bytes each.
fn index(address: u64, size: u64) -> usize {
    let entries = if size == GIB { 4 } else { ENTRIES as u64 };
    usize::try_from((address / size) % entries).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    fn range(start: u64, end: u64) -> PhysRange {
        PhysRange::new(PhysAddr::new(start), PhysAddr::new(end)).unwrap()
    }

    fn pool(count: usize) -> Vec<Table> {
        vec![Table::EMPTY; count]
    }

    /// Walks as the hardware does and returns the leaf descriptor.
    fn walk(tables: &[Table], base: u64, at: u64) -> u64 {
        let number = |entry: u64| ((descriptor::address(entry) - base) / PAGE) as usize;
        let one = tables[0].0[(at / GIB) as usize];
        if !descriptor::is_table(one) {
            return one;
        }
        let two = tables[number(one)].0[(at / BLOCK % 512) as usize];
        if !descriptor::is_table(two) {
            return two;
        }
        tables[number(two)].0[(at / PAGE % 512) as usize]
    }

    #[test]
    fn maps_blocks_pages_and_holes() {
        let mut tables = pool(8);
        let base = 0x5000_0000;
        let mut mapper = Mapper::new(&mut tables, PhysAddr::new(base), Regime::Hyp);
        mapper
            .map(range(0x4000_0000, 0x8000_0000), Access::Data)
            .unwrap();
        mapper
            .map(range(0x5020_1000, 0x5020_3000), Access::Text)
            .unwrap();
        mapper.unmap(range(0x5020_3000, 0x5020_4000)).unwrap();
        assert_eq!(mapper.tables_left(), 8 - 3);
        assert!(mapper.is_mapped(PhysAddr::new(0x5020_2fff)));
        assert!(!mapper.is_mapped(PhysAddr::new(0x5020_3000)));
        assert!(!mapper.is_mapped(PhysAddr::new(0x8000_0000)));
        assert!(!mapper.is_mapped(PhysAddr::new(1 << 33)));
        assert_eq!(
            walk(&tables, base, 0x5020_0000),
            descriptor::page(0x5020_0000, Access::Data, Regime::Hyp)
        );
        assert_eq!(
            walk(&tables, base, 0x5020_1000),
            descriptor::page(0x5020_1000, Access::Text, Regime::Hyp)
        );
        assert_eq!(walk(&tables, base, 0x5020_3000), descriptor::INVALID);
        assert_eq!(
            walk(&tables, base, 0x7fe0_0000),
            descriptor::block(0x7fe0_0000, Access::Data, Regime::Hyp)
        );
    }

    /// What is never mapped leaves its neighbours mapped, blocks where they were blocks.
    #[test]
    fn holes_in_blocks_split_only_those() {
        let mut tables = pool(8);
        let base = 0x4000_0000;
        let mut mapper = Mapper::new(&mut tables, PhysAddr::new(base), Regime::Hyp);
        mapper
            .map(range(0x4000_0000, 0x8000_0000), Access::Data)
            .unwrap();
        mapper.unmap(range(0x4c0f_f000, 0x4c40_1000)).unwrap();
        assert_eq!(mapper.tables_left(), 8 - 4);
        for (at, mapped) in [
            (0x4c0f_efff, true),
            (0x4c0f_f000, false),
            (0x4c20_0000, false),
            (0x4c40_0fff, false),
            (0x4c40_1000, true),
            (0x4c60_0000, true),
        ] {
            assert_eq!(mapper.is_mapped(PhysAddr::new(at)), mapped, "{at:#x}");
        }
        let after = walk(&tables, base, 0x4c60_0000);
        assert_eq!(
            after,
            descriptor::block(0x4c60_0000, Access::Data, Regime::Hyp)
        );
    }

    #[test]
    fn never_maps_address_zero() {
        let mut tables = pool(4);
        let mut mapper = Mapper::new(&mut tables, PhysAddr::new(0x1000), Regime::Pl1);
        mapper.map(range(0, 0x40_0000), Access::Data).unwrap();
        assert!(!mapper.is_mapped(PhysAddr::new(0)));
        assert!(mapper.is_mapped(PhysAddr::new(0x1000)));
        assert!(mapper.is_mapped(PhysAddr::new(0x20_0000)));
    }

    #[test]
    fn names_what_it_cannot_map() {
        let mut tables = pool(2);
        let mut mapper = Mapper::new(&mut tables, PhysAddr::new(0x1000), Regime::Hyp);
        let odd = range(0x1001, 0x2000);
        assert_eq!(mapper.map(odd, Access::Data), Err(MapError::Unaligned(odd)));
        let high = range(0xffff_f000, 0x1_0000_1000);
        assert_eq!(mapper.map(high, Access::Data), Err(MapError::TooHigh(high)));
        let page = range(0x4000_0000, 0x4000_1000);
        assert_eq!(
            mapper.map(page, Access::Data),
            Err(MapError::OutOfTables(page))
        );
        assert!(
            mapper
                .map(range(0xffff_f000, 0x1_0000_0000), Access::Data)
                .is_err()
        );
    }
}
