//! Whose memory is whose.

use baton_core::{
    boot::{Claim, MemoryMap},
    devicetree::Discovery,
    log::{self, Log, find_page},
};
use platform_api::PhysRange;

use crate::{
    early::EarlyInfo,
    memory::{MappedMemory, Owned},
};

/// Makes the ledger: RAM, what the tree reserves, the loader.
pub(super) fn memory_map(
    info: &EarlyInfo,
    found: &Discovery,
    initrd: Option<PhysRange>,
    monitor: Option<PhysRange>,
) -> MemoryMap {
    let reserved = found
        .reservations
        .iter()
        .map(|reservation| Claim {
            range: reservation.range,
            owner: reservation.name.clone(),
        })
        .chain(unmapped(info, found, monitor))
        .collect();
    let loader = alloc::vec![Claim {
        range: info.home,
        owner: "Baton".into(),
    }];
    let mut map = MemoryMap::new(found.memory.clone(), reserved, loader);
    map.initrd = initrd.filter(|initrd| map.is_ram(*initrd));
    map
}

/// Claims what is not mapped and yet nobody's: what lies between two no-map ranges, where there
/// were too many of them before the tree was read.
fn unmapped(
    info: &EarlyInfo,
    found: &Discovery,
    monitor: Option<PhysRange>,
) -> impl Iterator<Item = Claim> {
    let joined = info.memory.no_map.iter().filter(|range| {
        let mut known = found.reservations.iter();
        !known.any(|reservation| reservation.range.contains_range(**range))
    });
    joined.map(move |range| Claim {
        range: *range,
        owner: if Some(*range) == monitor {
            "Baton's monitor"
        } else {
            "no-map"
        }
        .into(),
    })
}

/// Makes the memory that slices and writes are granted in, after the same ledger. The log's page
/// is the loader's while it runs.
pub(super) fn mapped_memory(map: &MemoryMap, log: Option<PhysRange>) -> MappedMemory {
    let log = log.map(|range| Owned {
        range,
        owner: "Baton's log",
        loader: true,
    });
    let reserved = map.reserved.iter().map(|claim| Owned {
        range: claim.range,
        owner: "reserved memory",
        loader: false,
    });
    let own = map.loader.iter().map(|claim| Owned {
        range: claim.range,
        owner: "Baton itself",
        loader: true,
    });
    MappedMemory {
        ram: map.ram.clone(),
        owned: own.chain(log).chain(reserved).collect(),
    }
}

/// Finds the page that the log survives in, claims it, and takes what an earlier boot left there.
pub(super) fn open_log(map: &mut MemoryMap, info: &EarlyInfo, found: &Discovery) -> Log<'static> {
    let taken = [
        info.tree.unwrap_or_default(),
        found.initrd.unwrap_or_default(),
    ];
    let Some((page, reserved)) = find_page(map, &found.reservations, &taken) else {
        return Log::default();
    };
    let Some(start) = page.start().as_u32() else {
        return Log::default();
    };
    if !reserved {
        map.reserved.push(Claim {
            range: page,
            owner: "baton-log".into(),
        });
    }
    // SAFETY: `find_page` gave a page of RAM that nobody owns, mapped like all of it; it is
    // claimed, and `mapped_memory` lends no part of it out, so this stays the only reference.
    let bytes = unsafe { &mut *(start as *mut [u8; log::SIZE]) };
    // What is no log is nothing to complain about: that is how memory looks after power-on.
    Log::open(bytes, page).0
}
