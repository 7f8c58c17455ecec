//! The ledger of memory: RAM, and who owns what of it.
//!
//! [`MemoryMap`] is what outlives a command: banks, reservations, the loader itself. A
//! [`Ledger`] is opened on it for one decision and takes that decision's own claims; dropping
//! it gives them back, so a refused plan leaves nothing behind.

use alloc::{borrow::Cow, string::String, vec::Vec};
use core::fmt;

use platform_api::{PhysAddr, PhysRange};

mod error;
#[cfg(test)]
mod tests;

pub use error::ClaimError;

/// A range somebody owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The bytes.
    pub range: PhysRange,
    /// Whose they are, as the map prints it.
    pub owner: String,
}

/// RAM and who owns what of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryMap {
    /// RAM banks, sorted, without overlaps.
    pub ram: Vec<PhysRange>,
    /// Reservations from the tree: they outlive the handoff.
    pub reserved: Vec<Claim>,
    /// The loader itself (image, heap, stacks, tables): free for the payload after the handoff,
    /// but nothing can be placed there before.
    pub loader: Vec<Claim>,
    /// The initrd that the first stage loaded for the payload. Nothing else is placed there, but a
    /// boot may use it, and it is the payload's to free.
    pub initrd: Option<PhysRange>,
    /// What `kexec -l` staged. The next boot that is staged takes its place, so a plan goes over
    /// it; nobody else does.
    pub staged: Vec<Claim>,
}

impl MemoryMap {
    /// Makes a map; the banks are sorted and merged, empty ones dropped.
    pub fn new(ram: Vec<PhysRange>, reserved: Vec<Claim>, loader: Vec<Claim>) -> Self {
        Self {
            ram: merge(&ram),
            reserved,
            loader,
            initrd: None,
            staged: Vec::new(),
        }
    }

    /// Tells whether every byte of `range` is RAM.
    pub fn is_ram(&self, range: PhysRange) -> bool {
        covers(&self.ram, range)
    }

    /// Opens a ledger for one decision.
    pub fn ledger(&self) -> Ledger<'_> {
        Ledger::new(self, &[])
    }
}

/// Whose the first stage's initrd is, as the map prints it.
pub const FIRST_STAGE_INITRD: &str = "first stage's initrd";
/// Whose a /memreserve/ entry is.
pub const MEMRESERVE: &str = "memreserve";
/// What reservations are rounded to by those who write them.
const PAGE: u64 = 4096;

/// Sorts ranges and drops empty ones. There are a handful, mostly sorted: the library's sorts
/// would be a hundredth of the image.
pub(super) fn sorted(ranges: &[PhysRange]) -> Vec<PhysRange> {
    let mut sorted = Vec::with_capacity(ranges.len());
    for range in ranges.iter().filter(|range| !range.is_empty()) {
        let index = sorted.partition_point(|other| other < range);
        sorted.insert(index, *range);
    }
    sorted
}

/// Sorts ranges and joins those that touch or overlap.
fn merge(ranges: &[PhysRange]) -> Vec<PhysRange> {
    let mut merged: Vec<PhysRange> = Vec::with_capacity(ranges.len());
    for range in sorted(ranges) {
        let joined = merged
            .last()
            .filter(|last| range.start() <= last.end())
            .and_then(|last| PhysRange::new(last.start(), last.end().max(range.end())));
        match (joined, merged.last_mut()) {
            (Some(joined), Some(last)) => *last = joined,
            _ => merged.push(range),
        }
    }
    merged
}

/// Tells whether sorted `banks` hold every byte of `range`, over touching banks too.
fn covers(banks: &[PhysRange], range: PhysRange) -> bool {
    let mut at = range.start();
    for bank in banks {
        if at >= range.end() {
            break;
        }
        if bank.contains(at) {
            at = bank.end();
        }
    }
    at >= range.end()
}

/// Who holds a range, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The tree: longer than the handoff.
    Reserved,
    /// The loader: until the handoff.
    Loader,
    /// The first stage, for the payload.
    FirstStage,
    /// The decision at hand.
    Plan,
    /// Nobody.
    Free,
}

