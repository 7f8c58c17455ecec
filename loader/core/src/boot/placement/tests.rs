use alloc::{string::ToString, vec, vec::Vec};

use proptest::prelude::*;

use super::*;
use crate::boot::{ClaimError, Holder};

const MIB: u64 = 1 << 20;

fn range(start: u64, size: u64) -> PhysRange {
    PhysRange::from_size(PhysAddr::new(start), size).unwrap()
}

fn claim(start: u64, size: u64, owner: &str) -> Claim {
    Claim {
        range: range(start, size),
        owner: owner.into(),
    }
}

/// Debian's kernel, near enough.
fn debian() -> KernelFacts {
    KernelFacts {
        length: 5_526_016,
        beyond: 0,
        inflated: 20 * MIB + 0x1234,
        bss: 0x4_5678,
        text_offset: Some((0x8000, 0x8000)),
        workspace: 0x2_0000,
        fixed: None,
    }
}

fn request(map: &MemoryMap) -> Request<'_> {
    Request {
        map,
        reserved: &[],
        kernel: debian(),
        kernel_at: None,
        initrd: Some(Piece::Anywhere(932_384)),
        tree_size: 0x1_2000,
    }
}

/// A board with its RAM at `start` and the loader at the top of low memory.
fn board(start: u64, size: u64) -> MemoryMap {
    let top = start + size.min(LOW_MEMORY_BYTES);
    MemoryMap::new(
        vec![range(start, size)],
        vec![],
        vec![claim(top - 8 * MIB, 8 * MIB, "image, heap, stacks")],
    )
}

/// What the decompressor of `facts`, entered at `image`, writes before the kernel runs, and
/// what it reads while it inflates: an independent model of head.S, for one TEXT_OFFSET and
/// one offset of its `wont_overwrite` label.
fn decompress(
    ram: &[PhysRange],
    facts: &KernelFacts,
    image: u64,
    text: u64,
    wont_overwrite: u64,
) -> (Vec<PhysRange>, bool) {
    let pc = image + 0x40;
    let assumed = pc & 0xf800_0000;
    let base = if ram.iter().any(|bank| bank.contains(PhysAddr::new(assumed))) {
        assumed
    } else {
        let lowest = ram.iter().map(|bank| bank.start().as_u64()).min().unwrap();
        lowest.div_ceil(2 * MIB) * 2 * MIB
    };
    let kernel = base + text;
    let stack_and_heap = 0x1000 + 0x1_0000 + 0x400;
    let mut writes = vec![range(kernel - 0x5000, 0x5000)];
    let mut at = image;
    let mut moved = false;
    writes.push(range(at + facts.length, stack_and_heap));
    let below = kernel >= at + facts.length + stack_and_heap + 0x4000;
    if !below && kernel + facts.inflated > at + wont_overwrite {
        let code = 0x1400;
        at = (kernel + facts.inflated + code) & !0xff;
        writes.push(range(at, facts.length + 64 + stack_and_heap));
        moved = true;
    }
    let inflated = range(kernel, facts.inflated);
    // What still runs and is read while it inflates starts at wont_overwrite.
    let rest = if moved { 0 } else { wont_overwrite };
    let source = range(at + rest, facts.length - rest + stack_and_heap);
    assert!(
        !inflated.overlaps(source),
        "{inflated} overwrites the source {source}"
    );
    writes.push(range(kernel, facts.inflated + facts.bss));
    (writes, moved)
}

