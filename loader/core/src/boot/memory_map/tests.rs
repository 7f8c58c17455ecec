use alloc::{format, string::ToString, vec, vec::Vec};

use proptest::prelude::*;

use super::*;

fn range(start: u64, end: u64) -> PhysRange {
    PhysRange::new(PhysAddr::new(start), PhysAddr::new(end)).unwrap()
}

fn claim(start: u64, end: u64, owner: &str) -> Claim {
    Claim {
        range: range(start, end),
        owner: owner.into(),
    }
}

fn map() -> MemoryMap {
    MemoryMap::new(
        vec![
            range(0x8000_0000, 0x9000_0000),
            range(0x4000_0000, 0x4400_0000),
            range(0x4400_0000, 0x4800_0000),
        ],
        vec![claim(0x4100_0000, 0x4110_0000, "tee")],
        vec![claim(0x47f0_0000, 0x4800_0000, "image")],
    )
}

#[test]
fn merges_touching_banks() {
    let map = map();
    assert_eq!(
        map.ram,
        [
            range(0x4000_0000, 0x4800_0000),
            range(0x8000_0000, 0x9000_0000)
        ]
    );
    assert!(map.is_ram(range(0x43ff_ffff, 0x4400_0001)));
    assert!(!map.is_ram(range(0x47ff_ffff, 0x4800_0001)));
}

#[test]
fn refuses_an_overlap_naming_both() {
    let map = map();
    let mut ledger = map.ledger();
    let error = ledger
        .claim(range(0x4108_0000, 0x4120_0000), "initrd")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "initrd at [0x41080000-0x411fffff] overlaps reserved memory tee at [0x41000000-0x410fffff]"
    );
    let error = ledger
        .claim(range(0x47ef_ffff, 0x47f0_0001), "initrd")
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("image at [0x47f00000-0x47ffffff]")
    );
    ledger
        .claim(range(0x4200_0000, 0x4300_0000), "kernel")
        .unwrap();
    assert!(
        ledger
            .claim(range(0x42ff_ffff, 0x4300_0001), "tree")
            .is_err()
    );
    ledger
        .claim(range(0x4300_0000, 0x4300_0001), "tree")
        .unwrap();
}

#[test]
fn refuses_what_is_not_ram() {
    let map = map();
    let error = map
        .ledger()
        .claim(range(0x47ff_ffff, 0x8000_0001), "image")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "image at [0x47ffffff-0x80000000] is not in RAM"
    );
}

#[test]
fn finds_from_either_end() {
    let map = map();
    let ledger = map.ledger();
    let search = Search {
        size: 0x100_0000,
        alignment: 0x1000,
        window: range(0x4080_0000, 0x4800_0000),
        direction: Direction::BottomUp,
    };
    assert_eq!(
        ledger.find(search),
        Some(range(0x4110_0000, 0x4210_0000)),
        "below the reservation there are only 8 MiB"
    );
    let top = Search {
        direction: Direction::TopDown,
        ..search
    };
    assert_eq!(ledger.find(top), Some(range(0x46f0_0000, 0x47f0_0000)));
    let odd = Search {
        alignment: 3,
        ..search
    };
    assert_eq!(ledger.find(odd), None);
    let nothing = Search { size: 0, ..search };
    assert_eq!(ledger.find(nothing), None);
}

#[test]
fn prints_every_byte_of_ram() {
    let map = map();
    let text = format!("{}", map.ledger());
    assert_eq!(
        text,
        "[0x40000000-0x40ffffff]    16 MiB free\n\
         [0x41000000-0x410fffff]  1024 KiB tee\n\
         [0x41100000-0x47efffff]   110 MiB free\n\
         [0x47f00000-0x47ffffff]  1024 KiB image\n\
         [0x80000000-0x8fffffff]   256 MiB free\n"
    );
}

fn ranges(count: usize) -> impl Strategy<Value = Vec<PhysRange>> {
    prop::collection::vec((0_u64..0x4000, 0_u64..0x800), 0..count).prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|(start, size)| range(start, start + size))
            .collect()
    })
}

proptest! {
    #[test]
    fn claims_never_overlap_and_nothing_is_lost(
        ram in ranges(6),
        reserved in ranges(5),
        loader in ranges(3),
        wanted in ranges(8),
        searches in prop::collection::vec((1_u64..0x400, 0_u32..8, any::<bool>()), 0..8),
    ) {
        let own = |ranges: Vec<PhysRange>| ranges
            .into_iter()
            .map(|range| Claim { range, owner: "x".into() })
            .collect::<Vec<_>>();
        let map = MemoryMap::new(ram.clone(), own(reserved), own(loader));
        let mut ledger = map.ledger();
        let mut granted: Vec<PhysRange> = Vec::new();
        for range in wanted {
            if ledger.claim(range, "plan").is_ok() && !range.is_empty() {
                granted.push(range);
            }
        }
        for (size, shift, up) in searches {
            let search = Search {
                size,
                alignment: 1 << shift,
                window: range(0x100, 0x3f00),
                direction: if up { Direction::BottomUp } else { Direction::TopDown },
            };
            if let Some(found) = ledger.find(search) {
                prop_assert!(found.start().is_aligned(search.alignment));
                prop_assert!(search.window.contains_range(found));
                prop_assert_eq!(found.size(), size);
                prop_assert!(ledger.claim(found, "found").is_ok());
                granted.push(found);
            } else {
                prop_assert!(ledger.largest_free(search.window) < size + search.alignment);
            }
        }
        let total = |ranges: &[PhysRange]| ranges.iter().map(|range| range.size()).sum::<u64>();
        let rows: Vec<Row<'_>> = ledger.walk().collect();
        prop_assert_eq!(rows.iter().map(|row| row.range.size()).sum::<u64>(), total(&map.ram));
        for pair in rows.windows(2) {
            prop_assert!(pair[0].range.end() <= pair[1].range.start());
        }
        // Byte by byte: a byte is free exactly if it is RAM and nobody's.
        for byte in (0..0x4800).step_by(7) {
            let at = PhysAddr::new(byte);
            let is_ram = ram.iter().any(|bank| bank.contains(at));
            let held = map.reserved.iter().chain(&map.loader).any(|claim| claim.range.contains(at))
                || granted.iter().any(|range| range.contains(at));
            let row = rows.iter().find(|row| row.range.contains(at));
            prop_assert_eq!(row.is_some(), is_ram);
            prop_assert_eq!(row.is_some_and(|row| row.holder == Holder::Free), is_ram && !held);
        }
        for (index, one) in granted.iter().enumerate() {
            prop_assert!(map.is_ram(*one));
            for other in granted.iter().skip(index + 1) {
                prop_assert!(!one.overlaps(*other));
            }
            for claim in map.reserved.iter().chain(&map.loader) {
                prop_assert!(!one.overlaps(claim.range));
            }
        }
    }
}
