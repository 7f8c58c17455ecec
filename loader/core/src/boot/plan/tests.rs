use alloc::{string::ToString, vec, vec::Vec};

use super::*;
use crate::boot::{Claim, KernelFacts, Piece, Request, place};

fn range(start: u64, size: u64) -> PhysRange {
    PhysRange::from_size(PhysAddr::new(start), size).unwrap()
}

fn map() -> MemoryMap {
    MemoryMap::new(
        vec![range(0x4000_0000, 0x1000_0000), range(0x6000_0000, 0x1000)],
        vec![Claim {
            range: range(0x4f00_0000, 0x1_0000),
            owner: "tee".into(),
        }],
        vec![Claim {
            range: range(0x4ff0_0000, 0x10_0000),
            owner: "loader".into(),
        }],
    )
}

fn facts() -> KernelFacts {
    KernelFacts {
        length: 0x54_5200,
        beyond: 0,
        inflated: 0x140_0000,
        bss: 0x4_0000,
        text_offset: Some((0x8000, 0x8000)),
        workspace: 0x2_0000,
        fixed: None,
    }
}

#[test]
fn prints_a_sorted_map() {
    let map = map();
    let placed = place(&Request {
        map: &map,
        reserved: &[],
        kernel: facts(),
        kernel_at: None,
        initrd: Some(Piece::Anywhere(0xe_3a20)),
        tree_size: 0x3000,
    })
    .unwrap();
    let mut plan = BootPlan::from_placement(&map, &placed).unwrap();
    plan.checksum(placed.image, 0xdead);
    plan.arguments = Some("console=ttyAMA0".into());
    assert_eq!(
        plan.to_string(),
        "Entry 0x41448000, device tree 0x480e4000\n\
         [0x40003000-0x41447fff]    20 MiB inflated kernel, its page tables and BSS\n\
         [0x41448000-0x4198d1ff]  5396 KiB image, crc32 0000dead\n\
         [0x4198d204-0x419ad1ff]   127 KiB decompressor's stack and heap\n\
         [0x48000000-0x480e3a1f]   910 KiB initrd\n\
         [0x480e4000-0x480e6fff]    12 KiB device tree\n\
         [0x4f000000-0x4f00ffff]    64 KiB tee\n\
         [0x4ff00000-0x4fffffff]  1024 KiB loader\n\
         Arguments: console=ttyAMA0\n"
    );
    let handoff = plan.into_handoff();
    assert_eq!(handoff.entry.as_u64(), 0x4144_8000);
    assert_eq!(handoff.device_tree.as_u64(), 0x480e_4000);
    assert_eq!(
        handoff.clean.iter().collect::<Vec<_>>(),
        [
            range(0x4144_8000, 0x54_5204),
            range(0x4800_0000, 0xe_3a20),
            range(0x480e_4000, 0x3000),
        ]
    );
}

#[test]
fn says_that_the_image_moves_itself_and_what_ram_is_lost() {
    let map = map();
    let mut request = Request {
        map: &map,
        reserved: &[],
        kernel: facts(),
        kernel_at: Some(PhysAddr::new(0x4800_8000)),
        initrd: None,
        tree_size: 0x3000,
    };
    let plan = BootPlan::from_placement(&map, &place(&request).unwrap()).unwrap();
    let text = plan.to_string();
    assert!(text.contains("moves itself"), "{text}");
    assert!(
        text.contains("RAM below 0x48000000 (0x8000000 bytes) is lost"),
        "{text}"
    );
    request.kernel_at = None;
    let plan = BootPlan::from_placement(&map, &place(&request).unwrap()).unwrap();
    assert!(plan.notes.is_empty());
}

#[test]
fn many_segments_are_gathered_over_ram_only() {
    let map = map();
    let segments: Vec<PhysRange> = (0_u64..20)
        .map(|index| range(0x4000_0000 + index * 0x10_0000, 0x1000))
        .chain([range(0x6000_0000, 0x800)])
        .collect();
    let tree = range(0x4800_0000, 0x1000);
    let plan = BootPlan::new(&map, segments[0].start(), &segments, None, tree).unwrap();
    let clean: Vec<PhysRange> = plan.clean.iter().collect();
    assert!(clean.len() <= MAX_CLEAN_RANGES);
    for segment in &segments {
        assert!(clean.iter().any(|range| range.contains_range(*segment)));
    }
    assert!(clean.iter().all(|range| map.is_ram(*range)));
    let islands = MemoryMap::new(segments.clone(), vec![], vec![]);
    assert_eq!(
        BootPlan::new(&islands, segments[0].start(), &segments, None, tree),
        Err(BootError::TooScattered(21).into())
    );
}
