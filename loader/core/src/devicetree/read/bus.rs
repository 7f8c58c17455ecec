//! Addresses: how they get from one bus to the next, and banks in order.

use alloc::vec::Vec;

use platform_api::{PhysAddr, PhysRange};

use super::super::cells::{Cells, number};

/// How a node's children's addresses become its parent's.
#[derive(Clone, Copy)]
pub(in super::super) enum Ranges<'a> {
    /// No `ranges`: they are on another bus.
    Unmapped,
    /// An empty `ranges`: they are the same.
    Same,
    Table(&'a [u8]),
}

/// Inserts a bank in order and joins it with those it touches.
pub fn insert_bank(banks: &mut Vec<PhysRange>, bank: PhysRange) {
    let first = banks
        .iter()
        .position(|known| known.end() >= bank.start())
        .unwrap_or(banks.len());
    let mut joined = bank;
    let mut last = first;
    while let Some(next) = banks.get(last).filter(|next| next.start() <= joined.end()) {
        let start = joined.start().min(next.start());
        let end = joined.end().max(next.end());
        joined = PhysRange::new(start, end).unwrap_or(joined);
        last += 1;
    }
    banks.splice(first..last, [joined]);
}

/// Finds the entry of a `ranges` table that holds the window's start.
pub(in super::super) fn through(
    table: &[u8],
    bus: Cells,
    parent: Cells,
    window: PhysRange,
) -> Option<PhysRange> {
    let child_bytes = Cells::bytes(bus.address)?;
    let parent_bytes = Cells::bytes(parent.address)?;
    let size_bytes = Cells::bytes(bus.size)?;
    let step = child_bytes + parent_bytes + size_bytes;
    if step == 0 {
        return None;
    }
    table.chunks_exact(step).find_map(|entry| {
        let (child, rest) = entry.split_at_checked(child_bytes)?;
        let (base, size) = rest.split_at_checked(parent_bytes)?;
        let source = PhysRange::from_size(PhysAddr::new(number(child)?), number(size)?)?;
        if !source.contains(window.start()) {
            return None;
        }
        let offset = window.start().as_u64() - source.start().as_u64();
        let start = number(base)?.checked_add(offset)?;
        PhysRange::from_size(PhysAddr::new(start), window.size())
    })
}
