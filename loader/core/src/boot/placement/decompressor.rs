//! Foreseeing the decompressor: what base it will compute and what it will write.

use alloc::boxed::Box;

use platform_api::{PhysAddr, PhysRange};

use super::{
    IMAGE, ImagePlace, KERNEL, KernelFacts, LOW_MEMORY_BYTES, PAGE, PAGE_TABLES, PlaceError,
    TEXT_OFFSET, no_room, page_up,
};
use crate::boot::{ClaimError, Direction, Holder, Ledger, Search};

/// The alignment of the base that a decompressor assumes: `pc & 0xf8000000`.
const WINDOW: u64 = 128 << 20;
/// The alignment of the base it takes from the tree when the assumed one is not RAM.
const BASE_ALIGNMENT: u64 = 2 << 20;
/// The end of what 32 bits address.
pub(super) const END_OF_32_BITS: PhysAddr = PhysAddr::new(1 << 32);

/// A base of RAM, and the addresses of an image that lead to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Site {
    /// The base the decompressor will compute.
    pub base: PhysAddr,
    /// Where the image must start for that.
    pub window: PhysRange,
}

impl Site {
    /// Foresees the base for an image that starts at `address`, as
    /// `fdt_check_mem_start()` computes it. `None` without RAM below 4 GiB.
    pub fn of(address: PhysAddr, ram: &[PhysRange]) -> Option<Self> {
        let window = PhysRange::from_size(address.align_down(WINDOW), WINDOW)?;
        let assumed = window.start();
        let base = if ram.iter().any(|bank| bank.contains(assumed)) {
            assumed
        } else {
            let lowest = ram.first()?.start();
            lowest.align_up(BASE_ALIGNMENT)?
        };
        (base < END_OF_32_BITS).then_some(Self { base, window })
    }

    /// What a kernel at this base maps linearly, less what lies below its text.
    pub fn low_memory(self, kernel: &KernelFacts) -> PhysRange {
        let text = kernel.text_offset;
        self.above_text(text.map_or(TEXT_OFFSET, |(_, highest)| highest))
    }

    /// The same for a given TEXT_OFFSET.
    pub fn above_text(self, text: u64) -> PhysRange {
        let start = add(self.base, text).min(END_OF_32_BITS);
        let end = add(self.base, LOW_MEMORY_BYTES).min(END_OF_32_BITS);
        PhysRange::new(start, end).unwrap_or_default()
    }
}

/// Iterates over every site that has RAM for an image, from the lowest on.
pub(super) fn sites(ram: &[PhysRange]) -> impl Iterator<Item = Site> + '_ {
    let mut next = PhysAddr::new(0);
    core::iter::from_fn(move || {
        let at = ram
            .iter()
            .map(|bank| bank.start().max(next))
            .zip(ram)
            .find(|(at, bank)| *at < bank.end())?
            .0;
        if at >= END_OF_32_BITS {
            return None;
        }
        let site = Site::of(at, ram)?;
        next = site.window.end();
        Some(site)
    })
}

/// Adds, saturating: an address past the end is in no RAM and refused there.
fn add(address: PhysAddr, offset: u64) -> PhysAddr {
    address
        .checked_add(offset)
        .unwrap_or(PhysAddr::new(u64::MAX))
}

/// Makes a range whose end may have saturated.
fn range(start: PhysAddr, end: PhysAddr) -> PhysRange {
    PhysRange::new(start, end.max(start)).unwrap_or_default()
}

/// The addresses a decompressor will write at its destination.
#[derive(Clone, Copy)]
struct Destination {
    /// The first page table.
    tables: PhysAddr,
    /// The end of the inflated kernel: an image from here on is not in its way.
    inflated: PhysAddr,
    /// The end of its BSS.
    end: PhysAddr,
    /// The end of a decompressor that moved itself behind the inflated kernel.
    moved: PhysAddr,
}

impl Destination {
    fn new(kernel: &KernelFacts, text: (u64, u64), base: PhysAddr) -> Self {
        let tables = add(base, text.0.saturating_sub(PAGE_TABLES));
        let inflated = add(add(base, text.1), kernel.inflated);
        Self {
            tables,
            inflated,
            end: add(inflated, kernel.bss),
            // The slack in the footprint covers the copied relocation code and its alignment.
            moved: add(inflated, kernel.footprint()),
        }
    }

