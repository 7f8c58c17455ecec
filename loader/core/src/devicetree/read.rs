//! Reads a tree's facts through fdt-rs, in one pass over its tokens.
//!
//! A node's properties stand before its subnodes, so when the first subnode begins, or the node
//! ends, everything about it is known, and its ancestors are known already. Only what children
//! inherit is kept, on a stack.

pub(super) mod bus;
mod clocks;
mod cpus;
mod facts;
mod firmware;
mod readable;

use alloc::{borrow::ToOwned, string::String, vec::Vec};

use fdt_rs::{
    base::{DevTree, parse::ParsedTok},
    error::DevTreeError,
    prelude::FallibleIterator,
};
use platform_api::{Line, PhysAddr, PhysRange, RegisterLayout};

use super::{
    CheckedTree, Device, Discovery, Reservation, TreeError,
    cells::{Cells, MAX_CELLS, cell, number},
    check::until_nul,
    early::{initrd, is_enabled, is_memory},
};
pub use bus::insert_bank;
use bus::{Ranges, through};
use clocks::Clocks;
use facts::{Facts, Key};
use readable::Readable;

use crate::{boot::MEMRESERVE, log::COMPATIBLE};

/// Opens a blob with fdt-rs. Its `DevTree::new` is unsafe, and this crate forbids unsafe code, so
/// the composition root lends the call. What it is given has passed the check, is aligned to 4
/// bytes and no longer than its `totalsize`.
pub type OpenTree = for<'a> fn(&'a [u8]) -> Result<DevTree<'a>, DevTreeError>;

/// Checks a blob and reads its facts.
///
/// # Errors
/// As [`super::check()`]; a property that matters and makes no sense.
pub fn discover(blob: &[u8], open: OpenTree) -> Result<Discovery, TreeError> {
    discover_checked(&super::check(blob)?, open)
}

/// Reads the facts of a blob that passed the check.
///
/// # Errors
/// A property that matters and makes no sense.
pub fn discover_checked(tree: &CheckedTree<'_>, open: OpenTree) -> Result<Discovery, TreeError> {
    let readable = Readable::new(tree)?;
    let base = readable.bytes().as_ptr() as usize;
    let opened = open(readable.bytes())?;
    let mut reader = Reader::new(tree);
    let mut tokens = opened.parse_iter();
    while let Some(token) = tokens.next()? {
        match token {
            ParsedTok::BeginNode(node) => {
                // The name as the blob has it, not as it was cut for fdt-rs.
                let offset = node.name.as_ptr() as usize - base;
                let name = if tree.has_long_names() {
                    tree.used().get(offset..).map_or(node.name, until_nul)
                } else {
                    node.name
                };
                reader.begin(name)?;
            }
            ParsedTok::Prop(property) => {
                let name = tree.strings().get(property.name_offset..);
                reader.property(name.unwrap_or_default(), property.prop_buf);
            }
            ParsedTok::EndNode => reader.end()?,
            ParsedTok::Nop => {}
        }
    }
    reader.finish()
}

/// What a node is, as far as its children must know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Root,
    Chosen,
    Aliases,
    ReservedMemory,
    Cpus,
    Other,
}

/// What the children of an open node inherit.
struct Level<'a> {
    kind: Kind,
    /// Length of the path up to the parent.
    parent_path: usize,
    cells: Cells,
    ranges: Ranges<'a>,
    enabled: bool,
    coherent: bool,
}

struct Reader<'a> {
    found: Discovery,
    levels: Vec<Level<'a>>,
    path: String,
    /// The innermost node's properties; `None` once they have been used.
    facts: Option<Facts<'a>>,
    aliases: Vec<(&'a [u8], &'a [u8])>,
    stdout: Option<&'a [u8]>,
    cpus_method: Option<&'a [u8]>,
    clocks: Clocks,
}

fn text(value: &[u8]) -> Option<&str> {
    core::str::from_utf8(until_nul(value)).ok()
}

fn strings(value: &[u8]) -> impl Iterator<Item = &str> {
    value
        .strip_suffix(&[0])
        .unwrap_or(value)
        .split(|&byte| byte == 0)
        .filter_map(|name| core::str::from_utf8(name).ok())
}

fn bad(node: &'static str, property: &'static str, value: &[u8]) -> TreeError {
    TreeError::Value {
        node,
        property,
        length: value.len(),
    }
}

impl<'a> Reader<'a> {
    fn new(tree: &CheckedTree<'a>) -> Self {
        let found = Discovery {
            boot_cpu: tree.header().boot_cpuid_phys,
            devices: Vec::with_capacity(tree.nodes()),
            reservations: tree
                .reservations()
                .filter_map(|(address, size)| {
                    let start = PhysAddr::new(address);
                    Some(Reservation {
                        range: PhysRange::from_size(start, size)
                            .or_else(|| PhysRange::new(start, PhysAddr::new(u64::MAX)))?,
                        name: MEMRESERVE.to_owned(),
                        no_map: false,
                        log: false,
                    })
                })
                .collect(),
            ..Discovery::default()
        };
        Self {
            found,
            levels: Vec::with_capacity(8),
            path: String::with_capacity(128),
            facts: None,
            aliases: Vec::new(),
            stdout: None,
            cpus_method: None,
            clocks: Clocks::default(),
        }
    }