fn check(map: &MemoryMap, request: &Request<'_>, placed: &Placement) {
    let mut pieces = vec![placed.image, placed.tree];
    pieces.extend(placed.initrd);
    let owned: Vec<PhysRange> = map
        .reserved
        .iter()
        .chain(&map.loader)
        .chain(request.reserved)
        .map(|claim| claim.range)
        .collect();
    for (index, piece) in pieces.iter().enumerate() {
        assert!(map.is_ram(*piece), "{piece} is not in RAM");
        assert!(piece.end().as_u64() <= 1 << 32);
        assert!(owned.iter().all(|own| !own.overlaps(*piece)), "{piece}");
        for other in &pieces[index + 1..] {
            assert!(!piece.overlaps(*other), "{piece} {other}");
        }
    }
    assert!(placed.tree.start().is_aligned(8));
    let Some((low, high)) = request.kernel.text_offset else {
        let runs = range(placed.image.start().as_u64(), request.kernel.footprint());
        assert!(map.is_ram(runs));
        assert!(owned.iter().all(|own| !own.overlaps(runs)));
        assert!(pieces[1..].iter().all(|piece| !piece.overlaps(runs)));
        return;
    };
    for text in [low, high] {
        for label in [0x200, 0x1200] {
            let at = placed.image.start().as_u64();
            let (writes, moved) = decompress(&map.ram, &request.kernel, at, text, label);
            assert!(placed.relocates || !moved, "moves itself unforeseen");
            for write in writes {
                assert!(
                    map.is_ram(write),
                    "the decompressor writes {write}, not RAM"
                );
                assert!(
                    owned.iter().all(|own| !own.overlaps(write)),
                    "{write} is owned"
                );
                for piece in &pieces[1..] {
                    assert!(!piece.overlaps(write), "{write} overwrites {piece}");
                }
            }
        }
    }
    for piece in &pieces[1..] {
        let base = placed.base.as_u64();
        assert!(
            piece.start().as_u64() >= base + low,
            "{piece} below the text"
        );
        assert!(
            piece.end().as_u64() <= base + LOW_MEMORY_BYTES,
            "{piece} above low memory"
        );
    }
}

#[test]
fn boards_from_128_mib_to_3_gib() {
    for start in [0, 0x4000_0000, 0x6000_0000, 0x8000_0000] {
        for size in [128, 256, 512, 1024, 2048, 3072] {
            let size = (size * MIB).min((1 << 32) - start);
            let map = board(start, size);
            let request = request(&map);
            let placed = place(&request).unwrap();
            check(&map, &request, &placed);
            assert_eq!(placed.base.as_u64(), start);
            assert!(!placed.relocates, "{size:#x} at {start:#x}");
            assert_eq!(placed.lost, 0);
            assert!(placed.image.end().as_u64() <= start + 128 * MIB);
            if size > 128 * MIB {
                let initrd = placed.initrd.unwrap();
                assert_eq!(initrd.start().as_u64(), start + 128 * MIB);
                assert!(placed.tree.start() >= initrd.end());
            }
        }
    }
}

#[test]
fn small_board_puts_initrd_and_tree_below_the_loader() {
    let map = board(0x4000_0000, 128 * MIB);
    let placed = place(&request(&map)).unwrap();
    let initrd = placed.initrd.unwrap();
    assert!(initrd.end().as_u64() <= 0x4780_0000);
    assert!(initrd.start().as_u64() >= 0x4700_0000);
    assert!(placed.tree.end() <= initrd.start());
}

#[test]
fn ram_off_the_128_mib_grid_starts_at_its_own_2_mib() {
    let map = board(0x4210_0000, 512 * MIB);
    let request = request(&map);
    let placed = place(&request).unwrap();
    check(&map, &request, &placed);
    assert_eq!(placed.base.as_u64(), 0x4220_0000);
    assert_eq!(placed.lost, MIB);
}

#[test]
fn several_banks_and_one_above_4_gib() {
    let map = MemoryMap::new(
        vec![
            range(0x8_8000_0000, 2048 * MIB),
            range(0x4000_0000, 64 * MIB),
            range(0x5000_0000, 256 * MIB),
        ],
        vec![],
        vec![claim(0x5f80_0000, 8 * MIB, "image")],
    );
    let request = request(&map);
    let placed = place(&request).unwrap();
    check(&map, &request, &placed);
    assert_eq!(placed.base.as_u64(), 0x4000_0000);
    assert_eq!(placed.initrd.unwrap().start().as_u64(), 0x5000_0000);
    let high = MemoryMap::new(vec![range(0x8_8000_0000, 2048 * MIB)], vec![], vec![]);
    assert_eq!(
        place(&Request {
            map: &high,
            ..request
        }),
        Err(PlaceError::NoRam.into())
    );
}

