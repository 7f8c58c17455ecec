//! The state of every line of RAM in the caches, as bad as the architecture allows it to be.
//!
//! A cache here has no size: what was written through it stays in it until an instruction gets it
//! out. Where a line is, nobody knows: a dirty line may be in any way of its set, in the first
//! level or already evicted to the second. So a set is clean only when *every* way of it has been
//! cleaned, at the first level and after that at the second. And as long as a CPU's caches are on,
//! every line of RAM may be in them, clean, by speculation: memory written past the caches later
//! is newer than such a line, until the line is invalidated.

/// Bytes in a line: that of Cortex-A7's and Cortex-A15's data caches and of their level 2.
pub const LINE: u32 = 64;
/// Lines that are counted together, so that a walk over all lines can skip what is empty.
const REGION: u32 = 4096;
const NO_WRITER: u32 = 0;

/// In the first level, not only in the second.
const ABOVE_UNIFICATION: u8 = 1 << 0;
/// The instruction cache holds it, and it was written since.
const OLD_INSTRUCTIONS: u8 = 1 << 1;
/// It got stale by who runs now, which had its caches on before.
const OWN_STALE: u8 = 1 << 2;
/// The CPU that wrote it last.
const CPU_SHIFT: u8 = 4;

/// What is wrong with an access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wrong {
    /// Read past the caches; the newest bytes are in a cache.
    ReadDirty,
    /// Written past the caches over bytes that are dirty: their eviction undoes the write.
    WriteOverDirty,
    /// Read through the caches; a line that may be in them is older than memory.
    ReadStale,
    /// Read, after what was written there was invalidated without a clean.
    ReadLost,
    /// Instructions fetched past the level that has the newest bytes.
    FetchDirty,
    /// Instructions fetched from an instruction cache that has older ones.
    FetchStale,
}

/// A wrong access, and whether the state that makes it wrong is older than who runs now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub wrong: Wrong,
    /// It was inherited at the last handoff.
    pub inherited: bool,
}

/// An access to a line.
#[derive(Clone, Copy, Debug)]
pub struct Access {
    /// The line's number.
    pub line: u32,
    /// The bytes of it.
    pub mask: u64,
    /// The CPU.
    pub cpu: u8,
    /// Through the caches.
    pub cached: bool,
}

/// One level of data cache, one instance of it.
#[derive(Clone, Debug, Default)]
pub struct Level {
    sets: u32,
    ways: u32,
    /// The ways of each set done in this pass, when it began, and whether all ops invalidated.
    done: Vec<u64>,
    began: Vec<u32>,
    dropped: Vec<bool>,
    /// When the last complete pass over the set that invalidated it had begun.
    gone: Vec<u32>,
}

impl Level {
    /// Describes a level by its sets and ways, at most 64 ways.
    pub fn new(sets: u32, ways: u32) -> Self {
        let size = sets as usize;
        Self {
            sets,
            ways,
            done: vec![0; size],
            began: vec![0; size],
            dropped: vec![true; size],
            gone: vec![0; size],
        }
    }

    /// Returns sets and ways.
    pub fn geometry(&self) -> (u32, u32) {
        (self.sets, self.ways)
    }

    /// Returns when the line's set was last invalidated, all of it.
    pub fn gone(&self, line: u32) -> u32 {
        let set = line % self.sets.max(1);
        self.gone.get(set as usize).copied().unwrap_or(0)
    }
}

/// A set/way operation.
#[derive(Clone, Copy, Debug)]
pub struct SetWay {
    /// The CPU.
    pub cpu: u8,
    /// 0 for the first level.
    pub level: u32,
    /// The set.
    pub set: u32,
    /// The way.
    pub way: u32,
    /// Dirty bytes are written on.
    pub clean: bool,
    /// The line is dropped.
    pub invalidate: bool,
}

/// A dirty line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dirty {
    /// The line's number.
    pub line: u32,
    /// The address of the instruction that wrote it last.
    pub writer: Option<u32>,
    /// It was cleaned to the point of unification, but not to the point of coherency.
    pub below_unification: bool,
}

