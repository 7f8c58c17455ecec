//! Before the move: finds the tree and chooses where to live.
//!
//! Runs where the caller put the image, with MMU and caches off, without heap and without
//! zeroed statics: everything is on the stack.

use baton_core::{
    boot::home::{choose_home, stay_home},
    devicetree::{blob_size, early},
};
use platform_api::{PhysAddr, PhysRange};
use platform_armv7::{
    entry::{EARLY_INFO_SIZE, EntryState},
    layout,
};

/// Bytes from the home's start to the end of its heap.
pub const HOME_SIZE: u64 = 4 << 20;

/// No board's tree is larger; a header that says so is not believed.
const MAX_TREE_SIZE: usize = 16 << 20;

/// The header's words that must be there before anything else is read.
const HEADER_SIZE: usize = 40;

/// More arguments than this and r0 is no `go`'s argc.
const MAX_ARGUMENTS: u32 = 16;

/// Longest hexadecimal address with its `0x`.
const MAX_ADDRESS_TEXT: usize = 10;

/// What is found before the move and used after it.
#[derive(Default)]
pub struct EarlyInfo {
    /// Where the tree lies; `None` if there is none.
    pub tree: Option<PhysRange>,
    /// The address that was given for the tree, if one was.
    pub given: Option<u32>,
    /// There was no tree there, so one was looked for and found.
    pub searched: bool,
    /// Memory as the tree tells it; where it tells of none, what else is known.
    pub memory: early::EarlyMemory,
    /// The tree tells of no memory, and nobody else did: `memory` is what must be there.
    pub assumed: bool,
    /// The memory the home occupies.
    pub home: PhysRange,
}

const _: () = assert!(size_of::<EarlyInfo>() <= EARLY_INFO_SIZE);

/// Finds the tree, reads memory from it, and returns the address to live at: the top of low
/// memory, or where the image is now if there is no room or no tree.
///
/// # Safety
/// Called once by entry.S with the state it saved and EARLY_INFO_SIZE writable bytes.
#[unsafe(no_mangle)]
unsafe extern "C" fn baton_choose_home(state: &EntryState, info: *mut EarlyInfo) -> u32 {
    let mut found = EarlyInfo::default();
    let given = given_tree(state);
    if let Some(address) = given {
        read_tree(address, &mut found);
    }
    if found.tree.is_none() {
        search(state, &mut found);
    }
    if found.memory.banks.is_empty() {
        assume_memory(state, &mut found);
    }
    found.given = given;
    let here = PhysAddr::from(state.load_address);
    found.home = place(here, &found)
        .or_else(|| PhysRange::from_size(here, layout::image().size()))
        .unwrap_or_default();
    let home = found.home.start();
    // SAFETY: the caller's word; the memory holds nothing yet.
    unsafe { info.write(found) };
    home.as_u32().unwrap_or(state.load_address)
}

/// Returns the memory to live in, if there is a tree to tell.
fn place(here: PhysAddr, found: &EarlyInfo) -> Option<PhysRange> {
    let own = PhysRange::from_size(here, layout::image().size())?;
    let others = [found.tree?, found.memory.initrd.unwrap_or_default()];
    let reserved = found.memory.reserved.iter().chain(&found.memory.no_map);
    let others = others.iter().chain(reserved);
    let taken = others.clone().chain([&own]);
    match choose_home(&found.memory.banks, taken, HOME_SIZE) {
        Some(home) => PhysRange::from_size(home, HOME_SIZE),
        None => stay_home(&found.memory.banks, others, own, HOME_SIZE),
    }
}

/// Returns the tree's address as the caller gave it: r2 by the kernel's protocol, the second
/// word of `go ADDR FDT_ADDR` by U-Boot's.
fn given_tree(state: &EntryState) -> Option<u32> {
    match state.r0 {
        0 => Some(state.r2).filter(|&address| address != 0),
        1 => None,
        2..=MAX_ARGUMENTS => parse_address(argument(state, 1)?),
        // Neither protocol: try r2, which is checked like any other tree.
        _ => Some(state.r2),
    }
}

/// Returns a word of `go`'s, if it was `go` and there is one.
fn argument(state: &EntryState, index: u32) -> Option<*const u8> {
    if !(2..=MAX_ARGUMENTS).contains(&state.r0) || index >= state.r0 {
        return None;
    }
    let index = usize::try_from(index).ok()?;
    // SAFETY: argc is above the index, so that argv has it by U-Boot's contract (do_go passes its
    // own argv), a NUL-terminated string.
    Some(unsafe { (state.r1 as *const *const u8).add(index).read_volatile() })
}