    fn begin(&mut self, name: &'a [u8]) -> Result<(), TreeError> {
        self.settle()?;
        let kind = match (self.levels.len(), name) {
            (0, _) => Kind::Root,
            (1, b"chosen") => Kind::Chosen,
            (1, b"aliases") => Kind::Aliases,
            (1, b"reserved-memory") => Kind::ReservedMemory,
            (1, b"cpus") => Kind::Cpus,
            _ => Kind::Other,
        };
        let parent_path = self.path.len();
        if kind != Kind::Root {
            self.path.push('/');
            self.path.push_str(text(name).unwrap_or_default());
        }
        let (enabled, coherent) = self
            .levels
            .last()
            .map_or((true, false), |parent| (parent.enabled, parent.coherent));
        self.levels.push(Level {
            kind,
            parent_path,
            cells: Cells::default(),
            ranges: Ranges::Unmapped,
            enabled,
            coherent,
        });
        self.facts = Some(Facts::default());
        Ok(())
    }

    fn property(&mut self, name: &'a [u8], value: &'a [u8]) {
        if self
            .levels
            .last()
            .is_some_and(|level| level.kind == Kind::Aliases)
        {
            self.aliases.push((until_nul(name), value));
        } else if let Some(facts) = &mut self.facts {
            facts.set(name, value);
        }
    }

    fn end(&mut self) -> Result<(), TreeError> {
        self.settle()?;
        if let Some(level) = self.levels.pop() {
            self.path.truncate(level.parent_path);
        }
        Ok(())
    }

    /// Uses the innermost node's properties, once they are all there.
    fn settle(&mut self) -> Result<(), TreeError> {
        let Some(facts) = self.facts.take() else {
            return Ok(());
        };
        let Some(mut level) = self.levels.pop() else {
            return Ok(());
        };
        level.enabled &= facts.get(Key::Status).is_none_or(is_enabled);
        level.coherent |= facts.get(Key::DmaCoherent).is_some();
        level.ranges = match facts.get(Key::Ranges) {
            None => Ranges::Unmapped,
            Some([]) => Ranges::Same,
            Some(table) => Ranges::Table(table),
        };
        for (key, target) in [
            (Key::AddressCells, &mut level.cells.address),
            (Key::SizeCells, &mut level.cells.size),
        ] {
            if let Some(count) = facts.get(key).and_then(cell) {
                // A bus with more cells than any has: nothing on it can be reached.
                *target = count.min(MAX_CELLS + 1);
            }
        }
        let result = self.use_facts(&level, &facts);
        self.levels.push(level);
        result
    }

    /// `level` is not on the stack while this runs: the last one there is the parent.
    fn use_facts(&mut self, level: &Level<'a>, facts: &Facts<'a>) -> Result<(), TreeError> {
        let parent = self.levels.last().map(|parent| (parent.kind, parent.cells));
        match (level.kind, parent) {
            (Kind::Root, _) | (_, None) => self.root(facts),
            (Kind::Chosen, _) => return self.chosen(facts),
            (Kind::Cpus, _) => self.cpus_method = facts.get(Key::EnableMethod),
            (Kind::Aliases | Kind::ReservedMemory, _) => {}
            (Kind::Other, Some((Kind::Cpus, _))) => return self.cpu(level, facts),
            (Kind::Other, Some((Kind::ReservedMemory, cells))) => {
                return self.reserved(level, cells, facts);
            }
            (Kind::Other, Some((kind, cells))) => {
                if kind == Kind::Root {
                    self.top(level, cells, facts)?;
                }
                if level.enabled {
                    self.device(level, cells, facts);
                }
            }
        }
        Ok(())
    }

    fn root(&mut self, facts: &Facts<'a>) {
        let compatible = facts.get(Key::Compatible).unwrap_or_default();
        self.found.compatible = strings(compatible).map(str::to_owned).collect();
        let model = facts.get(Key::Model).or(facts.get(Key::Compatible));
        self.found.model = model.and_then(text).unwrap_or_default().to_owned();
    }

    fn chosen(&mut self, facts: &Facts<'a>) -> Result<(), TreeError> {
        if let Some(value) = facts.get(Key::Bootargs) {
            let bootargs = text(value).ok_or_else(|| bad("/chosen", "bootargs", value))?;
            self.found.bootargs = Some(bootargs.to_owned());
        }
        self.stdout = facts
            .get(Key::StdoutPath)
            .or(facts.get(Key::LinuxStdoutPath));
        let keys = [Key::InitrdStart, Key::InitrdEnd];
        self.found.initrd = initrd(keys.map(|key| facts.get(key).and_then(number)));
        Ok(())
    }