/// A line's state: all that an access needs, side by side.
#[derive(Clone, Copy, Debug, bytemuck::Zeroable)]
#[repr(C)]
struct State {
    /// Bytes that a cache has and memory has not.
    dirty: u64,
    /// Bytes that a cache may have older than memory.
    stale: u64,
    /// Bytes that were dirty and are gone.
    lost: u64,
    /// When the line was dirtied, or went to the second level.
    entered: u32,
    /// When memory was written past the caches.
    written: u32,
    /// When the line was last invalidated by address.
    gone: u32,
    /// When the instruction cache took it.
    fetched: u32,
    /// The address of the instruction that wrote it last.
    writer: u32,
    flags: u8,
}

/// All lines of RAM.
#[derive(Debug)]
pub struct Lines {
    /// The number of the first line and how many there are.
    first: u32,
    count: u32,
    state: Vec<State>,
    /// How many lines of each region are dirty or stale.
    busy: Vec<u32>,
    /// Whether a line of the region was ever stale or lost: then a load must look.
    doubtful: Vec<u8>,
    /// How many lines are dirty.
    dirty_lines: u32,
    /// The clock: one more for each maintenance operation.
    now: u32,
    /// When the last handoff was.
    epoch: u32,
}

impl Lines {
    /// Describes RAM of `bytes` from `start`, both multiples of a line.
    pub fn new(start: u64, bytes: u64) -> Self {
        let line = u64::from(LINE);
        let first = (start / line) as u32;
        let count = (bytes / line) as u32;
        let size = count as usize;
        Self {
            first,
            count,
            state: bytemuck::zeroed_vec(size),
            doubtful: vec![0; size.div_ceil(REGION as usize)],
            busy: vec![0; size.div_ceil(REGION as usize)],
            dirty_lines: 0,
            now: 1,
            epoch: 0,
        }
    }

    /// Returns the time.
    pub fn now(&self) -> u32 {
        self.now
    }

    /// Lets time pass, and returns the time.
    pub fn tick(&mut self) -> u32 {
        self.now += 1;
        self.now
    }

    /// Somebody else runs from now on.
    pub fn hand_over(&mut self) {
        self.epoch = self.tick();
    }

    /// Returns how many lines are dirty.
    pub fn dirty_lines(&self) -> u32 {
        self.dirty_lines
    }

    fn index(&self, line: u32) -> Option<usize> {
        let index = line.wrapping_sub(self.first);
        (index < self.count).then_some(index as usize)
    }

    /// Sets a line's dirty and stale bytes and keeps the counts.
    fn set(&mut self, i: usize, dirty: u64, stale: u64) {
        let busy = |dirty: u64, stale: u64| u32::from(dirty | stale != 0);
        let region = i / REGION as usize;
        let before = busy(self.state[i].dirty, self.state[i].stale);
        self.busy[region] = self.busy[region] + busy(dirty, stale) - before;
        self.dirty_lines =
            self.dirty_lines + u32::from(dirty != 0) - u32::from(self.state[i].dirty != 0);
        self.state[i].dirty = dirty;
        self.state[i].stale = stale;
        self.doubtful[region] |= u8::from(stale != 0);
    }

    fn lose(&mut self, i: usize, bytes: u64) {
        self.state[i].lost |= bytes;
        self.doubtful[i / REGION as usize] |= u8::from(bytes != 0);
    }

    /// A store. `speculated`: when the CPU's caches were last on, 0 for never; `gone`: when the
    /// line was last dropped from them by set/way.
    pub fn store(
        &mut self,
        access: Access,
        writer: Option<u32>,
        instructions_since: u32,
        speculated: u32,
        gone: u32,
    ) -> Option<Fault> {
        let i = self.index(access.line)?;
        let mask = access.mask;
        self.state[i].writer = writer.unwrap_or(NO_WRITER);
        if self.state[i].lost != 0 {
            self.state[i].lost &= !mask;
        }
        if self.state[i].fetched >= instructions_since && self.state[i].fetched != 0 {
            self.state[i].flags |= OLD_INSTRUCTIONS;
        }
        if access.cached {
            let (dirty, stale) = (self.state[i].dirty | mask, self.state[i].stale & !mask);
            if dirty != self.state[i].dirty || stale != self.state[i].stale {
                self.set(i, dirty, stale);
            }
            self.state[i].flags = self.state[i].flags & (OLD_INSTRUCTIONS | OWN_STALE)
                | ABOVE_UNIFICATION
                | access.cpu << CPU_SHIFT;
            self.state[i].entered = self.now;
            return None;
        }
        self.state[i].written = self.now;
        if self.state[i].gone.max(gone) < speculated {
            self.set(i, self.state[i].dirty, self.state[i].stale | mask);
            if speculated >= self.epoch {
                self.state[i].flags |= OWN_STALE;
            } else {
                self.state[i].flags &= !OWN_STALE;
            }
        }
        (self.state[i].dirty != 0).then(|| self.dirt(i, Wrong::WriteOverDirty))
    }

