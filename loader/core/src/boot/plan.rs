//! The plan of a handoff: what was decided, as plain data.
//!
//! Nothing in it knows an architecture. It is what `bootz -n` prints and, by
//! [`BootPlan::into_handoff`], all that the last steps get.

use alloc::{borrow::Cow, boxed::Box, string::String, vec::Vec};
use core::fmt;

use platform_api::{CleanRanges, Handoff, MAX_CLEAN_RANGES, PhysAddr, PhysRange, WatchdogPolicy};

use super::{
    BootError, Holder, MemoryMap, Placement,
    memory_map::{Size, sorted},
};

#[cfg(test)]
mod tests;

/// One line of the plan's map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The bytes.
    pub range: PhysRange,
    /// What lies there.
    pub what: Cow<'static, str>,
    /// It is loaded for the payload, which has a checksum.
    pub loaded: bool,
    /// Their CRC-32, where it was computed.
    pub crc32: Option<u32>,
}

/// The validated description of a handoff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BootPlan {
    /// Where the payload is entered.
    pub entry: PhysAddr,
    /// What is entered: one image, the four zeroed bytes behind it included, or the segments
    /// of an executable.
    pub kernel: Vec<PhysRange>,
    /// The image alone, as its checksum counts it.
    pub image: Option<PhysRange>,
    /// The initial RAM disk.
    pub initrd: Option<PhysRange>,
    /// The device tree, with room to grow.
    pub tree: PhysRange,
    /// The payload's arguments, if they are not the tree's own.
    pub arguments: Option<String>,
    /// What must be cleaned for the payload.
    pub clean: CleanRanges,
    /// One raw character before each step of the handoff.
    pub verbose: bool,
    /// What becomes of the watchdogs.
    pub watchdog: WatchdogPolicy,
    /// The map, sorted.
    pub parts: Vec<Part>,
    /// What a user should know of it.
    pub notes: Vec<String>,
}

impl BootPlan {
    /// Plans the handoff to an image that was placed.
    ///
    /// # Errors
    /// As [`BootPlan::new`].
    pub fn from_placement(map: &MemoryMap, placed: &Placement) -> Result<Self, Box<BootError>> {
        // The four bytes behind the image are ours too: they are zeroed.
        let end = placed.image.end().checked_add(4);
        let image = end
            .and_then(|end| PhysRange::new(placed.image.start(), end))
            .unwrap_or(placed.image);
        let entry = placed.image.start();
        let mut plan = Self::new(map, entry, &[image], placed.initrd, placed.tree)?;
        plan.piece(placed.image, IMAGE);
        plan.image = Some(placed.image);
        if let Some(inflated) = placed.inflated {
            plan.part(inflated, "inflated kernel, its page tables and BSS");
            let scratch = PhysRange::new(image.end(), placed.footprint.end());
            plan.part(scratch.unwrap_or_default(), "decompressor's stack and heap");
        } else {
            let rest = PhysRange::new(image.end(), placed.footprint.end());
            plan.part(rest.unwrap_or_default(), "image at run time");
        }
        if placed.relocates {
            plan.note(
                "The decompressor moves itself behind the inflated kernel first: a second copy.",
            );
        }
        if placed.lost > 0 {
            let base = placed.base;
            let lost = placed.lost;
            plan.notes.push(alloc::format!(
                "RAM below {base} ({lost:#x} bytes) is lost to the kernel."
            ));
        }
        Ok(plan)
    }

    /// Plans a handoff to `entry` inside `kernel`, whose ranges were claimed.
    ///
    /// # Errors
    /// [`BootError::TooScattered`] if there is more to clean than a handoff can be told.
    pub fn new(
        map: &MemoryMap,
        entry: PhysAddr,
        kernel: &[PhysRange],
        initrd: Option<PhysRange>,
        tree: PhysRange,
    ) -> Result<Self, Box<BootError>> {
        let mut clean = CleanRanges::default();
        let mut ranges = gather(map, kernel, MAX_CLEAN_RANGES - 2)?;
        ranges.extend(initrd);
        ranges.push(tree);
        for range in ranges {
            if !clean.push(range) {
                return Err(BootError::TooScattered(kernel.len()).into());
            }
        }
        let mut plan = Self {
            entry,
            kernel: kernel.to_vec(),
            image: None,
            initrd,
            tree,
            arguments: None,
            clean,
            verbose: false,
            watchdog: WatchdogPolicy::Keep,
            parts: Vec::new(),
            notes: Vec::new(),
        };
        for row in map.ledger().walk() {
            let used = row.holder == Holder::FirstStage
                && initrd.is_some_and(|initrd| initrd.overlaps(row.range));
            if row.holder != Holder::Free && !used {
                plan.part(row.range, String::from(row.owner));
            }
        }
        if let Some(initrd) = initrd {
            plan.piece(initrd, INITRD);
        }
        plan.piece(tree, TREE);
        Ok(plan)
    }

