//! A processor that is what a test says.

use std::cell::{Cell, RefCell};

use platform_api::{
    CacheCommand, CacheKind, CacheLevel, Inspect, Mapping, PhysAddr, PhysRange, Register, When,
};

/// Tells what it is given, and keeps what it was told to do.
#[derive(Debug, Default)]
pub struct FakeInspect {
    /// What is mapped: start, size, and how, in `ls`'s letters: `rw-`, `r-x`, `rwd` for a device.
    pub mappings: Vec<(u64, u64, &'static str)>,
    /// The instruction cache is on.
    pub instructions: Cell<bool>,
    /// The commands, oldest first.
    pub commands: RefCell<Vec<CacheCommand>>,
}

impl Inspect for FakeInspect {
    fn registers(&self, when: When, row: &mut dyn FnMut(&Register<'_>)) {
        let mut tell = |name, value, digits, meaning: &str, undone| {
            row(&Register {
                name,
                value,
                digits,
                meaning: &meaning,
                undone,
            });
        };
        match when {
            When::Now => tell("HCR", 0, 8, "", false),
            When::Entry => tell("HCR", 1, 8, "VM", true),
        }
        tell("VTTBR", 0x4000_0000, 16, "", false);
    }

    fn mappings(&self, row: &mut dyn FnMut(Mapping)) {
        for (start, size, how) in &self.mappings {
            row(Mapping {
                range: PhysRange::from_size(PhysAddr::new(*start), *size).unwrap_or_default(),
                write: how.contains('w'),
                execute: how.contains('x'),
                device: how.contains('d'),
            });
        }
    }

    fn caches(&self, row: &mut dyn FnMut(CacheLevel)) {
        for (level, kind, ways, ours) in [
            (1, CacheKind::Instruction, 2, false),
            (1, CacheKind::Data, 2, true),
            (2, CacheKind::Unified, 16, true),
        ] {
            row(CacheLevel {
                level,
                kind,
                ways,
                sets: 256,
                line: 64,
                ours,
            });
        }
    }

    fn cache_is_on(&self, kind: CacheKind) -> bool {
        kind != CacheKind::Instruction || self.instructions.get()
    }

    fn maintain(&self, command: CacheCommand) {
        if let CacheCommand::Instructions(on) = command {
            self.instructions.set(on);
        }
        self.commands.borrow_mut().push(command);
    }
}