/// `go ADDR FDT_ADDR START SIZE` with a tree that tells of no memory, which is what U-Boot adds to a
/// tree only when it boots a kernel: the words say it. Without them it is what must be RAM because
/// the image and the tree are in it, the 64 MiB of each: enough for a prompt to say so.
fn assume_memory(state: &EntryState, found: &mut EarlyInfo) {
    const BLOCK: u64 = 64 << 20;
    let Some(tree) = found.tree else {
        return;
    };
    let word = |index| argument(state, index).and_then(parse_address);
    let said = word(2).and_then(|start| {
        let size = word(3).filter(|size| *size != 0)?;
        PhysRange::from_size(start.into(), size.into())
    });
    if let Some(bank) = said {
        let _ = found.memory.banks.try_push(bank);
        return;
    }
    found.assumed = true;
    let mut push = |address: PhysAddr| {
        let block = PhysRange::from_size(address.align_down(BLOCK), BLOCK);
        let known = |bank: &PhysRange| Some(*bank) == block;
        if let Some(block) = block.filter(|_| !found.memory.banks.iter().any(known)) {
            let _ = found.memory.banks.try_push(block);
        }
    };
    push(state.load_address.into());
    push(tree.start());
}

/// Parses a hexadecimal NUL-terminated string as U-Boot's commands do.
fn parse_address(text: *const u8) -> Option<u32> {
    let mut value: u32 = 0;
    let mut digits = 0;
    for offset in 0..=MAX_ADDRESS_TEXT {
        // SAFETY: every byte up to the NUL belongs to the caller's string.
        let byte = unsafe { text.add(offset).read_volatile() };
        match (byte, offset) {
            (0, _) => return Some(value).filter(|_| digits > 0),
            (b'x' | b'X', 1) if value == 0 => digits = 0,
            _ => {
                let digit = char::from(byte).to_digit(16)?;
                value = value.checked_mul(16)?.checked_add(digit)?;
                digits += 1;
            }
        }
    }
    None
}

/// Reads the memory map from the tree at `address`, if there is one.
fn read_tree(address: u32, found: &mut EarlyInfo) {
    if let Some(blob) = blob(address)
        && let Ok(memory) = early::memory(blob)
    {
        let size = u64::try_from(blob.len()).unwrap_or(0);
        found.tree = PhysRange::from_size(PhysAddr::from(address), size);
        found.memory = memory;
    }
}

/// Borrows what lies at `address` if it begins like a tree. With the MMU off.
pub fn blob(address: u32) -> Option<&'static [u8]> {
    // No slice may start at 0, and no tree of a caller's does.
    if address == 0 || !address.is_multiple_of(4) {
        return None;
    }
    // SAFETY: the caller's address or a word-aligned one near our own: MMU off, so a read of
    // RAM succeeds, and elsewhere an abort parks us, there being nobody to tell.
    let header = unsafe { core::slice::from_raw_parts(address as *const u8, HEADER_SIZE) };
    let size = blob_size(header)
        .ok()
        .filter(|&size| size <= MAX_TREE_SIZE)?;
    // SAFETY: as above; the size is the blob's own and the check looks at its used part alone.
    Some(unsafe { core::slice::from_raw_parts(address as *const u8, size) })
}

/// `go` without a tree: looks for one at the page starts below the image, in the 256 MiB that
/// hold it, where first stages keep theirs (QEMU: the start of RAM). A tree counts if it says
/// that the image's own address is RAM, or tells of no memory at all.
fn search(state: &EntryState, found: &mut EarlyInfo) {
    const MAGIC: u32 = 0xd00d_feed;
    const STEP: usize = 4096;
    let here = state.load_address;
    let first = here & !0x0fff_ffff;
    for address in (first..here).step_by(STEP) {
        // SAFETY: word-aligned; below the image in its own 256 MiB, RAM on every known board.
        let word = unsafe { (address as *const u32).read_volatile() };
        if u32::from_be(word) != MAGIC {
            continue;
        }
        let mut candidate = EarlyInfo::default();
        read_tree(address, &mut candidate);
        let mut banks = candidate.memory.banks.iter();
        let fits = banks.len() == 0 || banks.any(|bank| bank.contains(PhysAddr::from(here)));
        if candidate.tree.is_some() && fits {
            candidate.searched = true;
            *found = candidate;
            return;
        }
    }
}
