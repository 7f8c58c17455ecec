//! What a payload finds when it is entered: the state, the tree, the console.

use report_format::Arguments;
use witness::crc::crc32;
use witness::survey::{Machine, Started, Survey, callable};
use witness::tree::{Conduit, Tree, TreeError, TreeFacts};
use witness::{EntryState, Evidence, ImageFacts};

use crate::{entry, psci, report, secondary};

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

    fn call(&mut self, conduit: Conduit, function: u32, arguments: [u32; 3]) -> (u32, u32) {
        psci::probe(conduit, function, arguments)
    }

    fn start(&mut self, conduit: Conduit, affinity: u32) -> Started {
        secondary::start(conduit, affinity)
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

/// What was found at entry.
pub struct Scene {
    /// The processor at the first instruction.
    pub state: &'static EntryState,
    /// The tree's bytes, if r2 points to a tree.
    pub blob: Option<&'static [u8]>,
    /// The tree's facts, or why there are none.
    pub tree: Result<TreeFacts<'static>, TreeError>,
    /// The words of the command line that every payload knows.
    pub arguments: Arguments,
    argument_error: Option<report_format::ArgumentError<'static>>,
    uart_flags: Option<u32>,
}

impl Scene {
    /// Looks around, once: reads the tree and takes over its console.
    pub fn open() -> Self {
        let state = entry::state();
        let [_, _, r2, ..] = state.general;
        let blob = tree_bytes(r2);
        let tree = blob
            .and_then(Tree::new)
            .and_then(|tree| TreeFacts::gather(&tree));
        let facts = tree.as_ref().ok();
        let mut uart_flags = None;
        if let Some(uart) = facts.and_then(|facts| facts.uart) {
            // SAFETY: the tree says that such a UART is there.
            unsafe { report::set_console(uart) };
            uart_flags = Some(report::console().flags());
        }
        report::console().enable();
        let bootargs = facts.and_then(|facts| facts.bootargs).unwrap_or("");
        let (arguments, argument_error) = Arguments::parse(bootargs);
        report::set_end(
            arguments.then,
            facts.and_then(|facts| callable(facts, state)),
        );
        Self {
            state,
            blob: blob.ok(),
            tree,
            arguments,
            argument_error,
            uart_flags,
        }
    }

    /// Asks the machine everything; starts each CPU that is off, and has it stop again.
    pub fn survey(&self) -> Survey {
        match &self.tree {
            Ok(facts) => Survey::take(&mut Board, facts, self.state),
            Err(_) => Survey::default(),
        }
    }

    /// Gathers all there is to judge.
    pub fn evidence<'a>(&'a self, survey: &'a Survey) -> Evidence<'a> {
        let length = entry::image_length(self.state.base);
        Evidence {
            state: self.state,
            image: ImageFacts {
                length,
                word_after: word_after(self.state.base, length),
            },
            initrd_crc: self.tree.as_ref().ok().and_then(initrd_crc),
            survey,
            tree: self.tree.as_ref().map_err(|error| *error),
            arguments: self.arguments,
            argument_error: self.argument_error,
            uart_flags: self.uart_flags,
        }
    }

    /// Prints what was found, for who reads a report that failed.
    pub fn print(&self, evidence: &Evidence<'_>) {
        crate::findings::print(evidence, self.blob);
    }
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

/// Takes the memory behind the image's file that its run-time size includes: free to use once
/// everything was judged.
///
/// # Safety
/// Called once; nothing else refers to it.
pub unsafe fn scratch() -> &'static mut [u8] {
    const ALIGNMENT: u32 = 4096;
    let base = entry::state().base;
    let start = (base + entry::image_length(base)).next_multiple_of(ALIGNMENT);
    let end = base + entry::run_time_size(base);
    let size = end.saturating_sub(start);
    // SAFETY: whoever entered us read the same header, and left that much to us; the caller
    // says that there is no other reference.
    unsafe { core::slice::from_raw_parts_mut(start as *mut u8, size as usize) }
}