    /// Adds a line to the map; an empty range has none.
    pub fn part(&mut self, range: PhysRange, what: impl Into<Cow<'static, str>>) {
        self.line(range, what.into(), false);
    }

    /// Adds a piece that is loaded to the map.
    pub fn piece(&mut self, range: PhysRange, what: impl Into<Cow<'static, str>>) {
        self.line(range, what.into(), true);
    }

    fn line(&mut self, range: PhysRange, what: Cow<'static, str>, loaded: bool) {
        if range.is_empty() {
            return;
        }
        let part = Part {
            range,
            what,
            loaded,
            crc32: None,
        };
        let index = self
            .parts
            .partition_point(|other| other.range <= part.range);
        self.parts.insert(index, part);
    }

    /// Adds something to know.
    pub fn note(&mut self, text: &str) {
        self.notes.push(text.into());
    }

    /// Notes the CRC-32 of the piece that is exactly `range`.
    pub fn checksum(&mut self, range: PhysRange, crc32: u32) {
        let same = |part: &&mut Part| part.range == range && part.loaded;
        if let Some(part) = self.parts.iter_mut().find(same) {
            part.crc32 = Some(crc32);
        }
    }

    /// Returns every byte that is loaded, piece by piece, with their names: the image, or the
    /// segments; the four bytes behind an image; the initrd; the tree.
    pub fn pieces(&self) -> Vec<(PhysRange, Cow<'static, str>)> {
        let loaded = self.parts.iter().filter(|part| part.loaded);
        let mut pieces: Vec<_> = loaded.map(|part| (part.range, part.what.clone())).collect();
        if let (Some(image), [kernel]) = (self.image, self.kernel.as_slice())
            && let Some(behind) = PhysRange::new(image.end(), kernel.end())
        {
            pieces.push((behind, Cow::Borrowed("the word behind the image")));
        }
        pieces
    }

    /// Reduces the plan to what the last steps need.
    pub fn into_handoff(self) -> Handoff {
        self.handoff()
    }

    /// Returns what the last steps need, to have it checked.
    pub fn handoff(&self) -> Handoff {
        Handoff {
            entry: self.entry,
            device_tree: self.tree.start(),
            clean: self.clean,
            verbose: self.verbose,
            watchdog: self.watchdog,
        }
    }
}

/// The names of the pieces.
pub(super) const IMAGE: &str = "image";
pub(super) const INITRD: &str = "initrd";
pub(super) const TREE: &str = "device tree";

/// Reduces ranges to at most `limit`, by joining neighbours over RAM between them: what is
/// cleaned too much costs time, but what is not RAM cannot be cleaned.
fn gather(
    map: &MemoryMap,
    ranges: &[PhysRange],
    limit: usize,
) -> Result<Vec<PhysRange>, Box<BootError>> {
    let mut gathered = sorted(ranges);
    while gathered.len() > limit {
        let nearest = gathered
            .iter()
            .zip(gathered.iter().skip(1))
            .enumerate()
            .filter_map(|(index, (one, next))| {
                let end = one.end().max(next.end());
                let both = PhysRange::new(one.start(), end)?;
                map.is_ram(both).then_some((both.size(), index, both))
            })
            .min();
        let Some((_, index, both)) = nearest else {
            return Err(BootError::TooScattered(ranges.len()).into());
        };
        gathered.remove(index);
        if let Some(next) = gathered.get_mut(index) {
            *next = both;
        }
    }
    Ok(gathered)
}

impl fmt::Display for BootPlan {
    /// Prints the map: range, size, what, checksum.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tree = self.tree.start();
        writeln!(f, "Entry {}, device tree {tree}", self.entry)?;
        for part in &self.parts {
            write!(
                f,
                "{} {} {}",
                part.range,
                Size(part.range.size()),
                part.what
            )?;
            if let Some(crc32) = part.crc32 {
                write!(f, ", crc32 {crc32:08x}")?;
            }
            writeln!(f)?;
        }
        for note in &self.notes {
            writeln!(f, "{note}")?;
        }
        if let Some(arguments) = &self.arguments {
            writeln!(f, "Arguments: {arguments}")?;
        }
        Ok(())
    }
}