#[test]
fn a_reservation_in_the_kernels_way_moves_everything_up_128_mib() {
    let mut map = board(0x4000_0000, 512 * MIB);
    map.reserved = vec![claim(0x4050_0000, MIB, "tee")];
    let request = request(&map);
    let placed = place(&request).unwrap();
    check(&map, &request, &placed);
    assert_eq!(placed.base.as_u64(), 0x4800_0000);
    assert_eq!(placed.lost, 128 * MIB);
}

#[test]
fn reservations_around_the_kernel_are_kept() {
    let mut map = board(0x4000_0000, 512 * MIB);
    map.reserved = vec![
        claim(0x4000_0000, 0x3000, "spin table"),
        claim(0x4180_0000, 4 * MIB, "right behind the kernel"),
        claim(0x4800_0000, 64 * MIB, "where the initrd would go"),
    ];
    let request = request(&map);
    let placed = place(&request).unwrap();
    check(&map, &request, &placed);
    assert_eq!(placed.base.as_u64(), 0x4000_0000);
    assert!(!placed.relocates);
    assert_eq!(placed.initrd.unwrap().start().as_u64(), 0x4c00_0000);
    // The tree given for this boot reserves too.
    let given = [claim(0x4c00_0000, MIB, "given")];
    let request = Request {
        reserved: &given,
        ..request
    };
    let placed = place(&request).unwrap();
    check(&map, &request, &placed);
    assert_eq!(placed.initrd.unwrap().start().as_u64(), 0x4c10_0000);
}

#[test]
fn a_page_table_reserved_is_a_refusal_naming_it() {
    let mut map = board(0x4000_0000, 128 * MIB);
    map.reserved = vec![claim(0x4000_3000, 0x1000, "vectors")];
    let error = place(&request(&map)).unwrap_err();
    assert!(matches!(
        &*error,
        PlaceError::Destination {
            by: ClaimError::Overlap {
                holder: Holder::Reserved,
                ..
            },
            ..
        }
    ));
    assert!(
        error
            .to_string()
            .contains("vectors at [0x40003000-0x40003fff]")
    );
}

#[test]
fn a_kernel_too_large_for_its_window_moves_itself() {
    let map = board(0x4000_0000, 1024 * MIB);
    let mut request = request(&map);
    request.kernel.inflated = 150 * MIB;
    request.kernel.length = 40 * MIB;
    let placed = place(&request).unwrap();
    check(&map, &request, &placed);
    assert!(placed.relocates);
}

#[test]
fn no_table_means_five_times_and_either_text_offset() {
    let image = ZImage {
        length: 0x10_0000,
        start: 0,
        beyond: 0x1000,
        inflated: None,
        bss: 0,
        text_offset: None,
        malloc: None,
        big_endian: false,
    };
    let facts = KernelFacts::from(&image);
    assert_eq!(facts.inflated, 0x10_1000 * 5);
    assert_eq!(facts.text_offset, Some((0x8000, 0x30_8000)));
    assert_eq!(
        facts.workspace, 0x2_0000,
        "64 KiB of heap, 4 of stack, slack"
    );
    let map = board(0x4000_0000, 128 * MIB);
    let request = Request {
        kernel: facts,
        ..request(&map)
    };
    let placed = place(&request).unwrap();
    check(&map, &request, &placed);
    assert!(!placed.relocates);
    let payload = ZImage {
        inflated: Some(0x4_0000),
        text_offset: Some(0),
        ..image
    };
    let request = Request {
        kernel: KernelFacts::from(&payload),
        ..request
    };
    let placed = place(&request).unwrap();
    check(&map, &request, &placed);
    assert_eq!(placed.inflated, None);
    assert_eq!(placed.image.start().as_u64(), 0x4000_8000);
}

