//! Where the pieces of a boot go: a pure function from facts to a [`Placement`].
//!
//! What it must foresee is the decompressor of a Linux zImage. Its facts, from
//! `arch/arm/boot/compressed/head.S`, `fdt_check_mem_start.c` and
//! `Documentation/arch/arm/booting.rst`:
//! - it takes the 128 MiB-aligned address below itself for the base of RAM if the device tree
//!   calls that RAM, else the lowest bank, rounded up to 2 MiB;
//! - it writes 16 KiB of page tables below base + TEXT_OFFSET (an LPAE kernel 20 KiB), and the
//!   kernel from there on; the kernel then clears its BSS behind itself;
//! - behind its own end it uses a stack and a heap;
//! - it first copies itself behind the inflated kernel, unless it lies there already. Placed
//!   well it need not: no byte is moved twice.

use alloc::boxed::Box;

use platform_api::{PhysAddr, PhysRange};

use super::{Claim, Direction, Ledger, MemoryMap, Search, home::LOW_MEMORY_BYTES};
use crate::image::zimage::ZImage;

mod decompressor;
mod error;
#[cfg(test)]
mod tests;

use decompressor::{Site, sites};
pub use error::PlaceError;

/// Distance from the base of RAM that initrd and tree keep, where there is room (booting.rst).
const ABOVE_KERNEL: u64 = 128 << 20;
/// The largest tree: a kernel maps two sections from the one the tree starts in.
const MAX_TREE: u64 = 1 << 20;
/// Everything is placed on pages.
const PAGE: u64 = 4096;
/// TEXT_OFFSET of nearly every kernel.
const TEXT_OFFSET: u64 = 0x8000;
/// The largest TEXT_OFFSET in Linux's `arch/arm/Makefile`. A kernel that does not say its own
/// gets room for either.
const LARGEST_TEXT_OFFSET: u64 = 0x30_8000;
/// Page tables below TEXT_OFFSET: an LPAE kernel's, the largest.
const PAGE_TABLES: u64 = 0x5000;
/// Heap of a decompressor that does not say its own.
const MALLOC: u64 = 0x1_0000;
/// The decompressor's stack, and room for its BSS and its relocation code.
const STACK_AND_SLACK: u64 = 0x1000 + 0xf000;
/// How far a kernel without a size table is assumed to inflate.
const INFLATION: u64 = 5;

/// What placement must know of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelFacts {
    /// Bytes of the file.
    pub length: u64,
    /// Bytes after the file that the image claims too.
    pub beyond: u64,
    /// Bytes once inflated; of a payload that runs where it lies, its run-time size.
    pub inflated: u64,
    /// Bytes of BSS behind that.
    pub bss: u64,
    /// Lowest and highest TEXT_OFFSET it may have; `None` for a payload that runs where it lies.
    pub text_offset: Option<(u64, u64)>,
    /// Bytes of stack and heap that the decompressor takes behind its own end.
    pub workspace: u64,
    /// The only address it runs at.
    pub fixed: Option<PhysAddr>,
}

impl From<&ZImage> for KernelFacts {
    fn from(image: &ZImage) -> Self {
        let length = u64::from(image.length);
        let beyond = u64::from(image.beyond);
        let inflated = image.inflated.map_or(
            length.saturating_add(beyond).saturating_mul(INFLATION),
            u64::from,
        );
        let text_offset = match image.text_offset {
            Some(0) => None,
            Some(offset) => Some((u64::from(offset), u64::from(offset))),
            None => Some((TEXT_OFFSET, LARGEST_TEXT_OFFSET)),
        };
        let malloc = image.malloc.map_or(MALLOC, u64::from).max(MALLOC);
        Self {
            length,
            beyond,
            inflated,
            bss: u64::from(image.bss),
            text_offset,
            workspace: malloc.saturating_add(STACK_AND_SLACK),
            fixed: (image.start != 0).then(|| PhysAddr::from(image.start)),
        }
    }
}

impl KernelFacts {
    /// Bytes needed from the image's first byte on, while it runs where it was put.
    fn footprint(&self) -> u64 {
        let file = self.length.saturating_add(self.beyond);
        if self.text_offset.is_some() {
            file.saturating_add(self.workspace)
        } else {
            // The four bytes behind the image are zeroed, whatever it is.
            let run_time = self.inflated.saturating_add(self.bss);
            run_time.max(file.saturating_add(4))
        }
    }
}

