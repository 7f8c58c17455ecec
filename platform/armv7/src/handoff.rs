//! The handoff: the last page's arguments, and the call that does not return.

use platform_api::{CleanRanges, Handoff, MAX_CLEAN_RANGES, PhysRange, RawUart};

use crate::cache;

/// How many ranges the last page can clean: the payload's and the loader's own.
const RANGES: usize = MAX_CLEAN_RANGES + 5;

/// What handoff.S loads with one LDM, in its order.
#[repr(C)]
struct LastPage {
    entry: u32,
    tree: u32,
    ranges: *const [u32; 2],
    count: usize,
    line: u32,
    uart: RawUart,
}

const _: () = assert!(size_of::<LastPage>() == 8 * 4, "handoff.S loads 8 words");

unsafe extern "C" {
    fn hand_off_asm(page: *const LastPage) -> !;
}

/// Passes the machine on.
///
/// # Safety
/// The plan was checked: `entry` is an image's first instruction, the tree is in place, no
/// device can still write memory, the other CPUs are off. `own` is every byte of the loader's
/// memory that may be dirty. Whatever is mapped is mapped 1 to 1.
pub unsafe fn hand_off(handoff: &Handoff, own: &CleanRanges, uart: RawUart) -> ! {
    let mut ranges = [[0_u32; 2]; RANGES];
    let mut count = 0;
    for (slot, range) in ranges
        .iter_mut()
        .zip(handoff.clean.iter().chain(own.iter()))
    {
        *slot = addresses(range);
        count += 1;
    }
    let page = LastPage {
        entry: handoff.entry.as_u32().unwrap_or(0),
        tree: handoff.device_tree.as_u32().unwrap_or(0),
        ranges: ranges.as_ptr(),
        count,
        line: cache::data_line(),
        uart: if handoff.verbose {
            uart
        } else {
            RawUart::default()
        },
    };
    // SAFETY: the caller's word; `page` and `ranges` are on the stack, which is mapped and is
    // read before the caches go off.
    unsafe { hand_off_asm(&raw const page) }
}

/// Returns a range as handoff.S takes it; the end of the address space, which is no address, as
/// the last one.
fn addresses(range: PhysRange) -> [u32; 2] {
    match range.start().as_u32() {
        Some(start) => [start, range.end().as_u32().unwrap_or(u32::MAX)],
        // Not below 4 GiB: never mapped, so never written.
        None => [0, 0],
    }
}

unsafe extern "C" {
    fn call_caches_off(entry: u32, argc: u32, argv: *const *const u8) -> u32;
}

/// Calls a program with MMU and caches off and returns its result, MMU and caches on again.
///
/// # Safety
/// `entry` is code in RAM that keeps the AAPCS and leaves the loader's memory alone; `argv`
/// holds `argc` pointers to NUL-terminated strings. The other CPUs are off.
pub unsafe fn call(entry: u32, argc: u32, argv: *const *const u8) -> u32 {
    // SAFETY: the caller's word. Everything dirty is cleaned first, and what follows until
    // `restore` runs at the same addresses without translation.
    let result = unsafe { call_caches_off(entry, argc, argv) };
    crate::mmu::enable::restore();
    result
}