#[test]
fn refusals_name_the_value_and_what_to_try() {
    let map = board(0x4000_0000, 256 * MIB);
    let base = request(&map);
    let refuse = |request: Request<'_>| place(&request).unwrap_err().to_string();
    let at = |address| Some(PhysAddr::new(address));
    let lies = |start, size| Some(Piece::At(range(start, size)));
    let cases = [
        (
            Request {
                kernel_at: at(0x4000_0000),
                ..base
            },
            "image at 0x40000000 lies where the kernel's page tables go; try 0x40008000 or above",
        ),
        (
            Request {
                kernel_at: at(0x3000_0000),
                ..base
            },
            "image at 0x30000000 lies where the kernel's page tables go; try 0x40008000 or above",
        ),
        (
            Request {
                kernel_at: at(0x5000_0000),
                ..base
            },
            "image at [0x50000000-0x505651ff] is not in RAM",
        ),
        (
            Request {
                kernel_at: at(0x4400_0000),
                initrd: lies(0x4100_0000, MIB),
                ..base
            },
            "initrd at [0x41000000-0x410fffff] would be overwritten by the decompressor",
        ),
        (
            Request {
                kernel_at: at(0x4fa0_0000),
                ..base
            },
            "image at [0x4fa00000-0x4ff651ff] overlaps image, heap, stacks",
        ),
        (
            Request {
                initrd: lies(0x4fff_0000, 0x2_0000),
                ..base
            },
            "initrd at [0x4fff0000-0x5000ffff] is not in RAM",
        ),
        (
            Request {
                initrd: lies(0x4000_1000, 0x1000),
                kernel_at: at(0x4400_0000),
                ..base
            },
            "is outside [0x40008000-0x6f7fffff], the low memory every kernel maps",
        ),
        (
            Request {
                initrd: Some(Piece::Anywhere(300 * MIB)),
                ..base
            },
            "no room for the initrd of 0x12c00000 bytes: the largest free range in",
        ),
        (
            Request {
                kernel_at: at(0x47ff_ff00),
                ..base
            },
            "image at 0x47ffff00 starts less than 4 KiB below a 128 MiB boundary; try 0x48000000",
        ),
        (
            Request {
                tree_size: 2 * MIB,
                ..base
            },
            "device tree of 0x200000 bytes is larger than the 0x100000",
        ),
    ];
    for (request, expected) in cases {
        let found = refuse(request);
        assert!(found.contains(expected), "{found}\ninstead of\n{expected}");
    }
    let mut linked = base;
    linked.kernel.fixed = at(0x1000_0000);
    assert_eq!(
        refuse(linked),
        "image is linked for 0x10000000, which is not in RAM"
    );
    linked.kernel.fixed = at(0x4200_0000);
    linked.kernel_at = at(0x4300_0000);
    assert_eq!(
        refuse(linked),
        "image at 0x43000000 runs only at 0x42000000; load it there"
    );
    linked.kernel_at = None;
    assert_eq!(place(&linked).unwrap().image.start().as_u64(), 0x4200_0000);
}

#[test]
fn too_little_ram_is_said() {
    let map = board(0x4000_0000, 24 * MIB);
    let error = place(&request(&map)).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("the kernel would be inflated over"),
        "{error}"
    );
    let none = MemoryMap::default();
    assert_eq!(place(&request(&none)), Err(PlaceError::NoRam.into()));
}

#[test]
fn given_addresses_are_honoured() {
    let map = board(0x4000_0000, 512 * MIB);
    let request = Request {
        kernel_at: Some(PhysAddr::new(0x4040_0000)),
        initrd: Some(Piece::At(range(0x4300_0000, MIB))),
        ..request(&map)
    };
    let placed = place(&request).unwrap();
    check(&map, &request, &placed);
    assert_eq!(placed.image.start().as_u64(), 0x4040_0000);
    assert!(placed.relocates);
    let request = Request {
        kernel_at: Some(PhysAddr::new(0x4500_0000)),
        ..request
    };
    let placed = place(&request).unwrap();
    check(&map, &request, &placed);
    assert!(!placed.relocates);
    assert_eq!(placed.initrd, Some(range(0x4300_0000, MIB)));
}

