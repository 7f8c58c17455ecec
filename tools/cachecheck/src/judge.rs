//! Judges a handoff: at the first instruction of what is entered, and by its accesses until the
//! next one or the end.

use std::collections::BTreeMap;

use crate::{
    checker::{Checker, Counts, Finding, Place},
    cpu::{DATA, INSTRUCTIONS, MMU, Regime},
    lines::{LINE, Wrong},
    payload::{Payload, Range},
};

/// Lines of findings printed of one handoff.
const PRINTED: usize = 10_000;

/// Kind and the rest of the line.
type Violation = (String, String);

/// A handoff that is being judged.
#[derive(Clone, Debug)]
pub struct Handoff {
    number: u32,
    payload: Payload,
    violations: Vec<Violation>,
}

/// What a payload is entered with.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Where and in which state.
    pub place: Place,
    /// The image's first byte.
    pub at: u32,
    /// r0 and r2.
    pub r0: u32,
    /// See `r0`.
    pub r2: u32,
}

impl Handoff {
    /// Judges what can be seen at the first instruction.
    pub fn open(checker: &mut Checker, entry: Entry) -> Self {
        checker.report.handoffs += 1;
        let payload = Payload::read(entry.at, entry.r2, &checker.ram);
        let mut handoff = Self {
            number: checker.report.handoffs,
            payload,
            violations: Vec::new(),
        };
        let mistakes = std::mem::take(&mut checker.mistakes);
        let counts = checker.counts;
        let on = checker.cpu(entry.place.cpu).bank(entry.place.regime).sctlr & (MMU | DATA);
        handoff.print_head(checker, entry, on != 0);
        handoff.print_counts(checker, counts);
        // `go` (argc in r0) leaves caches on: then the accesses alone are judged.
        if on == 0 || entry.r0 == 0 {
            if on != 0 {
                handoff.violation("mmu-on", format!("entered with MMU or caches on: {on:#x}"));
            }
            for (kind, text) in mistakes.iter().filter(|(kind, _)| *kind == "dsb") {
                handoff.violation(kind, text.clone());
            }
            handoff.judge_registers(checker, entry);
            handoff.judge_lines(checker);
        }
        let pending = handoff.pending(checker, entry.place);
        checker.start_afresh();
        checker.pending = pending;
        handoff
    }

    fn pending(&self, checker: &mut Checker, place: Place) -> crate::checker::Pending {
        let cpu = checker.cpu(place.cpu);
        let times = cpu.times;
        let pl1_is_on = cpu.bank(Regime::Pl1).sctlr & MMU != 0;
        let in_hyp = place.regime == Regime::Hyp;
        let empty = if in_hyp {
            times.non_hyp_empty
        } else {
            times.non_hyp_empty.max(times.pl1_empty)
        };
        crate::checker::Pending {
            hyp: times.hyp_on > times.hyp_empty,
            // What the TLB holds after a reset nobody knows (DDI 0406C B3.9.1).
            pl1: empty == 0 || times.pl1_on > empty || pl1_is_on,
        }
    }

    fn violation(&mut self, kind: &str, text: String) {
        self.violations.push((kind.to_owned(), text));
    }

    fn print_head(&self, checker: &mut Checker, entry: Entry, on: bool) {
        let regime = match entry.place.regime {
            Regime::Hyp => "hyp",
            Regime::Pl1 => "pl1",
            Regime::Secure => "secure",
        };
        let parts: Vec<String> = self
            .payload
            .parts()
            .map(|(name, (start, end))| format!("{name} {start:08x}..{end:08x}"))
            .collect();
        let caches = if on { "on" } else { "off" };
        checker.report.note(&format!(
            "handoff {} entry {:08x} cpu {} {regime} caches {caches} {}",
            self.number,
            entry.at,
            entry.place.cpu,
            parts.join(" ")
        ));
    }

    fn print_counts(&self, checker: &mut Checker, counts: Counts) {
        checker.report.note(&format!(
            "handoff {} lines dirty {} device {} by-address {} by-address-dirty {} by-set {} by-set-dirty {}",
            self.number,
            counts.dirty,
            counts.device,
            counts.by_address,
            counts.by_address_dirty,
            counts.by_set,
            counts.by_set_dirty
        ));
    }