    fn reserved(
        &mut self,
        level: &Level<'a>,
        cells: Cells,
        facts: &Facts<'a>,
    ) -> Result<(), TreeError> {
        let Some(reg) = facts.get(Key::Reg).filter(|_| level.enabled) else {
            return Ok(());
        };
        let error = || bad("/reserved-memory", "reg", reg);
        let compatible = facts.get(Key::Compatible).unwrap_or_default();
        let log = strings(compatible).any(|name| name == COMPATIBLE);
        if !cells.divides(reg) {
            return Err(error());
        }
        for range in cells.ranges(reg) {
            let name = self.path.get(level.parent_path + 1..).unwrap_or_default();
            self.found.reservations.push(Reservation {
                range: range.ok_or_else(error)?,
                name: name.to_owned(),
                no_map: facts.get(Key::NoMap).is_some(),
                log,
            });
        }
        Ok(())
    }

    /// A child of the root: memory, or the hypervisor.
    fn top(&mut self, level: &Level<'a>, cells: Cells, facts: &Facts<'a>) -> Result<(), TreeError> {
        let name = self.path.get(level.parent_path + 1..).unwrap_or_default();
        if name == "hypervisor" {
            let compatible = facts.get(Key::Compatible).and_then(text);
            self.found.hypervisor = compatible.map(str::to_owned);
        }
        if !level.enabled || !is_memory(name.as_bytes(), facts.get(Key::DeviceType)) {
            return Ok(());
        }
        let Some(reg) = facts.get(Key::UsableMemory).or(facts.get(Key::Reg)) else {
            return Ok(());
        };
        let error = || bad("/memory", "reg", reg);
        if !cells.divides(reg) {
            return Err(error());
        }
        for bank in cells.ranges(reg) {
            let bank = bank.ok_or_else(error)?;
            if !bank.is_empty() {
                insert_bank(&mut self.found.memory, bank);
            }
        }
        Ok(())
    }

    fn device(&mut self, level: &Level<'a>, cells: Cells, facts: &Facts<'a>) {
        let Some(compatible) = facts.get(Key::Compatible) else {
            return;
        };
        firmware::note(&mut self.found, compatible, facts);
        self.clocks.note(compatible, facts);
        let Some(reg) = facts.get(Key::Reg).filter(|_| cells.size > 0) else {
            return;
        };
        let reg: Vec<PhysRange> = cells
            .ranges(reg)
            .filter_map(|window| self.translate(window?))
            .collect();
        if reg.is_empty() {
            return;
        }
        self.clocks.want(self.found.devices.len(), facts);
        self.found.devices.push(Device {
            path: self.path.clone(),
            compatible: strings(compatible).map(str::to_owned).collect(),
            reg,
            dma_coherent: level.coherent,
            layout: RegisterLayout {
                shift: facts.get(Key::RegShift).and_then(cell),
                io_width: facts.get(Key::RegIoWidth).and_then(cell),
                offset: facts.get(Key::RegOffset).and_then(cell).unwrap_or(0),
            },
            bus_width: facts.get(Key::BusWidth).and_then(cell),
            clock: facts.get(Key::ClockFrequency).and_then(cell),
            current_speed: facts.get(Key::CurrentSpeed).and_then(cell),
        });
    }

    /// Translates a window through the `ranges` of every bus above it; the root needs none.
    fn translate(&self, window: PhysRange) -> Option<PhysRange> {
        let mut window = window;
        for pair in self.levels.windows(2).rev() {
            let [parent, bus] = pair else { return None };
            window = match bus.ranges {
                Ranges::Unmapped => return None,
                Ranges::Same => window,
                Ranges::Table(table) => through(table, bus.cells, parent.cells, window)?,
            };
        }
        Some(window)
    }

    fn finish(mut self) -> Result<Discovery, TreeError> {
        if let Some(value) = self.stdout {
            let error = || bad("/chosen", "stdout-path", value);
            let path = text(value).ok_or_else(error)?;
            let (path, options) = path.split_once(':').unwrap_or((path, ""));
            self.found.stdout_path = self.resolve(path);
            self.found.stdout_line = Line::parse(options);
        }
        self.clocks.settle(&mut self.found.devices);
        Ok(self.found)
    }

    /// Replaces an alias at the start of a path by the path it stands for.
    fn resolve(&self, path: &str) -> Option<String> {
        if path.starts_with('/') {
            return Some(path.to_owned());
        }
        let end = path.find('/').unwrap_or(path.len());
        let (alias, rest) = path.split_at_checked(end)?;
        let (_, target) = self
            .aliases
            .iter()
            .find(|(name, _)| *name == alias.as_bytes())?;
        let mut full = text(target)?.to_owned();
        full.push_str(rest);
        Some(full)
    }
}
