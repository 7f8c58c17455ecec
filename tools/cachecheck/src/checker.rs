//! Follows what the CPUs do, line by line and register by register, from one handoff to the next.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::{
    cpu::{self, Cpu, DATA, INSTRUCTIONS, MMU, Regime, Register},
    instruction::{Cp15, Instruction, Maintenance, maintenance},
    lines::{Access, Fault, LINE, Level, Lines, SetWay, Wrong},
    memory::Ram,
    report::Report,
    symbols::Program,
    walk::{Caching, Step, Translation, walk},
};

/// Entries of the translations kept, a power of two.
const KEPT: usize = 1 << 14;
/// Different wrong accesses kept of one handoff: a broken one can have them without end.
const MOST: usize = 4096;

/// Where and as whom code runs.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// The CPU's number.
    pub cpu: usize,
    /// Whose translation.
    pub regime: Regime,
    /// The instruction's physical address, if it is in RAM.
    pub pc: Option<u32>,
}

#[derive(Clone, Copy)]
struct Kept {
    page: u32,
    generation: u32,
    regime: Regime,
    translation: Option<Translation>,
}

/// What a wrong access was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Finding {
    /// What is wrong.
    pub wrong: Wrong,
    /// It was a table walk.
    pub walk: bool,
    /// The line.
    pub line: u32,
    /// The instruction that did it.
    pub by: Option<u32>,
    /// It is the doing of who ran before the handoff.
    pub inherited: bool,
}

/// Counts of the maintenance before a handoff.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Lines cleaned by address, and those of them that were dirty.
    pub by_address: u32,
    /// See `by_address`.
    pub by_address_dirty: u32,
    /// Lines dirty when the first was cleaned by address.
    pub dirty: u32,
    /// Lines that a device wrote since the handoff before, if that is watched.
    pub device: u32,
    /// Operations by set and way, and lines that they brought to memory.
    pub by_set: u32,
    /// See `by_set`.
    pub by_set_dirty: u32,
}

/// Translations that outlive the code they were made for, until who was entered drops them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pending {
    /// HYP's.
    pub hyp: bool,
    /// PL1's.
    pub pl1: bool,
}

/// The whole model.
pub struct Checker {
    /// Lines of RAM.
    pub lines: Lines,
    /// RAM's bytes.
    pub ram: Ram,
    /// Every CPU.
    pub cpus: Vec<Cpu>,
    /// The second level of each cluster.
    pub second: BTreeMap<u8, Level>,
    /// What names functions.
    pub programs: Vec<Program>,
    /// Pages that the walks of the present translations read.
    pub tables: BTreeSet<u32>,
    /// Pages where the stack pointer was seen.
    pub stacks: BTreeSet<u32>,
    /// Wrong accesses since the last handoff.
    pub findings: BTreeSet<Finding>,
    seen: HashSet<(Wrong, u32)>,
    /// What is wrong with how maintenance was done since the last handoff.
    pub mistakes: Vec<(&'static str, String)>,
    /// Maintenance since the last handoff.
    pub counts: Counts,
    /// What the present code has inherited.
    pub pending: Pending,
    /// How often caches were turned on since the last handoff.
    pub turned_on: u32,
    /// The handoffs so far.
    pub report: Report,
    /// Devices' writes are watched: no callback tells them, so what memory held at the last
    /// handoff is kept as a hash of each line.
    pub devices: bool,
    memory: Vec<u64>,
    kept: Vec<Option<Kept>>,
    generations: u32,
}

impl Checker {
    /// Starts with RAM of `size` bytes from `start`.
    pub fn new(start: u64, size: u64, report: Report, programs: Vec<Program>) -> Self {
        Self {
            lines: Lines::new(start, size),
            ram: Ram::new(start, size),
            cpus: Vec::new(),
            second: BTreeMap::new(),
            programs,
            tables: BTreeSet::new(),
            stacks: BTreeSet::new(),
            findings: BTreeSet::new(),
            seen: HashSet::new(),
            mistakes: Vec::new(),
            counts: Counts::default(),
            pending: Pending::default(),
            turned_on: 0,
            report,
            devices: false,
            memory: Vec::new(),
            kept: vec![None; KEPT],
            generations: 1,
        }
    }

    /// Returns a CPU, new if it was not there.
    pub fn cpu(&mut self, number: usize) -> &mut Cpu {
        if self.cpus.len() <= number {
            self.cpus.resize_with(number + 1, Cpu::default);
        }
        &mut self.cpus[number]
    }

    fn wrong(&mut self, fault: Option<Fault>, walk: bool, line: u32, by: Option<u32>) {
        let Some(Fault { wrong, inherited }) = fault else {
            return;
        };
        if self.seen.len() < MOST && self.seen.insert((wrong, line)) {
            self.findings.insert(Finding {
                wrong,
                walk,
                line,
                by,
                inherited,
            });
        }
    }