    fn judge_registers(&mut self, checker: &mut Checker, entry: Entry) {
        let place = entry.place;
        let cpu = checker.cpu(place.cpu);
        let (times, banks) = (cpu.times, cpu.banks);
        let (outstanding, unsynchronised) = (cpu.outstanding, cpu.unsynchronised);
        if place.regime == Regime::Hyp {
            let pl1 = banks[Regime::Pl1 as usize].sctlr & (MMU | DATA);
            if pl1 != 0 {
                self.violation("pl1-on", format!("PL1's MMU or caches are on: {pl1:#x}"));
            }
            let vectors = banks[Regime::Hyp as usize].vbar;
            if let Some(part) = self.payload.part(vectors) {
                self.violation("vectors", format!("HVBAR {vectors:08x} is in the {part}"));
            }
        }
        if outstanding != 0 {
            self.violation(
                "dsb",
                format!("{outstanding} maintenance operations and no DSB after them"),
            );
        }
        if unsynchronised {
            self.violation(
                "isb",
                "no ISB after MMU and caches were turned off".to_owned(),
            );
        }
        // With the I-cache off nothing comes into it any more. Where it is left on, which is
        // allowed, what was translated for others must not be in it.
        let control = banks[place.regime as usize].sctlr;
        let since = if control & INSTRUCTIONS == 0 {
            times.fetched
        } else {
            times.off
        };
        if since != 0 && times.instructions < since {
            self.violation(
                "icache",
                "no ICIALLU after MMU and caches were turned off".to_owned(),
            );
        }
        if times.cached != 0 && !checker.all_gone_since(place.cpu, times.cached) {
            self.violation(
                "speculation",
                "no invalidation of all data caches after they were turned off: lines that came \
                 in by speculation are older than what is written now"
                    .to_owned(),
            );
        }
    }

    /// What is dirty or lost when nobody will clean it any more.
    fn judge_lines(&mut self, checker: &mut Checker) {
        let lost: Vec<(u32, String)> = self
            .payload
            .parts()
            .flat_map(|(_, (start, end))| checker.lines.lost(start, end))
            .map(|line| (line, String::new()))
            .collect();
        let dirty: Vec<(u32, String)> = checker
            .lines
            .dirty()
            .iter()
            .map(|line| {
                let level = if line.below_unification {
                    " cleaned to the point of unification alone"
                } else {
                    ""
                };
                (line.line, level.to_owned())
            })
            .collect();
        for (kind, lines) in [("lost", lost), ("dirty", dirty)] {
            for text in self.ranges(checker, &lines) {
                self.violation(kind, text);
            }
        }
    }

    /// Joins neighbours of the same owner and writer.
    fn ranges(&self, checker: &Checker, lines: &[(u32, String)]) -> Vec<String> {
        let mut ranges: Vec<(u32, u32, String)> = Vec::new();
        for (line, more) in lines {
            let address = line * LINE;
            let owner = self.owner(checker, address);
            let writer = checker.lines.writer(*line);
            let named = writer.and_then(|pc| function_at(checker, pc));
            let by = named.unwrap_or_else(|| code_at(writer));
            let text = format!("owner {owner} writer {}{more}", function(&by));
            match ranges.last_mut() {
                Some((_, end, last)) if *end == *line && *last == text => *end += 1,
                _ => ranges.push((*line, line + 1, text)),
            }
        }
        ranges
            .into_iter()
            .map(|(start, end, text)| {
                let bytes = u64::from(end) * u64::from(LINE);
                format!(
                    "{:08x}..{bytes:08x} lines {} {text}",
                    start * LINE,
                    end - start
                )
            })
            .collect()
    }