fn any_map() -> impl Strategy<Value = MemoryMap> {
    let banks = prop::collection::vec((0_u64..0x1100, 1_u64..0x600), 1..4);
    let held = prop::collection::vec((0_u64..0x11_0000, 1_u64..0x800), 0..6);
    (
        banks,
        held,
        prop::collection::vec((0_u64..0x1100, 1_u64..16), 0..2),
    )
        .prop_map(|(banks, held, loader)| {
            let own = |start: u64, size: u64| claim(start, size, "somebody");
            MemoryMap::new(
                banks
                    .iter()
                    .map(|(at, size)| range(at * MIB, size * MIB))
                    .collect(),
                held.iter()
                    .map(|(at, size)| own(at << 12, size << 12))
                    .collect(),
                loader
                    .iter()
                    .map(|(at, size)| own(at * MIB, size * MIB))
                    .collect(),
            )
        })
}

fn any_kernel() -> impl Strategy<Value = KernelFacts> {
    let text = prop_oneof![
        4 => Just(Some((0x8000, 0x8000))),
        1 => Just(Some((0x20_8000, 0x20_8000))),
        1 => Just(Some((0x8000, 0x30_8000))),
        1 => Just(None),
    ];
    (
        0x2000_u64..0x400_0000,
        0_u64..0xa00_0000,
        0_u64..0x200_0000,
        text,
    )
        .prop_map(|(length, inflated, bss, text_offset)| KernelFacts {
            length,
            beyond: 0,
            inflated: inflated.max(length),
            bss,
            text_offset,
            workspace: 0x2_0000,
            fixed: None,
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn whatever_is_asked_the_answer_is_safe(
        map in any_map(),
        kernel in any_kernel(),
        given in prop::option::weighted(0.3, 0_u64..0x1_1000_0000),
        initrd in prop::option::of((any::<bool>(), 0_u64..0x11_0000, 1_u64..0x800_0000)),
        tree_size in 1_u64..0x10_0000,
    ) {
        let request = Request {
            map: &map,
            reserved: &[],
            kernel,
            kernel_at: given.map(|at| PhysAddr::new(at & !3)),
            initrd: initrd.map(|(given, page, size)| if given {
                Piece::At(range(page << 12, size))
            } else {
                Piece::Anywhere(size)
            }),
            tree_size,
        };
        match place(&request) {
            Ok(placed) => {
                check(&map, &request, &placed);
                if let Some(at) = request.kernel_at {
                    prop_assert_eq!(placed.image.start(), at);
                }
                prop_assert_eq!(placed.initrd.is_some(), request.initrd.is_some());
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn a_board_with_room_always_plans(
        start in prop::sample::select(vec![0_u64, 0x4000_0000, 0x6000_0000, 0x8000_0000]),
        size in 128_u64..1024,
        length in 0x10_0000_u64..0x80_0000,
        initrd in 1_u64..(32 << 20),
    ) {
        let map = board(start, size * MIB);
        let mut request = request(&map);
        request.kernel.length = length;
        request.initrd = Some(Piece::Anywhere(initrd));
        let placed = place(&request);
        prop_assert!(placed.is_ok(), "{:?}", placed);
        let placed = placed.unwrap();
        check(&map, &request, &placed);
        prop_assert!(!placed.relocates);
    }

    #[test]
    fn no_number_overflows(
        numbers in prop::collection::vec(any::<u32>(), 6),
        given in prop::option::of(any::<u64>()),
    ) {
        let map = board(0xc000_0000, 1024 * MIB);
        let image = ZImage {
            length: numbers[0],
            start: if numbers[5] & 3 == 0 { numbers[1] } else { 0 },
            beyond: numbers[2],
            inflated: Some(numbers[3]),
            bss: numbers[4],
            text_offset: Some(numbers[5]),
            malloc: Some(numbers[1]),
            big_endian: false,
        };
        let request = Request {
            kernel: KernelFacts::from(&image),
            kernel_at: given.map(PhysAddr::new),
            ..request(&map)
        };
        let _ = place(&request);
    }
}
