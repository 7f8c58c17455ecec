//! Where the log survives: where the tree says an earlier boot put it, else high in low memory,
//! below what a first stage uses for itself. The next boot finds that by itself after a reset,
//! which keeps memory but no tree: the same machine has the same memory.

use platform_api::{PhysAddr, PhysRange};

use super::SIZE;
use crate::{
    boot::{Direction, MemoryMap, Search, home::LOW_MEMORY_BYTES},
    devicetree::Reservation,
};

/// What the page's node is called in a tree.
pub const COMPATIBLE: &str = "baton,log";

const PAGE: u64 = 4096;
/// What a first stage takes at the top of RAM: U-Boot with its heap of 16 MiB, and what it loads.
const FIRST_STAGE: u64 = 32 << 20;
/// From so much low memory on a hole in it keeps no initrd from its place.
const ROOMY: u64 = 256 << 20;
/// Bytes of the page, as addresses count.
const BYTES: u64 = SIZE as u64;

/// Finds the page: the one that `reservations` name, if it can be used, else a free one that is
/// not in `taken`. The second value tells whether the tree reserves it already.
pub fn find_page(
    map: &MemoryMap,
    reservations: &[Reservation],
    taken: &[PhysRange],
) -> Option<(PhysRange, bool)> {
    let mut named = reservations.iter().filter(|reservation| reservation.log);
    let named = named.find_map(|log| usable(map, reservations, taken, log.range));
    if let Some(page) = named {
        return Some((page, true));
    }
    let mut ledger = map.ledger();
    for range in taken {
        // What overlaps is taken all the same.
        ledger.rule_out(*range, "taken");
    }
    let page = ledger.find(Search {
        size: BYTES,
        alignment: PAGE,
        window: window(ledger.ram())?,
        direction: Direction::TopDown,
    })?;
    Some((page, false))
}

/// Returns the memory that a new page may be in.
fn window(ram: &[PhysRange]) -> Option<PhysRange> {
    let base = ram.first()?.start();
    let limit = base
        .checked_add(LOW_MEMORY_BYTES)?
        .min(PhysAddr::new(1 << 32));
    let ends = ram.iter().filter(|bank| bank.start() < limit);
    let top = ends.map(|bank| bank.end().min(limit)).max()?;
    let low = PhysRange::new(base, top)?;
    if low.size() < ROOMY {
        return Some(low);
    }
    PhysRange::new(base, top.checked_sub(FIRST_STAGE)?)
}

/// Returns the page of a reservation that calls itself ours. A tree is hostile: it must be mapped
/// RAM, a page, and nobody else's too.
fn usable(
    map: &MemoryMap,
    reservations: &[Reservation],
    taken: &[PhysRange],
    range: PhysRange,
) -> Option<PhysRange> {
    let page = PhysRange::from_size(range.start(), BYTES)?;
    let fits = range.contains_range(page)
        && range.start().is_aligned(PAGE)
        && page.end().as_u64() <= 1 << 32
        && map.is_ram(page);
    let others = reservations
        .iter()
        .filter(|other| !other.log || other.no_map)
        .map(|other| other.range);
    let loader = map.loader.iter().map(|claim| claim.range);
    let mut all = others.chain(loader).chain(taken.iter().copied());
    (fits && !all.any(|other| other.overlaps(page))).then_some(page)
}
