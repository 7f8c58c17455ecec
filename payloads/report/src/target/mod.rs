//! What touches the machine: entry, console, firmware, faults, memory.

mod entry;
mod faults;
mod findings;
mod psci;
mod report;
mod uart;

use aarch32_rt::entry;
use report_format::Arguments;
use witness::crc::crc32;
use witness::survey::{Machine, Survey, callable};
use witness::tree::{Conduit, Tree, TreeError, TreeFacts};
use witness::{Evidence, ImageFacts};

/// The machine itself.
struct Board;

impl Machine for Board {
    fn read(&mut self, address: u32) -> u32 {
        // SAFETY: the survey reads registers of devices that the tree says are there, and
        // none whose reading changes anything.
        unsafe { (address as *const u32).read_volatile() }
    }

    fn affinity_info(&mut self, conduit: Conduit, affinity: u32) -> i32 {
        psci::affinity_info(conduit, affinity)
    }
}

/// Borrows physical memory that nobody writes any more.
///
/// # Safety
/// The bytes are readable memory outside everything this payload writes.
unsafe fn memory<'a>(start: u32, size: u32) -> &'a [u8] {
    // SAFETY: the caller says so.
    unsafe { core::slice::from_raw_parts(start as *const u8, size as usize) }
}

/// Borrows the tree r2 points to.
fn tree_bytes<'a>(address: u32) -> Result<&'a [u8], TreeError> {
    if address == 0 || !address.is_multiple_of(4) {
        return Err(TreeError::Magic(0));
    }
    // SAFETY: whoever entered us says that r2 is the tree's address. If that is a lie the read
    // faults, and the fault is reported.
    let size = Tree::total_size(unsafe { memory(address, 8) })?;
    if address.checked_add(size).is_none() {
        return Err(TreeError::Size(size));
    }
    // SAFETY: as above, for as many bytes as the tree says it has.
    Ok(unsafe { memory(address, size) })
}

/// Sums the initrd, if it lies in RAM.
fn initrd_crc(facts: &TreeFacts<'_>) -> Option<u32> {
    let initrd = facts.initrd().filter(|initrd| facts.in_ram(*initrd))?;
    let start = u32::try_from(initrd.start).ok()?;
    let size = u32::try_from(initrd.end - initrd.start).ok()?;
    // SAFETY: it lies in what the tree says is RAM, and this payload writes to itself alone.
    Some(crc32(unsafe { memory(start, size) }))
}

#[entry]
fn main() -> ! {
    let state = entry::state();
    let [_, _, r2, ..] = state.general;
    let blob = tree_bytes(r2);
    let tree = blob
        .and_then(Tree::new)
        .and_then(|tree| TreeFacts::gather(&tree));
    let none = TreeFacts::default();
    let facts = tree.as_ref().unwrap_or(&none);

    let mut uart_flags = None;
    if let Some(base) = facts.pl011.and_then(|base| u32::try_from(base).ok()) {
        // SAFETY: the tree says that a PL011 is there.
        unsafe { report::set_console(base) };
        uart_flags = Some(report::console().flags());
    }
    report::console().enable();
    let (arguments, argument_error) = Arguments::parse(facts.bootargs.unwrap_or(""));
    report::set_end(arguments.then, callable(facts, state));

    let survey = Survey::take(&mut Board, facts, state);
    let length = entry::image_length(state.base);
    let evidence = Evidence {
        state,
        image: ImageFacts {
            length,
            word_after: word_after(state.base, length),
        },
        initrd_crc: initrd_crc(facts),
        survey: &survey,
        tree: tree.as_ref().map_err(|error| *error),
        arguments,
        argument_error,
        uart_flags,
    };
    findings::print(&evidence, blob.ok());
    witness::judge(&evidence, &mut report::Printer);
    report::finish()
}

/// Reads the four bytes after the image as a big-endian word.
fn word_after(base: u32, length: u32) -> u32 {
    let Some(after) = base.checked_add(length) else {
        return 0;
    };
    // SAFETY: an image is followed by at least its run-time size's worth of RAM; the length is
    // the header's, whose sum was compared or printed.
    let bytes = unsafe { memory(after, 4) };
    bytes.try_into().map_or(0, u32::from_be_bytes)
}