    /// Forgets what belongs to the handoff before.
    pub fn start_afresh(&mut self) {
        self.lines.hand_over();
        self.findings.clear();
        self.seen.clear();
        self.mistakes.clear();
        self.counts = Counts::default();
        self.pending = Pending::default();
        self.turned_on = 0;
        self.tables.clear();
        self.stacks.clear();
        if self.devices {
            self.memory = self.ram.hashes();
        }
    }

    /// Counts the lines that changed since the last handoff and that no CPU has written.
    fn device_lines(&self) -> u32 {
        let first = (self.ram.start / u64::from(LINE)) as u32;
        let now = self.ram.hashes();
        let changed = self.memory.iter().zip(&now).zip(first..);
        changed
            .filter(|((before, now), line)| before != now && self.lines.is_unwritten(*line))
            .count() as u32
    }

    /// Translates, and checks the words of the tables that this needs.
    fn translate(&mut self, place: Place, address: u32) -> Option<Translation> {
        let cpu = self.cpus.get(place.cpu)?;
        let (bank, generation) = (*cpu.bank(place.regime), cpu.generation);
        let page = address >> 12;
        let slot =
            (page as usize ^ (generation as usize * 97) ^ (place.regime as usize) << 7) % KEPT;
        if let Some(kept) = self.kept[slot]
            && (kept.page, kept.generation, kept.regime) == (page, generation, place.regime)
        {
            return kept.translation;
        }
        let mut steps: Vec<Step> = Vec::new();
        let translation = walk(&bank, place.regime, page << 12, &self.ram, &mut steps);
        for step in steps {
            let at = step.address as u32;
            self.tables.insert(at >> 12);
            let access = Access {
                line: at / LINE,
                mask: 0xff << (at & (LINE - 1)),
                cpu: place.cpu as u8,
                cached: step.cached && bank.sctlr & DATA != 0,
            };
            let wrong = self.lines.load(access);
            self.wrong(wrong, true, access.line, place.pc);
        }
        if translation.is_some() {
            self.kept[slot] = Some(Kept {
                page,
                generation,
                regime: place.regime,
                translation,
            });
        }
        translation
    }

    fn new_generation(&mut self, cpu: usize) {
        self.generations += 1;
        let generation = self.generations;
        self.cpu(cpu).generation = generation;
    }

    /// A load or store of up to 16 bytes that went to `physical`.
    pub fn data(&mut self, place: Place, address: u32, physical: u64, bytes: u32, store: bool) {
        if !self.ram.contains(physical, u64::from(bytes)) {
            return;
        }
        let Some(cpu) = self.cpus.get(place.cpu) else {
            return;
        };
        let caching = if cpu.bank(place.regime).caches_data() {
            self.translate(place, address)
                .map_or(Caching::None, |found| found.caching)
        } else {
            Caching::None
        };
        let mut at = physical;
        let end = physical + u64::from(bytes);
        while at < end {
            let line = (at / u64::from(LINE)) as u32;
            let next = (u64::from(line) + 1) * u64::from(LINE);
            let count = end.min(next) - at;
            let mask = ((1_u128 << count) - 1) as u64;
            let access = Access {
                line,
                mask: mask << (at % u64::from(LINE)),
                cpu: place.cpu as u8,
                cached: caching != Caching::None,
            };
            let wrong = if store {
                self.store(place, access, caching)
            } else {
                self.lines.load(access)
            };
            if wrong.is_some() {
                self.wrong(wrong, false, line, place.pc);
            }
            at = next;
        }
    }

    fn store(&mut self, place: Place, access: Access, caching: Caching) -> Option<Fault> {
        let cpu = &self.cpus[place.cpu];
        // With its own caches on, another mapping that caches the line is the system's affair.
        let speculated = if cpu.bank(place.regime).caches_data() {
            0
        } else {
            cpu.times.cached
        };
        let gone = if speculated == 0 {
            0
        } else {
            self.gone(place.cpu, access.line)
        };
        let since = cpu.times.instructions;
        let wrong = self.lines.store(access, place.pc, since, speculated, gone);
        if caching == Caching::Through {
            // Memory has it too.
            self.lines.maintain(access.line, true, false, false);
        }
        wrong
    }

    /// When set/way maintenance last dropped a line from every level that the CPU sees.
    fn gone(&self, cpu: usize, line: u32) -> u32 {
        let Some(cpu) = self.cpus.get(cpu) else {
            return 0;
        };
        let first = cpu.first.gone(line);
        match self.second.get(&cpu.cluster()) {
            Some(second) if cpu.levels() > 1 => first.min(second.gone(line)),
            _ => first,
        }
    }

