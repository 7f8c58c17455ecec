//! What the entry code must know before it can move itself: memory, and what of it is taken.
//!
//! Runs before there is a heap: everything is on the stack (about 1100 bytes of result and 600 of
//! frames), and the scan is the
//! check itself, so the blob is walked once.

use arrayvec::ArrayVec;
use platform_api::{PhysAddr, PhysRange};

use super::{
    TreeError,
    cells::{Cells, cell, number},
    check::{PropertyName, Visitor, check_with, until_nul},
};

/// Banks that fit.
pub const MAX_BANKS: usize = 16;
/// Reservations that fit.
pub const MAX_RESERVED: usize = 32;
/// Ranges that must not be mapped, and fit.
pub const MAX_NO_MAP: usize = 16;
/// What a spin-table release address takes.
pub(super) const RELEASE_BYTES: u64 = 8;

/// Memory as the tree tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EarlyMemory {
    /// RAM, in tree order, as written.
    pub banks: ArrayVec<PhysRange, MAX_BANKS>,
    /// /memreserve/, enabled /reserved-memory children with `reg`, spin-table release
    /// addresses. Beyond 32 the closest two are joined: more may be reserved than must be,
    /// never less.
    pub reserved: ArrayVec<PhysRange, MAX_RESERVED>,
    /// Those of `reserved` that are `no-map`: not even to be mapped, because what a processor may
    /// read ahead it must not. Beyond 16 the closest two are joined.
    pub no_map: ArrayVec<PhysRange, MAX_NO_MAP>,
    /// The initrd that the caller loaded.
    pub initrd: Option<PhysRange>,
    /// Bytes of the blob that hold the tree; what follows up to `totalsize` is padding.
    pub used_size: usize,
}

/// Checks a blob and finds the memory in it.
///
/// # Errors
/// As [`super::check()`]; more than 16 banks; a `reg` that makes no sense.
pub fn memory(blob: &[u8]) -> Result<EarlyMemory, TreeError> {
    let mut found = EarlyMemory::default();
    scan(blob, &mut found)?;
    Ok(found)
}

/// As [`memory`], into a place of the caller's: [`memory`] holds two of them on the stack for a
/// moment.
///
/// # Errors
/// As [`memory`]; what was found by then means nothing.
pub fn scan(blob: &[u8], found: &mut EarlyMemory) -> Result<(), TreeError> {
    let tree = check_with(blob, &mut Scan::new(found))?;
    for (address, size) in tree.reservations() {
        // An entry that overflows reserves everything above.
        let start = PhysAddr::new(address);
        let range = PhysRange::from_size(start, size)
            .or_else(|| PhysRange::new(start, PhysAddr::new(u64::MAX)));
        reserve(&mut found.reserved, range.unwrap_or_default());
    }
    found.used_size = tree.used_size();
    Ok(())
}

/// Adds a reservation; if the list is full, widens the entry that must grow the least.
fn reserve<const N: usize>(list: &mut ArrayVec<PhysRange, N>, range: PhysRange) {
    if range.is_empty() || list.iter().any(|known| known.contains_range(range)) {
        return;
    }
    if list.try_push(range).is_ok() {
        return;
    }
    let hull = |known: &PhysRange| {
        PhysRange::new(
            known.start().min(range.start()),
            known.end().max(range.end()),
        )
        .unwrap_or(*known)
    };
    let growth = |known: &PhysRange| hull(known).size() - known.size();
    if let Some(closest) = list.iter_mut().min_by_key(|known| growth(known)) {
        *closest = hull(closest);
    }
}

/// Which node of depth 1 we are in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Section {
    Other,
    Memory,
    Reserved,
    Chosen,
    Cpus,
}

/// The properties of a node that mean something only together.
#[derive(Default)]
struct Pending<'a> {
    reg: Option<&'a [u8]>,
    usable: Option<&'a [u8]>,
    device_type: Option<&'a [u8]>,
    disabled: bool,
    no_map: bool,
}

struct Scan<'a, 'm> {
    found: &'m mut EarlyMemory,
    root: Cells,
    reserved: Cells,
    section: Section,
    pending: Pending<'a>,
    initrd: [Option<u64>; 2],
}

/// Returns the initrd of a tree from `linux,initrd-start` and `linux,initrd-end`.
pub(super) fn initrd([start, end]: [Option<u64>; 2]) -> Option<PhysRange> {
    let range = PhysRange::new(PhysAddr::new(start?), PhysAddr::new(end?))?;
    (!range.is_empty()).then_some(range)
}

/// Tells whether a `status` value means "use this" (section 2.3.4).
pub(super) fn is_enabled(status: &[u8]) -> bool {
    matches!(until_nul(status), b"okay" | b"ok")
}

/// Tells whether a node of depth 1 is RAM: by its type, or by its name where it has no type.
pub(super) fn is_memory(name: &[u8], device_type: Option<&[u8]>) -> bool {
    match device_type {
        Some(device_type) => until_nul(device_type) == b"memory",
        None => name == b"memory" || name.starts_with(b"memory@"),
    }
}