/// One line of the map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// The bytes.
    pub range: PhysRange,
    /// Who holds them.
    pub holder: Holder,
    /// Their owner's name, `free` for nobody.
    pub owner: &'a str,
}

/// Which end of a window to fill first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The lowest place.
    BottomUp,
    /// The highest place.
    TopDown,
}

/// What [`Ledger::find`] looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Search {
    /// Bytes needed.
    pub size: u64,
    /// Alignment of the start, a power of two.
    pub alignment: u64,
    /// Where it must lie entirely.
    pub window: PhysRange,
    /// Which end to prefer.
    pub direction: Direction,
}

#[derive(Clone, Debug)]
struct Held<'a> {
    range: PhysRange,
    holder: Holder,
    owner: Cow<'a, str>,
}

/// A map and the claims of one decision. What it grants never overlaps.
#[derive(Clone, Debug)]
pub struct Ledger<'a> {
    ram: &'a [PhysRange],
    /// Sorted by start. Reservations may overlap each other; a plan's claims overlap nothing.
    held: Vec<Held<'a>>,
}

impl<'a> Ledger<'a> {
    /// Opens a ledger on `map`, with `more` reservations (those of a tree given to a command).
    pub fn new(map: &'a MemoryMap, more: &'a [Claim]) -> Self {
        let hold = |holder| {
            move |claim: &'a Claim| Held {
                range: claim.range,
                holder,
                owner: Cow::Borrowed(claim.owner.as_str()),
            }
        };
        let reserved = map.reserved.iter().chain(more);
        let all = reserved
            .map(hold(Holder::Reserved))
            .chain(map.loader.iter().map(hold(Holder::Loader)))
            .chain(map.initrd.map(|range| Held {
                range,
                holder: Holder::FirstStage,
                owner: Cow::Borrowed(FIRST_STAGE_INITRD),
            }))
            .filter(|held| !held.range.is_empty());
        let mut ledger = Self {
            ram: &map.ram,
            held: Vec::new(),
        };
        for held in all {
            ledger.insert(held);
        }
        ledger
    }

    /// Returns the banks.
    pub fn ram(&self) -> &'a [PhysRange] {
        self.ram
    }

    /// Checks that `range` is RAM nobody holds. An empty range is always granted.
    ///
    /// # Errors
    /// [`ClaimError`], naming both parties.
    pub fn check(&self, range: PhysRange, owner: &str) -> Result<(), ClaimError> {
        if range.is_empty() {
            return Ok(());
        }
        if !covers(self.ram, range) {
            return Err(ClaimError::NotRam {
                range,
                owner: owner.into(),
            });
        }
        match self.held.iter().find(|held| held.range.overlaps(range)) {
            None => Ok(()),
            Some(held) => Err(ClaimError::Overlap {
                range,
                owner: owner.into(),
                by: held.range,
                by_owner: held.owner.clone().into_owned(),
                holder: held.holder,
            }),
        }
    }

    /// Rules out `range`, whoever holds it: what the processor cannot reach.
    pub fn rule_out(&mut self, range: PhysRange, why: &'a str) {
        if !range.is_empty() {
            self.insert(Held {
                range,
                holder: Holder::Reserved,
                owner: Cow::Borrowed(why),
            });
        }
    }

    /// Gives up the first stage's initrd, if `range` lies in it, and the /memreserve/ entry that
    /// keeps it too: U-Boot writes one for the initrd it loads.
    pub fn take_over(&mut self, range: PhysRange) {
        let first = self
            .held
            .iter()
            .find(|held| held.holder == Holder::FirstStage && held.range.contains_range(range));
        let Some(first) = first.map(|held| held.range) else {
            return;
        };
        let pages = first.align_outward(PAGE);
        self.held.retain(|held| match held.holder {
            Holder::FirstStage => held.range != first,
            Holder::Reserved => held.owner != MEMRESERVE || held.range.align_outward(PAGE) != pages,
            _ => true,
        });
    }

    fn insert(&mut self, new: Held<'a>) {
        let index = self.held.partition_point(|held| held.range <= new.range);
        self.held.insert(index, new);
    }

    /// Claims `range` for `owner` until the ledger is dropped.
    ///
    /// # Errors
    /// As [`Ledger::check`]; nothing is claimed then.
    pub fn claim(
        &mut self,
        range: PhysRange,
        owner: impl Into<Cow<'a, str>>,
    ) -> Result<(), ClaimError> {
        let owner = owner.into();
        self.check(range, &owner)?;
        if !range.is_empty() {
            let holder = Holder::Plan;
            self.insert(Held {
                range,
                holder,
                owner,
            });
        }
        Ok(())
    }

    /// Finds a free place. Nothing is claimed. `None` also for a size of 0 and an alignment
    /// that is not a power of two.
    pub fn find(&self, search: Search) -> Option<PhysRange> {
        if search.size == 0 {
            return None;
        }
        let mut found = None;
        for gap in self.gaps() {
            let Some(gap) = gap.intersection(search.window) else {
                continue;
            };
            let start = match search.direction {
                Direction::BottomUp => gap.start().align_up(search.alignment),
                Direction::TopDown if search.alignment.is_power_of_two() => gap
                    .end()
                    .checked_sub(search.size)
                    .map(|start| start.align_down(search.alignment)),
                Direction::TopDown => None,
            };
            let fit = start
                .and_then(|start| PhysRange::from_size(start, search.size))
                .filter(|fit| gap.contains_range(*fit));
            if fit.is_some() {
                found = fit;
                if search.direction == Direction::BottomUp {
                    break;
                }
            }
        }
        found
    }

    /// Returns the size of the largest free range inside `window`.
    pub fn largest_free(&self, window: PhysRange) -> u64 {
        self.gaps()
            .filter_map(|gap| gap.intersection(window))
            .map(PhysRange::size)
            .max()
            .unwrap_or(0)
    }

    /// Iterates over free RAM, in order.
    pub fn gaps(&self) -> impl Iterator<Item = PhysRange> + '_ {
        self.walk()
            .filter(|row| row.holder == Holder::Free)
            .map(|row| row.range)
    }

    /// Iterates over all of RAM in order, every byte once: free, or under the name of the one
    /// that holds it (the first of those that overlap).
    pub fn walk(&self) -> impl Iterator<Item = Row<'_>> + '_ {
        self.ram.iter().flat_map(move |bank| Walk {
            held: &self.held,
            at: bank.start(),
            bank: *bank,
        })
    }
}

