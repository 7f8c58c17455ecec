//! The rules of "what a payload is owed", one by one.
//!
//! Sources: Linux's `Documentation/arch/arm/booting.rst` (registers, modes, masks, MMU and
//! caches off, the tree's place), Xen's `docs/misc/arm/booting.txt`, and for the registers'
//! fields the ARM Architecture Reference Manual, ARMv7-A and ARMv7-R edition (DDI 0406C), B4.1.

mod entry;
mod hyp;
mod kernel;
mod machine;
mod places;
mod processors;
mod trees;

use report_format::{ArgumentError, Arguments, Line, Value, Verdict};

use crate::survey::Survey;
use crate::tree::{TreeError, TreeFacts};
use crate::{EntryState, Range};

/// Where the lines go.
pub trait Sink {
    /// Takes one line.
    fn line(&mut self, line: Line<'_>);
}

/// Everything that is known when the judging begins.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// The processor at entry.
    pub state: &'a EntryState,
    /// The image.
    pub image: ImageFacts,
    /// The tree's facts, or why there are none.
    pub tree: Result<&'a TreeFacts<'a>, TreeError>,
    /// What the command line told.
    pub arguments: Arguments,
    /// The word of the command line that could not be read.
    pub argument_error: Option<ArgumentError<'a>>,
    /// The initrd's CRC-32, if there is an initrd in RAM.
    pub initrd_crc: Option<u32>,
    /// What was asked of the machine.
    pub survey: &'a Survey,
    /// `UARTFR` of the console before the first character was written.
    pub uart_flags: Option<u32>,
}

/// The image where it lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImageFacts {
    /// The file's length in bytes, from the header.
    pub length: u32,
    /// The four bytes after the file, as a big-endian word.
    pub word_after: u32,
}

impl Evidence<'_> {
    /// Returns the image's place.
    fn image(&self) -> Range {
        Range::sized(u64::from(self.state.base), u64::from(self.image.length))
    }

    /// Returns the tree's place, if r2 points to one.
    fn tree_range(&self) -> Option<Range> {
        let size = self.tree.ok()?.size;
        let [_, _, address, ..] = self.state.general;
        Some(Range::sized(u64::from(address), u64::from(size)))
    }

    /// Returns the initrd's place, if the tree names one.
    fn initrd(&self) -> Option<Range> {
        self.tree.ok()?.initrd()
    }
}

/// Judges everything, in a fixed order.
pub fn judge(evidence: &Evidence<'_>, sink: &mut dyn Sink) {
    let mut rules = Rules { sink };
    entry::judge(evidence.state, &mut rules);
    hyp::judge(evidence, &mut rules);
    kernel::judge(evidence.state, &mut rules);
    machine::judge(evidence, &mut rules);
    processors::judge(evidence, &mut rules);
    trees::judge(evidence, &mut rules);
    places::judge(evidence, &mut rules);
    for (name, text) in UNSEEN {
        rules.sink.line(Line::Info { name, text });
    }
}

/// What is owed as well, but leaves no mark that software could read.
const UNSEEN: &[(&str, &str)] = &[
    (
        "caches.clean",
        "unseen: whether every line was cleaned to memory",
    ),
    (
        "caches.icache",
        "unseen: whether the I-cache and branch predictor are empty",
    ),
    ("tlb.hyp", "unseen: whether HYP's TLB is empty"),
    ("tlb.pl1", "unseen: whether PL1's non-secure TLB is empty"),
    ("devices.dma", "unseen: devices other than virtio-mmio"),
    ("watchdog", "unseen: no watchdog is looked for"),
];

/// Why a HYP rule does not apply.
const NOT_HYP: &str = "not entered in HYP";

/// Writes verdicts.
struct Rules<'s> {
    sink: &'s mut dyn Sink,
}

impl Rules<'_> {
    fn verdict(&mut self, name: &str, verdict: Verdict<'_>) {
        self.sink.line(Line::Rule { name, verdict });
    }

    /// Passes if it holds; else says what was found and what is owed.
    fn holds<'v>(
        &mut self,
        name: &str,
        holds: bool,
        got: impl Into<Value<'v>>,
        want: impl Into<Value<'v>>,
    ) {
        let verdict = if holds {
            Verdict::Pass
        } else {
            Verdict::Fail {
                got: got.into(),
                want: want.into(),
            }
        };
        self.verdict(name, verdict);
    }

    /// The value is owed exactly.
    fn equal<'v, T: PartialEq + Into<Value<'v>>>(&mut self, name: &str, got: T, want: T) {
        self.holds(name, got == want, got, want);
    }

    /// The bits under `mask` are owed as in `want`, the others are free.
    fn masked(&mut self, name: &str, got: u32, mask: u32, want: u32) {
        self.equal(name, got & mask, want);
    }

    fn skip(&mut self, name: &str, reason: &str) {
        self.verdict(name, Verdict::Skip { reason });
    }
}

#[cfg(test)]
mod tests;
