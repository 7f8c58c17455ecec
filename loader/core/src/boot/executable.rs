//! `bootelf`: an executable whose segments say themselves where they go.

use alloc::{boxed::Box, format, vec::Vec};
use platform_api::{MemoryError, PhysAddr, PhysRange};

use super::{
    BootError, BootPlan, Direction, Ledger, Opened, PlaceError, Search, Wanted,
    placement::place_tree,
    prepared::{Pieces, Prepared},
    source::readable,
    tree::PayloadTree,
};
use crate::{
    commands::CommandError,
    context::Context,
    image::elf::{self, ElfImage},
    storage,
};

#[cfg(test)]
mod tests;

/// Where a file is put while its segments are copied out of it.
const WINDOW: u64 = 1 << 32;
/// Bytes copied at a time: memory is lent out in one piece only.
const CHUNK: usize = 4096;

/// An executable's segments, and the file they are copied out of.
pub(super) struct Segments {
    file: PhysRange,
    image: ElfImage,
    places: Vec<PhysRange>,
}

/// Prepares the boot of an ELF executable, which is entered as a kernel is entered. The file
/// itself is loaded: nobody owns where.
///
/// # Errors
/// The file is none, a segment is not in RAM or somebody's, there is no tree or no room for
/// it, or the machine cannot be handed over.
pub fn prepare_elf(cx: &mut Context<'_>, wanted: Wanted<'_>) -> Result<Prepared, CommandError> {
    let opened = wanted.image.open(cx)?;
    let named = wanted.tree.map(|tree| tree.open(cx)).transpose()?;
    let mut tree = PayloadTree::take(cx, named.as_ref(), wanted.arguments)?;
    let file = whole_file(cx, &opened, &tree)?;
    if let Opened::File(open, _) = &opened {
        storage::read_into(cx, open, 0, file)?;
    }
    let image = elf::parse(cx.machine.memory.bytes(file)?)?;
    let entry = PhysAddr::from(image.entry);
    let room = tree.room(cx)?;

    let mut ledger = Ledger::new(&cx.map, &tree.reserved);
    let file = part(file, 0, extent(&image).min(file.size()))?;
    ledger.claim(file, "ELF file")?;
    let mut places = Vec::with_capacity(image.segments.len());
    for (index, segment) in image.segments.iter().enumerate() {
        let start = PhysAddr::from(segment.paddr);
        let range = PhysRange::from_size(start, u64::from(segment.memsz))
            .ok_or(BootError::Memory(MemoryError::Unaddressable(start)))?;
        ledger.claim(range, format!("segment {index}"))?;
        places.push(range);
    }
    let place = place_tree(&mut ledger, entry, room)?;
    drop(ledger);

    let start = place.start();
    let line = format!("boot {}: entry {entry}, tree {start}\n", wanted.image);
    tree.fix(cx, None, &line)?;
    let mut plan = BootPlan::new(&cx.map, entry, &places, None, place)?;
    for (index, range) in places.iter().enumerate() {
        plan.piece(*range, format!("segment {index}"));
    }
    let segments = Segments {
        file,
        image,
        places,
    };
    Prepared::new(cx, plan, tree, Pieces::Segments(segments), line)
}

/// Returns where the whole file lies or will lie.
fn whole_file(
    cx: &Context<'_>,
    opened: &Opened,
    tree: &PayloadTree,
) -> Result<PhysRange, CommandError> {
    let file = match opened {
        Opened::Memory { at, size } => return Ok(readable(cx, *at, *size)?),
        Opened::File(file, _) => file,
    };
    let window = PhysRange::from_size(PhysAddr::new(0), WINDOW).unwrap_or_default();
    let mut ledger = Ledger::new(&cx.map, &tree.reserved);
    // Nobody owns what was loaded before, but it need not be lost to a refusal. Files that
    // overlap are claimed once: a failure is no reason to stop.
    for loaded in &cx.loaded {
        let _ = ledger.claim(loaded.range, "loaded file");
    }
    // What is staged is given up only when the segments are copied.
    for staged in &cx.map.staged {
        let _ = ledger.claim(staged.range, "staged");
    }
    // From the top: executables are linked near the bottom of RAM.
    let found = ledger.find(Search {
        size: file.size(),
        alignment: CHUNK as u64,
        window,
        direction: Direction::TopDown,
    });
    found.ok_or_else(|| {
        let refused = PlaceError::NoRoom {
            what: "ELF file",
            size: file.size(),
            largest: ledger.largest_free(window),
            window,
        };
        Box::new(refused).into()
    })
}

/// Returns how much of the file is used: `bootelf ADDR` does not know its size.
fn extent(image: &ElfImage) -> u64 {
    let ends = image
        .segments
        .iter()
        .map(|segment| u64::from(segment.offset) + u64::from(segment.filesz));
    ends.max().unwrap_or(0)
}

impl Segments {
    /// Copies the segments to their places and clears what the file does not have of them.
    ///
    /// # Errors
    /// Memory was not granted.
    pub fn load(&self, cx: &mut Context<'_>) -> Result<(), CommandError> {
        let mut buffer = [0; CHUNK];
        for (segment, place) in self.image.segments.iter().zip(&self.places) {
            let memory = &mut *cx.machine.memory;
            let filled = u64::from(segment.filesz);
            let mut done = 0;
            while done < filled {
                let step = (CHUNK as u64).min(filled - done);
                let offset = u64::from(segment.offset) + done;
                let from = part(self.file, offset, step)?;
                let chunk = usize::try_from(step).unwrap_or_default();
                let chunk = buffer.get_mut(..chunk).unwrap_or_default();
                chunk.copy_from_slice(memory.bytes(from)?);
                memory
                    .bytes_mut(part(*place, done, step)?)?
                    .copy_from_slice(chunk);
                done += step;
            }
            let rest = part(*place, filled, place.size().saturating_sub(filled))?;
            if !rest.is_empty() {
                memory.bytes_mut(rest)?.fill(0);
            }
        }
        Ok(())
    }
}

/// Returns `size` bytes of `whole` from `offset` on.
fn part(whole: PhysRange, offset: u64, size: u64) -> Result<PhysRange, MemoryError> {
    whole
        .start()
        .checked_add(offset)
        .and_then(|start| PhysRange::from_size(start, size))
        .filter(|part| whole.contains_range(*part))
        .ok_or(MemoryError::Unaddressable(whole.end()))
}
