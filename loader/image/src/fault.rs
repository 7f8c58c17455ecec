//! Handoffs that are wrong on purpose: `handoff_fault=NAME` among the payload's arguments chooses
//! one. The controls of the cache checker (docs/cachecheck.md); only with the feature
//! `broken-handoff`.

use alloc::vec::Vec;

use platform_api::{CleanRanges, Handoff, PhysAddr, PhysRange};
use platform_armv7::broken::{
    arm,
    fault::{
        CACHES_ON, DROP, LATE, LEVEL_2_FIRST, MMU_ON, NO_BPIALL, NO_CLEAN, NO_CLEAN_DSB,
        NO_ICIALLU, NO_ISB, NO_LAST_DSB, NO_LEVEL_1, NO_LEVEL_2, NO_SETS, NO_TLBIALLH,
        NO_TLBIALLNSNH, PL1_ON, SETS_DROP, SETS_FIRST, SKIP_SET, SKIP_WAY, STORE, STRIDE,
        UNIFICATION, VECTORS,
    },
};

/// What becomes of the ranges to clean by address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ranges {
    Right,
    NoImage,
    NoInitrd,
    NoTree,
    /// The tree's range ends a line early.
    ShortTree,
    /// The tree's range starts a line late.
    LateTree,
}

use Ranges::{LateTree, NoImage, NoInitrd, NoTree, Right, ShortTree};

/// The faults by name. Where set/way maintenance would make good what the clean by address left
/// out, it is left out too.
const FAULTS: [(&str, u32, Ranges); 31] = [
    ("none", 0, Right),
    ("no-sets", NO_SETS, Right),
    ("no-image", NO_SETS, NoImage),
    ("no-initrd", NO_SETS, NoInitrd),
    ("no-tree", NO_SETS, NoTree),
    ("short-tree", NO_SETS, ShortTree),
    ("late-tree", NO_SETS, LateTree),
    ("no-clean", NO_SETS | NO_CLEAN, Right),
    ("stride", NO_SETS | STRIDE, Right),
    ("unification", NO_SETS | UNIFICATION, Right),
    ("drop", DROP, Right),
    ("store", NO_SETS | STORE, Right),
    ("late-fixup", NO_SETS | LATE, Right),
    ("no-clean-dsb", NO_CLEAN_DSB, Right),
    ("caches-on", CACHES_ON, Right),
    ("sets-first", SETS_FIRST, Right),
    ("no-level-1", NO_CLEAN | NO_LEVEL_1, Right),
    ("no-level-2", NO_CLEAN | NO_LEVEL_2, Right),
    ("skip-way", NO_CLEAN | SKIP_WAY, Right),
    ("skip-set", NO_CLEAN | SKIP_SET, Right),
    ("sets-drop", NO_CLEAN | SETS_DROP, Right),
    ("level-2-first", NO_CLEAN | LEVEL_2_FIRST, Right),
    ("no-iciallu", NO_ICIALLU, Right),
    ("no-tlbiallh", NO_TLBIALLH, Right),
    ("no-tlbiallnsnh", NO_TLBIALLNSNH, Right),
    ("no-last-dsb", NO_LAST_DSB, Right),
    ("pl1-on", PL1_ON, Right),
    ("vectors", VECTORS, Right),
    // By set and way there are ISBs, too.
    ("no-isb", NO_ISB | NO_SETS, Right),
    ("mmu-on", MMU_ON, Right),
    // Harmless: what one step leaves out another makes good, or the core does not need it.
    ("no-bpiall", NO_CLEAN | NO_BPIALL, Right),
];

/// No board's line; a range of it is left out.
const LINE: u64 = 64;

/// Makes a handoff wrong as its payload's arguments say.
pub fn inject(mut handoff: Handoff, own: CleanRanges) -> (Handoff, CleanRanges) {
    let arguments = tree_bytes(handoff.device_tree);
    let Some((_, faults, ranges)) = FAULTS.iter().find(|(name, ..)| is_chosen(arguments, name))
    else {
        arm(0);
        return (handoff, own);
    };
    arm(*faults);
    let changed: Vec<PhysRange> = handoff
        .clean
        .iter()
        .filter_map(|range| change(range, *ranges, &handoff))
        .collect();
    handoff.clean = CleanRanges::default();
    for range in changed {
        // There were as many before.
        let _ = handoff.clean.push(range);
    }
    (handoff, own)
}

fn change(range: PhysRange, ranges: Ranges, handoff: &Handoff) -> Option<PhysRange> {
    let is_tree = range.contains(handoff.device_tree);
    let is_image = range.contains(handoff.entry);
    match ranges {
        NoImage if is_image => None,
        NoInitrd if !is_image && !is_tree => None,
        NoTree if is_tree => None,
        ShortTree if is_tree => PhysRange::new(range.start(), range.end().checked_sub(LINE)?),
        LateTree if is_tree => PhysRange::new(range.start().checked_add(LINE)?, range.end()),
        _ => Some(range),
    }
}

fn tree_bytes(tree: PhysAddr) -> &'static [u8] {
    let Some(address) = tree.as_u32() else {
        return &[];
    };
    let header = address as *const u32;
    // SAFETY: the plan's tree: checked, in RAM that is mapped 1 to 1, with its size in its second
    // word; nobody writes it any more.
    unsafe {
        let size = u32::from_be(*header.add(1));
        core::slice::from_raw_parts(address as *const u8, size as usize)
    }
}

/// Says whether the tree has the words `handoff_fault=NAME`, ended by a space or its string's end.
fn is_chosen(tree: &[u8], name: &str) -> bool {
    const WORD: &[u8] = b"handoff_fault=";
    tree.windows(WORD.len() + name.len() + 1).any(|window| {
        window.strip_prefix(WORD).is_some_and(|rest| {
            rest.strip_prefix(name.as_bytes())
                .is_some_and(|end| matches!(end, [b' ' | 0]))
        })
    })
}