    /// A fault for dirty or lost bytes.
    fn dirt(&self, i: usize, wrong: Wrong) -> Fault {
        Fault {
            wrong,
            inherited: self.state[i].entered < self.epoch,
        }
    }

    /// A load, or a table walk.
    pub fn load(&self, access: Access) -> Option<Fault> {
        let i = self.index(access.line)?;
        if access.cached && self.doubtful[i / REGION as usize] == 0 {
            return None;
        }
        if self.state[i].lost & access.mask != 0 {
            return Some(self.dirt(i, Wrong::ReadLost));
        }
        if !access.cached {
            return (self.state[i].dirty & access.mask != 0)
                .then(|| self.dirt(i, Wrong::ReadDirty));
        }
        (self.state[i].stale & access.mask != 0).then(|| Fault {
            wrong: Wrong::ReadStale,
            inherited: self.state[i].flags & OWN_STALE == 0,
        })
    }

    /// A fetch. `kept`: the instruction cache is on, and what it has is not older than
    /// `instructions_since`.
    pub fn fetch(&mut self, access: Access, kept: bool, instructions_since: u32) -> Option<Fault> {
        let i = self.index(access.line)?;
        if kept && self.state[i].fetched >= instructions_since && self.state[i].fetched != 0 {
            return (self.state[i].flags & OLD_INSTRUCTIONS != 0).then(|| Fault {
                wrong: Wrong::FetchStale,
                inherited: self.state[i].fetched < self.epoch,
            });
        }
        if kept {
            self.state[i].fetched = self.now;
            self.state[i].flags &= !OLD_INSTRUCTIONS;
        }
        let above = self.state[i].flags & ABOVE_UNIFICATION != 0;
        if self.state[i].dirty != 0 && (above || !access.cached) {
            return Some(self.dirt(i, Wrong::FetchDirty));
        }
        (self.state[i].lost != 0).then(|| self.dirt(i, Wrong::ReadLost))
    }

    /// Maintenance of the line, by address. Says whether it was dirty.
    pub fn maintain(
        &mut self,
        line: u32,
        clean: bool,
        invalidate: bool,
        unification: bool,
    ) -> bool {
        let now = self.tick();
        let Some(i) = self.index(line) else {
            return false;
        };
        let was = self.state[i].dirty;
        if !clean {
            self.lose(i, was);
        }
        if unification {
            self.state[i].flags &= !ABOVE_UNIFICATION;
            self.state[i].entered = now;
        } else {
            self.set(i, 0, if invalidate { 0 } else { self.state[i].stale });
            self.state[i].flags &= !ABOVE_UNIFICATION;
        }
        if invalidate {
            self.state[i].gone = now;
        }
        was != 0
    }

    /// ICIMVAU: the instruction cache forgets the line.
    pub fn forget_instructions(&mut self, line: u32) {
        self.tick();
        if let Some(i) = self.index(line) {
            self.state[i].fetched = 0;
            self.state[i].flags &= !OLD_INSTRUCTIONS;
        }
    }