/// The walk over one bank.
struct Walk<'l, 'a> {
    held: &'l [Held<'a>],
    at: PhysAddr,
    bank: PhysRange,
}

impl<'l> Iterator for Walk<'l, '_> {
    type Item = Row<'l>;

    fn next(&mut self) -> Option<Row<'l>> {
        if self.at >= self.bank.end() {
            return None;
        }
        // Claims that end before here are behind us for good: the walk only goes up.
        while let Some((first, rest)) = self.held.split_first() {
            if first.range.end() > self.at {
                break;
            }
            self.held = rest;
        }
        let (end, holder, owner) = match self.held.first() {
            Some(held) if held.range.start() <= self.at => {
                (held.range.end(), held.holder, held.owner.as_ref())
            }
            Some(held) => (held.range.start(), Holder::Free, "free"),
            None => (self.bank.end(), Holder::Free, "free"),
        };
        let range = PhysRange::new(self.at, end.min(self.bank.end()))?;
        self.at = range.end();
        Some(Row {
            range,
            holder,
            owner,
        })
    }
}

impl fmt::Display for Ledger<'_> {
    /// Prints the map, a line for each row: range, size, owner.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in self.walk() {
            writeln!(f, "{} {} {}", row.range, Size(row.range.size()), row.owner)?;
        }
        Ok(())
    }
}

/// A size for people, right-aligned in nine columns: `  512 KiB`.
pub(super) struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0;
        if size >= 10 << 20 {
            write!(f, "{:>5} MiB", size >> 20)
        } else if size >= 10 << 10 {
            write!(f, "{:>5} KiB", size >> 10)
        } else {
            write!(f, "{size:>5} B  ")
        }
    }
}