/// A piece that goes with the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// So many bytes, wherever there is room.
    Anywhere(u64),
    /// It lies there already.
    At(PhysRange),
}

/// What is to be placed, and around what.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// RAM, reservations, the loader.
    pub map: &'a MemoryMap,
    /// Reservations of a tree given for this boot.
    pub reserved: &'a [Claim],
    /// The image.
    pub kernel: KernelFacts,
    /// Where it lies, if it does already.
    pub kernel_at: Option<PhysAddr>,
    /// The initial RAM disk.
    pub initrd: Option<Piece>,
    /// Bytes the tree needs, room to grow included.
    pub tree_size: u64,
}

/// Where everything goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The base of RAM as the decompressor will compute it.
    pub base: PhysAddr,
    /// The image as it is entered.
    pub image: PhysRange,
    /// Image, stack and heap: what the image uses where it lies.
    pub footprint: PhysRange,
    /// What the decompressor writes: page tables, kernel, BSS, and itself if it moves. `None`
    /// for a payload that runs where it lies.
    pub inflated: Option<PhysRange>,
    /// The initial RAM disk.
    pub initrd: Option<PhysRange>,
    /// The device tree, with room to grow.
    pub tree: PhysRange,
    /// The decompressor will have to move itself first.
    pub relocates: bool,
    /// RAM below `base`, which the kernel will not use.
    pub lost: u64,
}