    /// An operation by set/way on `levels`, those that the CPU sees. Returns how many lines it
    /// brought to memory.
    pub fn set_way(&mut self, levels: &mut [&mut Level], op: SetWay) -> u32 {
        let now = self.tick();
        let last = op.level as usize + 1 == levels.len();
        let Some(level) = levels.get_mut(op.level as usize) else {
            return 0;
        };
        let set = op.set as usize;
        if op.set >= level.sets || op.way >= level.ways.min(64) {
            return 0;
        }
        if level.done[set] == 0 {
            level.began[set] = now;
            level.dropped[set] = true;
        }
        level.done[set] |= 1 << op.way;
        level.dropped[set] &= op.invalidate;
        let (sets, began) = (level.sets, level.began[set]);
        let full = level.done[set].count_ones() == level.ways.min(64);
        if full {
            level.done[set] = 0;
            if level.dropped[set] {
                level.gone[set] = began;
            }
        }
        if !op.clean {
            self.each_in_set(op.set, sets, |lines, i| {
                let here = last || lines.state[i].flags & ABOVE_UNIFICATION != 0;
                if lines.state[i].dirty != 0 && here {
                    lines.lose(i, lines.state[i].dirty);
                    lines.set(i, 0, lines.state[i].stale);
                }
            });
        }
        if !full {
            return 0;
        }
        self.passed(levels, op, sets, began, last)
    }

    /// Every way of a set was done: what was there when the pass began is one level down.
    fn passed(
        &mut self,
        levels: &[&mut Level],
        op: SetWay,
        sets: u32,
        began: u32,
        last: bool,
    ) -> u32 {
        let (now, first) = (self.now, self.first);
        let mut written = 0;
        self.each_in_set(op.set, sets, |lines, i| {
            let above = lines.state[i].flags & ABOVE_UNIFICATION != 0;
            let ours = lines.state[i].flags >> CPU_SHIFT == op.cpu;
            if lines.state[i].dirty != 0 && lines.state[i].entered < began {
                if last && (!above || op.level == 0 && ours) {
                    lines.set(i, 0, lines.state[i].stale);
                    lines.state[i].flags &= !ABOVE_UNIFICATION;
                    written += 1;
                } else if !last && above && ours {
                    lines.state[i].flags &= !ABOVE_UNIFICATION;
                    lines.state[i].entered = now;
                }
            }
            let line = first + i as u32;
            let gone = levels.iter().map(|level| level.gone(line)).min();
            if last
                && lines.state[i].stale != 0
                && gone.is_some_and(|gone| gone > lines.state[i].written)
            {
                lines.set(i, lines.state[i].dirty, 0);
            }
        });
        written
    }

    /// Calls `each` with every busy line of a set.
    fn each_in_set(&mut self, set: u32, sets: u32, mut each: impl FnMut(&mut Self, usize)) {
        for region in 0..self.busy.len() {
            if self.busy[region] == 0 {
                continue;
            }
            let start = region as u32 * REGION;
            let end = (start + REGION).min(self.count);
            let before = (self.first + start) % sets;
            let mut i = start + (set + sets - before) % sets;
            while i < end {
                if self.state[i as usize].dirty | self.state[i as usize].stale != 0 {
                    each(self, i as usize);
                }
                i += sets;
            }
        }
    }

    /// Returns every dirty line, by address.
    pub fn dirty(&self) -> Vec<Dirty> {
        let regions = self.busy.iter().enumerate();
        regions
            .filter(|(_, busy)| **busy != 0)
            .flat_map(|(region, _)| {
                let start = region as u32 * REGION;
                start..(start + REGION).min(self.count)
            })
            .filter(|i| self.state[*i as usize].dirty != 0)
            .map(|i| Dirty {
                line: self.first + i,
                writer: self.writer_at(i as usize),
                below_unification: self.state[i as usize].flags & ABOVE_UNIFICATION == 0,
            })
            .collect()
    }

    /// Says whether no CPU has written a line since the last handoff.
    pub fn is_unwritten(&self, line: u32) -> bool {
        self.index(line).is_some_and(|i| {
            self.state[i].entered < self.epoch && self.state[i].written < self.epoch
        })
    }

    /// Returns the lines of a range with bytes that were lost.
    pub fn lost(&self, start: u32, end: u32) -> Vec<u32> {
        let lines = start / LINE..end.div_ceil(LINE);
        lines
            .filter(|line| self.index(*line).is_some_and(|i| self.state[i].lost != 0))
            .collect()
    }

    fn writer_at(&self, i: usize) -> Option<u32> {
        (self.state[i].writer != NO_WRITER).then_some(self.state[i].writer)
    }

    /// Returns the address of the instruction that wrote a line last.
    pub fn writer(&self, line: u32) -> Option<u32> {
        self.index(line).and_then(|i| self.writer_at(i))
    }
}

#[cfg(test)]
mod tests;