    fn owner(&self, checker: &Checker, address: u32) -> &'static str {
        if let Some(part) = self.payload.part(address) {
            return part;
        }
        if checker.tables.contains(&(address >> 12)) {
            return "tables";
        }
        let named = checker
            .programs
            .iter()
            .find_map(|program| program.place(address, &checker.ram));
        named.unwrap_or_else(|| {
            let page = address >> 12;
            let near = checker.stacks.range(page.saturating_sub(1)..=page + 1);
            if near.count() > 0 { "stack" } else { "other" }
        })
    }

    /// The last word: at the next handoff or at the end.
    pub fn close(mut self, checker: &mut Checker) {
        let mistakes: Vec<_> = checker
            .mistakes
            .iter()
            .filter(|(kind, _)| kind.starts_with("tlb"))
            .cloned()
            .collect();
        for (kind, text) in mistakes {
            self.violation(kind, text);
        }
        let pending = checker.pending;
        for (left, kind, what) in [
            (pending.hyp, "tlb-hyp", "TLBIALLH"),
            (pending.pl1, "tlb-pl1", "TLBIALLNSNH"),
        ] {
            if left {
                self.violation(
                    kind,
                    format!("no {what} after the MMU was on, nor by who was entered"),
                );
            }
        }
        let (inherited, own) = self.accesses(checker);
        for (kind, text) in inherited {
            self.violation(&kind, text);
        }
        for (kind, text) in own.iter().take(PRINTED) {
            checker
                .report
                .note(&format!("handoff {} own {kind} {text}", self.number));
        }
        for (kind, text) in self.violations.iter().take(PRINTED) {
            checker
                .report
                .note(&format!("handoff {} VIOLATION {kind} {text}", self.number));
        }
        if let Some(more) = self.violations.len().checked_sub(PRINTED + 1) {
            checker
                .report
                .note(&format!("handoff {} and {} more", self.number, more + 1));
        }
        let verdict = if self.violations.is_empty() {
            "CLEAN"
        } else {
            "VIOLATION"
        };
        checker
            .report
            .note(&format!("handoff {} verdict {verdict}", self.number));
    }

    /// The wrong accesses, by kind and by who did them: those that this handoff must answer for,
    /// and those that are the payload's own affair. What a program whose ELF file was given does
    /// wrong by itself counts too: it is ours.
    fn accesses(&self, checker: &Checker) -> (Vec<Violation>, Vec<Violation>) {
        let mut grouped: BTreeMap<(bool, String, String), Vec<(u32, String)>> = BTreeMap::new();
        for finding in &checker.findings {
            let named = finding.by.and_then(|pc| function_at(checker, pc));
            let ours = finding.inherited || named.is_some();
            let by = named.unwrap_or_else(|| self.code(finding.by));
            let key = (ours, kind(finding).to_owned(), by);
            grouped
                .entry(key)
                .or_default()
                .push((finding.line, String::new()));
        }
        let (mut inherited, mut own) = (Vec::new(), Vec::new());
        for ((ours, kind, by), lines) in grouped {
            for text in self.ranges(checker, &lines) {
                let list = if ours { &mut inherited } else { &mut own };
                list.push((kind.clone(), format!("{text} by {by}")));
            }
        }
        (inherited, own)
    }

    /// Names code of the payload's, or of nobody's that is known.
    fn code(&self, pc: Option<u32>) -> String {
        let part = pc.and_then(|pc| self.payload.part(pc));
        part.map_or_else(|| code_at(pc), |part| format!("the-{part}"))
    }

    /// Returns the image's range.
    pub fn image(&self) -> Range {
        self.payload.image
    }
}

fn kind(finding: &Finding) -> &'static str {
    match (finding.wrong, finding.walk) {
        (Wrong::ReadDirty, false) => "read-dirty",
        (Wrong::ReadDirty, true) => "walk-dirty",
        (Wrong::WriteOverDirty, _) => "write-over-dirty",
        (Wrong::ReadStale, false) => "read-stale",
        (Wrong::ReadStale, true) => "walk-stale",
        (Wrong::ReadLost, _) => "read-lost",
        (Wrong::FetchDirty, _) => "fetch-dirty",
        (Wrong::FetchStale, _) => "fetch-stale",
    }
}

/// Names the code at an address, if it is a program's whose ELF file was given.
fn function_at(checker: &Checker, pc: u32) -> Option<String> {
    checker
        .programs
        .iter()
        .find_map(|program| program.function(pc, &checker.ram))
}

fn code_at(pc: Option<u32>) -> String {
    pc.map_or_else(|| "unknown".to_owned(), |pc| format!("{pc:08x}"))
}

/// Leaves off the offset in a function.
fn function(name: &str) -> &str {
    name.split('+').next().unwrap_or(name)
}
