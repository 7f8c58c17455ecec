//! A look at the processor's own state, in words that no architecture owns.

use core::fmt;

use crate::PhysRange;

/// Of which moment a register is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// As it is.
    Now,
    /// As the caller had left it when the loader was entered.
    Entry,
}

/// A register: a row of `hyp`.
pub struct Register<'a> {
    /// The manual's name.
    pub name: &'a str,
    /// Its contents.
    pub value: u64,
    /// How many hexadecimal digits show all of it.
    pub digits: usize,
    /// What the contents mean, in the manual's words for its fields; may be empty.
    pub meaning: &'a dyn fmt::Display,
    /// A payload is not owed this: it has to be undone before a handoff.
    pub undone: bool,
}

/// A range of addresses mapped in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The addresses.
    pub range: PhysRange,
    /// They may be written.
    pub write: bool,
    /// They may be executed.
    pub execute: bool,
    /// They are registers of a device: every access happens, in order.
    pub device: bool,
}

/// What a cache keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheKind {
    /// Instructions.
    Instruction,
    /// Data.
    Data,
    /// Both.
    Unified,
}

impl fmt::Display for CacheKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Instruction => "instruction",
            Self::Data => "data",
            Self::Unified => "unified",
        })
    }
}

/// A cache that the processor knows of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheLevel {
    /// Its level, 1 is the closest.
    pub level: u8,
    /// What it keeps.
    pub kind: CacheKind,
    /// How many ways it has.
    pub ways: u32,
    /// How many sets.
    pub sets: u32,
    /// Bytes of a line.
    pub line: u32,
    /// It lies above the point of coherency: what is dirty in it has to be cleaned before memory
    /// has it.
    pub ours: bool,
}

impl CacheLevel {
    /// Returns its size in bytes.
    pub fn size(&self) -> u64 {
        u64::from(self.ways) * u64::from(self.sets) * u64::from(self.line)
    }
}

/// What can be done to a cache at the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheCommand {
    /// Turn the instruction cache on or off.
    Instructions(bool),
    /// Forget every instruction that was fetched.
    ForgetInstructions,
    /// Write every dirty line to memory, and drop all lines.
    FlushData,
}

/// Looks into the processor.
pub trait Inspect {
    /// Tells the registers of the loader's privilege and of the one below it.
    fn registers(&self, when: When, row: &mut dyn FnMut(&Register<'_>));

    /// Tells what is mapped, upwards, as the tables in use say it. Neighbours that are mapped in
    /// the same way are one.
    fn mappings(&self, row: &mut dyn FnMut(Mapping));

    /// Tells the caches, level by level.
    fn caches(&self, row: &mut dyn FnMut(CacheLevel));

    /// Tells whether the cache for data, or for instructions, is on.
    fn cache_is_on(&self, kind: CacheKind) -> bool;

    /// Does something to a cache.
    fn maintain(&self, command: CacheCommand);
}
