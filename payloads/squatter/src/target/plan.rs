//! What is to be done, as plain data.

use witness::Range;
use witness::tree::{Gic, TreeFacts};

use super::tables::Tables;

/// What the squatter's word on the command line begins with.
pub const WORD: &str = "squat=";

/// From where the loader is entered, and what is left on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From HYP, MMU and caches on, mapped to itself.
    Hyp,
    /// From HYP, MMU and caches off, nothing cleaned or invalidated.
    Off,
    /// From SVC, MMU, caches and stage 2 on, under a stub that restarts who asks.
    Svc,
    /// From SVC, stage 2 on, under a stub that takes whatever vectors it is given.
    SvcOld,
    /// From SVC, stage 2 on, under a hypervisor that serves no such call.
    SvcNone,
}

impl Way {
    /// Tells whether the loader is entered in PL1.
    pub fn is_guest(self) -> bool {
        matches!(self, Self::Svc | Self::SvcOld | Self::SvcNone)
    }
}

/// Reads the way, and whether the other CPUs are left running.
pub fn parse(bootargs: &str) -> Option<(Way, bool)> {
    let mut words = bootargs.split_ascii_whitespace();
    let word = words.find_map(|word| word.strip_prefix(WORD))?;
    let (way, rest) = word.split_once(',').unwrap_or((word, ""));
    let cpus = match rest {
        "" => false,
        "cpus" => true,
        _ => return None,
    };
    let way = match way {
        "hyp" => Way::Hyp,
        "off" => Way::Off,
        "svc" => Way::Svc,
        "svc-old" => Way::SvcOld,
        "svc-none" => Way::SvcNone,
        _ => return None,
    };
    Some((way, cpus))
}

/// Memory to work in.
pub struct Layout {
    /// The tables of three regimes.
    pub tables: &'static mut Tables,
    /// The tree that the loader is given.
    pub tree: &'static mut [u8],
    /// HYP's stack grows down from here.
    pub stack_top: usize,
}

/// Bytes for the tree, and for the stack at least.
const TREE: usize = 96 << 10;
const STACK: usize = 16 << 10;

impl Layout {
    /// Divides page-aligned memory.
    pub fn new(memory: &'static mut [u8]) -> Option<Self> {
        let (tables, rest) = memory.split_at_mut_checked(size_of::<Tables>())?;
        let (tree, stack) = rest.split_at_mut_checked(TREE)?;
        if stack.len() < STACK || tables.as_ptr().align_offset(4096) != 0 {
            return None;
        }
        // SAFETY: aligned and long enough, any bytes are tables, and nobody else has them.
        let tables = unsafe { &mut *tables.as_mut_ptr().cast::<Tables>() };
        let stack_top = stack.as_ptr_range().end as usize & !7;
        Some(Self {
            tables,
            tree,
            stack_top,
        })
    }
}

/// Finds the loader: the initrd, where a zImage can be entered.
pub fn loader(facts: &TreeFacts<'_>) -> Option<Place> {
    let initrd = facts.initrd().filter(|initrd| facts.in_ram(*initrd))?;
    let start = u32::try_from(initrd.start).ok()?;
    let size = u32::try_from(initrd.end - initrd.start).ok()?;
    start.is_multiple_of(4096).then_some(Place { start, size })
}

/// Bytes at an address.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The first one.
    pub start: u32,
    /// How many.
    pub size: u32,
}

impl Place {
    /// Returns the first address after it.
    pub fn end(self) -> u32 {
        self.start + self.size
    }
}

/// Everything `occupy` needs.
pub struct Plan {
    /// The way.
    pub way: Way,
    /// The loader's image, in memory.
    pub image: Place,
    /// Its tree, in memory.
    pub tree: Place,
    /// Where both are copied to through the cache, 4 KiB-aligned.
    pub copy: u32,
    /// Windows of free RAM to leave dirty lines in.
    pub dirty: [Place; 3],
    /// Two neighbouring 2 MiB blocks of RAM where the loader will live.
    pub home: u32,
    /// The tables, made.
    pub tables: *mut Tables,
    /// The interrupt controller.
    pub gic: Option<Gic>,
}

const MIB: u32 = 1 << 20;
/// What 32-bit Linux maps: the loader moves to its top.
const LOW_MEMORY: u64 = 760 << 20;

impl Plan {
    /// Finds places in the first bank of RAM. `None` if it is smaller than 128 MiB.
    pub fn new(
        way: Way,
        facts: &TreeFacts<'_>,
        image: Place,
        tree: &[u8],
        tables: &'static mut Tables,
    ) -> Option<Self> {
        let bank = facts.memory.first()?;
        let size = (bank.end - bank.start).min(LOW_MEMORY);
        let start = u32::try_from(bank.start).ok()?;
        let size = u32::try_from(size).ok().filter(|size| *size >= 128 * MIB)?;
        let top = (start + size) & !(2 * MIB - 1);
        let tree = Place {
            start: tree.as_ptr() as u32,
            size: u32::try_from(tree.len()).ok()?,
        };
        let window = |start| Place {
            start,
            size: 4 * MIB,
        };
        let in_ram = |address: u32| {
            let block = Range::sized(u64::from(address), u64::from(2 * MIB));
            facts.memory.iter().any(|bank| bank.overlaps(block))
        };
        tables.fill(in_ram);
        Some(Self {
            way,
            image,
            tree,
            copy: (image.end() + 2 * MIB) & !(MIB - 1),
            // Where the loader goes, where it loads a kernel, and in between.
            dirty: [
                window(top - 4 * MIB),
                window(start + 16 * MIB),
                window(start + 64 * MIB),
            ],
            home: top - 4 * MIB,
            tables,
            gic: facts.gic,
        })
    }
}
