//! Where the log survives: where the tree says an earlier boot put it, else at the top of what is
//! free below the loader's home, which the next boot finds by itself: the same machine has the
//! same memory.

use platform_api::{PhysAddr, PhysRange};

use super::SIZE;
use crate::{
    boot::{Direction, MemoryMap, Search, home::LOW_MEMORY_BYTES},
    devicetree::Reservation,
};

/// What the page's node is called in a tree.
pub const COMPATIBLE: &str = "baton,log";

const PAGE: u64 = 4096;
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
    let base = ledger.ram().first()?.start();
    let window = PhysRange::new(base, base.checked_add(LOW_MEMORY_BYTES)?)?;
    let page = ledger.find(Search {
        size: BYTES,
        alignment: PAGE,
        window: window.intersection(PhysRange::new(PhysAddr::new(0), PhysAddr::new(1 << 32))?)?,
        direction: Direction::TopDown,
    })?;
    Some((page, false))
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