    /// What is written from the page tables to `end`.
    fn to(self, end: PhysAddr) -> PhysRange {
        range(self.tables, end)
    }
}

/// Places a compressed kernel: its image, and all that its decompressor writes.
pub(super) fn place(
    kernel: &KernelFacts,
    text: (u64, u64),
    ledger: &mut Ledger<'_>,
    site: Site,
    at: Option<PhysAddr>,
) -> Result<ImagePlace, Box<PlaceError>> {
    let destination = Destination::new(kernel, text, site.base);
    match at {
        Some(at) => {
            let lowest = add(site.base, text.0);
            if at < lowest {
                return Err(PlaceError::BelowText { given: at, lowest }.into());
            }
            if add(at, PAGE - 1) >= site.window.end() {
                return Err(PlaceError::Boundary(at).into());
            }
            place_there(kernel, destination, ledger, at)
        }
        None => place_somewhere(kernel, destination, ledger, site),
    }
}

/// Claims what an image that starts at `at` and its decompressor use.
fn place_there(
    kernel: &KernelFacts,
    destination: Destination,
    ledger: &mut Ledger<'_>,
    at: PhysAddr,
) -> Result<ImagePlace, Box<PlaceError>> {
    let relocates = at < destination.inflated;
    let end = if relocates {
        destination.end.max(destination.moved)
    } else {
        destination.end
    };
    let writes = destination.to(end);
    let footprint = range(at, add(at, kernel.footprint()));
    if footprint.overlaps(writes) {
        // Above all of it only its own stack and heap reach out of what is written anyway.
        claim_destination(ledger, range(writes.start(), end.max(footprint.end())))?;
    } else {
        claim_destination(ledger, writes)?;
        ledger.claim(footprint, IMAGE)?;
    }
    Ok(ImagePlace {
        image: range(at, add(at, kernel.length)),
        footprint,
        inflated: Some(writes),
        relocates,
    })
}

/// Finds the best place for an image: where it need not move itself.
fn place_somewhere(
    kernel: &KernelFacts,
    destination: Destination,
    ledger: &mut Ledger<'_>,
    site: Site,
) -> Result<ImagePlace, Box<PlaceError>> {
    let writes = destination.to(destination.end);
    check_destination(ledger, writes)?;
    // Only an image that starts in this window makes the decompressor compute this base.
    let lowest = site.window.start();
    let starts_inside = |at: &PhysAddr| *at >= lowest && add(*at, PAGE - 1) < site.window.end();
    let above = PhysRange::new(destination.end.max(lowest), site.window.end());
    let found = above.and_then(|window| {
        ledger.find(Search {
            size: page_up(kernel.footprint()),
            alignment: PAGE,
            window,
            direction: Direction::BottomUp,
        })
    });
    // Without room there: over the BSS to be, which is cleared when the decompressor is done.
    // Without room in the window at all: at the bottom, and it has to move itself.
    let over_bss = destination.inflated.max(lowest).align_up(PAGE);
    let bottom = add(destination.tables, PAGE_TABLES).max(lowest);
    let at = found
        .map(PhysRange::start)
        .or(over_bss.filter(starts_inside))
        .or(bottom.align_up(PAGE).filter(starts_inside));
    match at {
        Some(at) => place_there(kernel, destination, ledger, at),
        None => Err(no_room(ledger, IMAGE, kernel.footprint(), site.window)),
    }
}

fn check_destination(ledger: &Ledger<'_>, writes: PhysRange) -> Result<(), Box<PlaceError>> {
    ledger
        .check(writes, KERNEL)
        .map_err(|error| explain(error, writes))
}

fn claim_destination(ledger: &mut Ledger<'_>, writes: PhysRange) -> Result<(), Box<PlaceError>> {
    ledger
        .claim(writes, KERNEL)
        .map_err(|error| explain(error, writes))
}

/// Tells a piece that would be overwritten from a destination that is not free.
fn explain(error: ClaimError, writes: PhysRange) -> Box<PlaceError> {
    Box::new(match error {
        ClaimError::Overlap {
            holder: Holder::Plan,
            by,
            by_owner,
            ..
        } => PlaceError::Overwritten {
            what: by_owner,
            range: by,
            writes,
        },
        by => PlaceError::Destination { writes, by },
    })
}