    /// Says whether every line was dropped by set/way since `time`.
    pub fn all_gone_since(&self, number: usize, time: u32) -> bool {
        let Some(cpu) = self.cpus.get(number) else {
            return false;
        };
        let second = self.second.get(&cpu.cluster());
        let (sets, _) = second.unwrap_or(&cpu.first).geometry();
        // As many lines as meet every pair of sets: one size is as a rule a multiple of the other.
        let sets = sets * cpu.first.geometry().0;
        sets != 0 && (0..sets).all(|line| self.gone(number, line) >= time)
    }

    /// Instructions are fetched from `bytes` at the place.
    pub fn fetch(&mut self, place: Place, bytes: u32) {
        let (Some(pc), Some(cpu)) = (place.pc, self.cpus.get(place.cpu)) else {
            return;
        };
        let control = cpu.bank(place.regime).sctlr;
        let since = cpu.times.instructions;
        // One instruction cache is followed: the first CPU's.
        let kept = control & INSTRUCTIONS != 0 && place.cpu == 0;
        for line in pc / LINE..=(pc + bytes.max(1) - 1) / LINE {
            let access = Access {
                line,
                mask: !0,
                cpu: place.cpu as u8,
                cached: control & MMU != 0,
            };
            let wrong = self.lines.fetch(access, kept, since);
            if wrong.is_some() {
                self.wrong(wrong, false, line, place.pc);
            }
        }
    }

    /// An instruction that matters is about to run. `rt`: its operands; `sp`: the stack pointer.
    pub fn instruction(&mut self, place: Place, instruction: Instruction, rt: [u32; 2], sp: u32) {
        match instruction {
            Instruction::Mcr(access) => match maintenance(&access) {
                Some(what) => self.maintenance(place, what, rt[0], sp),
                None => self.write(place, &access, rt[0]),
            },
            Instruction::Mcrr { op1, crm, .. } => {
                let value = u64::from(rt[1]) << 32 | u64::from(rt[0]);
                if let Some(register) = self.cpu(place.cpu).long_register(op1, crm) {
                    *register = value;
                    self.new_generation(place.cpu);
                }
            }
            Instruction::ReadCcsidr { rt } => self.cpu(place.cpu).reading = Some(rt),
            Instruction::Dsb => self.cpu(place.cpu).outstanding = 0,
            Instruction::Isb | Instruction::ExceptionReturn => {
                self.cpu(place.cpu).unsynchronised = false;
            }
        }
    }

    /// A read of CCSIDR has given `value`.
    pub fn ccsidr(&mut self, number: usize, value: u32) {
        let (sets, ways, line) = cpu::geometry(value);
        let cpu = self.cpu(number);
        cpu.reading = None;
        // Bit 0: the instruction cache of the level.
        if cpu.csselr & 1 != 0 {
            return;
        }
        let (level, cluster) = (cpu.csselr >> 1, cpu.cluster());
        if line != LINE || ways > 64 {
            self.report.doubt(format!(
                "level {} has {sets} sets of {ways} ways of {line} bytes",
                level + 1
            ));
            return;
        }
        let known = match level {
            0 => &mut cpu.first,
            1 => self.second.entry(cluster).or_default(),
            _ => return,
        };
        if known.geometry() != (sets, ways) {
            *known = Level::new(sets, ways);
            self.report.note(&format!(
                "cpu {number} level {} sets {sets} ways {ways}",
                level + 1
            ));
        }
    }

    fn write(&mut self, place: Place, access: &Cp15, value: u32) {
        let regime = match self.cpu(place.cpu).register(access) {
            None => return,
            Some(Register::Control(regime)) => {
                self.control(place, regime, value);
                return;
            }
            Some(Register::SecureConfiguration) => {
                self.cpu(place.cpu).secure_state = Some(value & 1 != 0);
                None
            }
            Some(Register::Low(register)) => {
                *register = u64::from(value);
                None
            }
            Some(Register::Word(register)) => {
                *register = value;
                None
            }
            Some(Register::Vectors(register)) => {
                *register = value;
                Some(value)
            }
            Some(Register::Context) => None,
        };
        match regime {
            Some(vectors) => {
                for program in &mut self.programs {
                    program.vectors_at(vectors, &self.ram);
                }
            }
            None => self.new_generation(place.cpu),
        }
    }