fn bad(node: &'static str, property: &'static str, value: &[u8]) -> TreeError {
    TreeError::Value {
        node,
        property,
        length: value.len(),
    }
}

/// Reads `#address-cells` or `#size-cells`.
fn cells_into(target: &mut u32, property: &'static str, value: &[u8]) -> Result<(), TreeError> {
    *target = cell(value)
        .filter(|&count| count <= super::cells::MAX_CELLS)
        .ok_or_else(|| bad("/", property, value))?;
    Ok(())
}

impl<'a, 'm> Scan<'a, 'm> {
    fn new(found: &'m mut EarlyMemory) -> Self {
        Self {
            found,
            root: Cells::default(),
            reserved: Cells::default(),
            section: Section::Other,
            pending: Pending::default(),
            initrd: [None; 2],
        }
    }

    fn pend(&mut self, name: PropertyName<'a>, value: &'a [u8]) {
        if name.is(b"reg\0") {
            self.pending.reg = Some(value);
        } else if name.is(b"linux,usable-memory\0") {
            self.pending.usable = Some(value);
        } else if name.is(b"device_type\0") {
            self.pending.device_type = Some(value);
        } else if name.is(b"status\0") {
            self.pending.disabled = !is_enabled(value);
        } else if name.is(b"no-map\0") {
            self.pending.no_map = true;
        }
    }

    fn add_banks(&mut self) -> Result<(), TreeError> {
        let named: &[u8] = match self.section {
            Section::Memory => b"memory",
            _ => b"",
        };
        if self.pending.disabled || !is_memory(named, self.pending.device_type) {
            return Ok(());
        }
        let Some(value) = self.pending.usable.or(self.pending.reg) else {
            return Ok(());
        };
        if !self.root.divides(value) {
            return Err(bad("/memory", "reg", value));
        }
        for bank in self.root.ranges(value) {
            let bank = bank.ok_or_else(|| bad("/memory", "reg", value))?;
            if !bank.is_empty() && self.found.banks.try_push(bank).is_err() {
                return Err(TreeError::TooManyBanks(MAX_BANKS));
            }
        }
        Ok(())
    }

    fn add_reserved(&mut self) -> Result<(), TreeError> {
        let Some(value) = self.pending.reg.filter(|_| !self.pending.disabled) else {
            return Ok(());
        };
        if !self.reserved.divides(value) {
            return Err(bad("/reserved-memory", "reg", value));
        }
        for range in self.reserved.ranges(value) {
            let range = range.ok_or_else(|| bad("/reserved-memory", "reg", value))?;
            reserve(&mut self.found.reserved, range);
            if self.pending.no_map {
                reserve(&mut self.found.no_map, range);
            }
        }
        Ok(())
    }
}

impl<'a> Visitor<'a> for Scan<'a, '_> {
    fn begin(&mut self, depth: usize, name: &'a [u8]) -> Result<(), TreeError> {
        match depth {
            1 => {
                self.section = match name {
                    b"reserved-memory" => Section::Reserved,
                    b"chosen" => Section::Chosen,
                    b"cpus" => Section::Cpus,
                    _ if is_memory(name, None) => Section::Memory,
                    _ => Section::Other,
                };
                self.reserved = self.root;
                self.pending = Pending::default();
            }
            2 if self.section == Section::Reserved => self.pending = Pending::default(),
            _ => {}
        }
        Ok(())
    }

    fn property(
        &mut self,
        depth: usize,
        name: PropertyName<'a>,
        value: &'a [u8],
    ) -> Result<(), TreeError> {
        match (depth, self.section) {
            (0, _) | (1, Section::Reserved) => {
                let cells = if depth == 0 {
                    &mut self.root
                } else {
                    &mut self.reserved
                };
                if name.is(b"#address-cells\0") {
                    cells_into(&mut cells.address, "#address-cells", value)?;
                } else if name.is(b"#size-cells\0") {
                    cells_into(&mut cells.size, "#size-cells", value)?;
                }
            }
            (1, Section::Chosen) => {
                let [start, end] = &mut self.initrd;
                if name.is(b"linux,initrd-start\0") {
                    *start = number(value);
                } else if name.is(b"linux,initrd-end\0") {
                    *end = number(value);
                }
            }
            (1, _) | (2, Section::Reserved) => self.pend(name, value),
            (2 | 3, Section::Cpus) if name.is(b"cpu-release-addr\0") => {
                let range = number(value)
                    .and_then(|at| PhysRange::from_size(PhysAddr::new(at), RELEASE_BYTES))
                    .ok_or_else(|| bad("/cpus", "cpu-release-addr", value))?;
                reserve(&mut self.found.reserved, range);
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, depth: usize, _: usize) -> Result<(), TreeError> {
        match (depth, self.section) {
            (1, Section::Memory | Section::Other) => self.add_banks(),
            (2, Section::Reserved) => self.add_reserved(),
            (1, Section::Chosen) => {
                self.found.initrd = initrd(self.initrd);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