/// Places everything, or says why not.
///
/// # Errors
/// Names the piece and the range that do not fit, and what to try.
pub fn place(request: &Request<'_>) -> Result<Placement, Box<PlaceError>> {
    if request.tree_size > MAX_TREE {
        return Err(PlaceError::TreeTooBig(request.tree_size).into());
    }
    let mut ledger = Ledger::new(request.map, request.reserved);
    let beyond = PhysRange::new(decompressor::END_OF_32_BITS, PhysAddr::new(u64::MAX));
    ledger.rule_out(beyond.unwrap_or_default(), "(32 bits do not address it)");
    if let Some(Piece::At(range)) = request.initrd {
        ledger.take_over(range);
        ledger.claim(range, INITRD)?;
    }
    if let Some(at) = fixed_address(request)? {
        let site = Site::of(at, ledger.ram()).ok_or(PlaceError::NoRam)?;
        return place_at(request, ledger, site, Some(at));
    }
    let mut first_error = None;
    for site in sites(ledger.ram()) {
        match place_at(request, ledger.clone(), site, None) {
            Ok(placement) => return Ok(placement),
            // The lowest site is the natural one: its reason is the one to tell.
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    Err(first_error.unwrap_or_else(|| PlaceError::NoRam.into()))
}

const INITRD: &str = "initrd";
const IMAGE: &str = "image";
const TREE: &str = "device tree";
const KERNEL: &str = "inflated kernel";

/// Returns where the image must be: where it lies, or where it was linked for.
fn fixed_address(request: &Request<'_>) -> Result<Option<PhysAddr>, Box<PlaceError>> {
    let Some(start) = request.kernel.fixed else {
        return Ok(request.kernel_at);
    };
    let linked = PhysRange::from_size(start, request.kernel.length)
        .ok_or(PlaceError::LinkedOutsideRam(start))?;
    if !request.map.is_ram(linked) {
        return Err(PlaceError::LinkedOutsideRam(start).into());
    }
    match request.kernel_at {
        Some(given) if given != start => Err(PlaceError::LinkedElsewhere { given, start }.into()),
        _ => Ok(Some(start)),
    }
}

/// Places everything for one base of RAM.
fn place_at(
    request: &Request<'_>,
    mut ledger: Ledger<'_>,
    site: Site,
    at: Option<PhysAddr>,
) -> Result<Placement, Box<PlaceError>> {
    let kernel = &request.kernel;
    let image = match kernel.text_offset {
        Some(text) => decompressor::place(kernel, text, &mut ledger, site, at)?,
        None => place_payload(kernel, &mut ledger, site, at)?,
    };
    let low = site.low_memory(kernel);
    let initrd = match request.initrd {
        None => None,
        Some(Piece::At(range)) => Some(check_initrd(range, low)?),
        Some(Piece::Anywhere(0)) => None,
        Some(Piece::Anywhere(size)) => {
            Some(place_piece(&mut ledger, site.base, low, size, INITRD)?)
        }
    };
    let tree = place_piece(&mut ledger, site.base, low, request.tree_size.max(1), TREE)?;
    let banks = ledger.ram().iter();
    let lost = banks
        .map_while(|bank| PhysRange::new(bank.start(), bank.end().min(site.base)))
        .map(PhysRange::size)
        .sum();
    Ok(Placement {
        base: site.base,
        image: image.image,
        footprint: image.footprint,
        inflated: image.inflated,
        initrd,
        tree,
        relocates: image.relocates,
        lost: if image.inflated.is_some() { lost } else { 0 },
    })
}

/// Finds a place for the tree of a payload that is entered at `entry`, and claims it.
///
/// # Errors
/// No room, or no RAM.
pub(super) fn place_tree(
    ledger: &mut Ledger<'_>,
    entry: PhysAddr,
    size: u64,
) -> Result<PhysRange, Box<PlaceError>> {
    if size > MAX_TREE {
        return Err(PlaceError::TreeTooBig(size).into());
    }
    let site = Site::of(entry, ledger.ram()).ok_or(PlaceError::NoRam)?;
    place_piece(ledger, site.base, site.above_text(TEXT_OFFSET), size, TREE)
}

/// The image's part of a placement.
struct ImagePlace {
    image: PhysRange,
    footprint: PhysRange,
    inflated: Option<PhysRange>,
    relocates: bool,
}

/// Places a payload that runs where it lies.
fn place_payload(
    kernel: &KernelFacts,
    ledger: &mut Ledger<'_>,
    site: Site,
    at: Option<PhysAddr>,
) -> Result<ImagePlace, Box<PlaceError>> {
    let window = site.low_memory(kernel);
    let size = kernel.footprint();
    let footprint = match at {
        Some(at) => PhysRange::from_size(at, size),
        None => ledger.find(Search {
            size: page_up(size),
            alignment: PAGE,
            window,
            direction: Direction::BottomUp,
        }),
    };
    let footprint = footprint.ok_or_else(|| no_room(ledger, IMAGE, size, window))?;
    ledger.claim(footprint, IMAGE)?;
    let image = PhysRange::from_size(footprint.start(), kernel.length).unwrap_or(footprint);
    Ok(ImagePlace {
        image,
        footprint,
        inflated: None,
        relocates: false,
    })
}

/// Refuses an initrd that no kernel from this base can map.
fn check_initrd(range: PhysRange, low: PhysRange) -> Result<PhysRange, Box<PlaceError>> {
    if low.contains_range(range) {
        Ok(range)
    } else {
        Err(PlaceError::OutsideLowMemory {
            what: INITRD,
            range,
            low,
        }
        .into())
    }
}

/// Finds and claims a place for the initrd or the tree: well above the kernel, else below that
/// from the top.
fn place_piece(
    ledger: &mut Ledger<'_>,
    base: PhysAddr,
    low: PhysRange,
    size: u64,
    what: &'static str,
) -> Result<PhysRange, Box<PlaceError>> {
    let above = base
        .checked_add(ABOVE_KERNEL)
        .unwrap_or(low.end())
        .clamp(low.start(), low.end());
    let windows = [
        (PhysRange::new(above, low.end()), Direction::BottomUp),
        (PhysRange::new(low.start(), above), Direction::TopDown),
    ];
    let found = windows.into_iter().find_map(|(window, direction)| {
        ledger.find(Search {
            size: page_up(size),
            alignment: PAGE,
            window: window?,
            direction,
        })
    });
    let found = found.ok_or_else(|| no_room(ledger, what, size, low))?;
    ledger.claim(found, what)?;
    // The claim is whole pages, so that a device may write whole blocks.
    Ok(PhysRange::from_size(found.start(), size).unwrap_or(found))
}

fn no_room(
    ledger: &Ledger<'_>,
    what: &'static str,
    size: u64,
    window: PhysRange,
) -> Box<PlaceError> {
    Box::new(PlaceError::NoRoom {
        what,
        size,
        largest: ledger.largest_free(window),
        window,
    })
}

/// Rounds up to whole pages; what overflows stays too large for any place.
fn page_up(size: u64) -> u64 {
    size.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX)
}