    /// SCTLR or HSCTLR is written.
    fn control(&mut self, place: Place, regime: Regime, value: u32) {
        let now = self.lines.tick();
        let outstanding = self.cpu(place.cpu).outstanding;
        let cpu = self.cpu(place.cpu);
        let bank = &mut cpu.banks[regime as usize];
        let (before, cached) = (bank.sctlr, bank.caches_data());
        bank.sctlr = value;
        let (gone, came) = (before & !value, value & !before);
        // Until an ISB; that of another regime, written meanwhile, makes nothing good.
        cpu.unsynchronised |= place.regime == regime && before != value;
        if cached {
            cpu.times.cached = now;
        }
        if before & INSTRUCTIONS != 0 {
            cpu.times.fetched = now;
        }
        if place.regime == regime && gone & (MMU | DATA | INSTRUCTIONS) != 0 {
            cpu.times.off = now;
        }
        if (before | value) & MMU != 0 {
            match regime {
                Regime::Hyp => cpu.times.hyp_on = now,
                _ => cpu.times.pl1_on = now,
            }
        }
        if cached && gone & (MMU | DATA) != 0 && outstanding != 0 && place.regime == regime {
            self.mistakes.push((
                "dsb",
                format!(
                    "{outstanding} maintenance operations before the caches went off, and no DSB"
                ),
            ));
        }
        if came & MMU != 0 {
            let (left, kind, what) = match regime {
                Regime::Hyp => (&mut self.pending.hyp, "tlb-hyp", "HSCTLR.M"),
                _ => (&mut self.pending.pl1, "tlb-pl1", "SCTLR.M"),
            };
            if std::mem::take(left) {
                self.mistakes.push((
                    kind,
                    format!(
                        "{what} was set with the translations of the code before still in the TLB"
                    ),
                ));
            }
        }
        if !cached && value & (MMU | DATA) == MMU | DATA {
            self.turned_on += 1;
        }
        self.new_generation(place.cpu);
    }

    fn maintenance(&mut self, place: Place, what: Maintenance, operand: u32, sp: u32) {
        let now = self.lines.tick();
        let cpu = self.cpu(place.cpu);
        cpu.outstanding += 1;
        let cached = cpu.bank(place.regime).caches_data();
        match what {
            Maintenance::Address {
                clean,
                invalidate,
                unification,
            } => {
                let Some(found) = self.translate(place, operand) else {
                    return;
                };
                let at = found.physical & !0xfff | u64::from(operand & 0xfff);
                if clean && !unification && cached {
                    if self.counts.by_address == 0 {
                        self.counts.dirty = self.lines.dirty_lines();
                        if self.devices {
                            self.counts.device = self.device_lines();
                        }
                    }
                    self.stacks.insert(sp >> 12);
                }
                let line = (at / u64::from(LINE)) as u32;
                let dirty = self.lines.maintain(line, clean, invalidate, unification);
                if clean && !unification && cached {
                    self.counts.by_address += 1;
                    self.counts.by_address_dirty += u32::from(dirty);
                }
            }
            Maintenance::SetWay { clean, invalidate } => {
                self.set_way(place.cpu, operand, clean, invalidate);
            }
            Maintenance::InstructionAll { shared } => {
                cpu.times.instructions = now;
                if shared {
                    for cpu in &mut self.cpus {
                        cpu.times.instructions = now;
                    }
                }
            }
            Maintenance::InstructionAddress => {
                if let Some(found) = self.translate(place, operand) {
                    let at = found.physical & !0xfff | u64::from(operand & 0xfff);
                    self.lines
                        .forget_instructions((at / u64::from(LINE)) as u32);
                }
            }
            Maintenance::Branches => {}
            Maintenance::TlbPl1 { all } => {
                if all {
                    cpu.times.pl1_empty = now;
                    self.pending.pl1 &= place.regime == Regime::Hyp;
                }
                self.new_generation(place.cpu);
            }
            Maintenance::TlbHyp { all } => {
                if all {
                    cpu.times.hyp_empty = now;
                    self.pending.hyp = false;
                }
                self.new_generation(place.cpu);
            }
            Maintenance::TlbNonHyp => {
                cpu.times.non_hyp_empty = now;
                self.pending.pl1 = false;
                self.new_generation(place.cpu);
            }
        }
    }

    fn set_way(&mut self, number: usize, operand: u32, clean: bool, invalidate: bool) {
        let Some(cpu) = self.cpus.get_mut(number) else {
            return;
        };
        let (levels, cluster) = (cpu.levels(), cpu.cluster());
        let second = self.second.entry(cluster).or_default();
        let level = operand >> 1 & 7;
        let (sets, ways) = match level {
            0 => cpu.first.geometry(),
            1 => second.geometry(),
            _ => return,
        };
        if sets == 0 || levels > 2 {
            self.report.doubt(format!(
                "set/way maintenance at level {} of unknown size",
                level + 1
            ));
            return;
        }
        let (set, way) = cpu::set_and_way(operand, sets, ways, LINE);
        let op = SetWay {
            cpu: number as u8,
            level,
            set,
            way,
            clean,
            invalidate,
        };
        let written = if levels > 1 {
            self.lines.set_way(&mut [&mut cpu.first, second], op)
        } else {
            self.lines.set_way(&mut [&mut cpu.first], op)
        };
        self.counts.by_set += 1;
        self.counts.by_set_dirty += written;
    }
}
