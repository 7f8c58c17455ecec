//! The tree a payload gets: which one, and what is fixed in it.

use alloc::{string::String, vec::Vec};

use platform_api::PhysRange;

use super::{BootError, Claim, Opened, reserved::reserved_by};
use crate::{
    commands::CommandError,
    context::Context,
    devicetree::{
        HEADER_SIZE, WorkingTree, blob_size,
        fixups::{self, FixupFacts, LogFacts},
    },
};

/// The largest blob that is looked at; a payload's tree must be smaller still.
const MAX_BLOB: u64 = 4 << 20;
/// Bytes the fixups may add beside the arguments and the log: nodes, properties and their names.
const FIXUP_ROOM: usize = 1536;
/// Bytes one bank or reservation takes.
const ENTRY: usize = 16;
/// Free bytes behind the tree at least: a kernel's decompressor may add to it.
const PADDING: usize = 4096;

/// A tree on its way to a payload: a copy, so that a refused boot leaves the working tree alone.
pub(super) struct PayloadTree {
    tree: WorkingTree,
    /// What it keeps for others.
    pub reserved: Vec<Claim>,
    /// It was named for this boot: it may not know what the first stage's tree reserves.
    given: bool,
    /// The payload's arguments; `None` keeps the tree's.
    pub arguments: Option<String>,
}

impl PayloadTree {
    /// Takes the tree that was named, or else the working tree. Without `arguments` those of the
    /// environment are the payload's, and without these the tree's own.
    ///
    /// # Errors
    /// There is none, it is broken, or it could not be read.
    pub fn take(
        cx: &mut Context<'_>,
        named: Option<&Opened>,
        arguments: Option<&str>,
    ) -> Result<Self, CommandError> {
        let tree = match named {
            None => cx.tree.clone().ok_or(BootError::NoTree)?,
            Some(source) => WorkingTree::load(&blob(cx, source)?)?,
        };
        Ok(Self {
            reserved: reserved_by(&tree),
            tree,
            given: named.is_some(),
            arguments: arguments.or(cx.env.get("bootargs")).map(String::from),
        })
    }

    fn padding(&self) -> usize {
        self.tree.padding().max(PADDING)
    }

    /// Returns the bytes to keep for it, fixups and room to grow included.
    ///
    /// # Errors
    /// More than 4 GiB.
    pub fn room(&self, cx: &Context<'_>) -> Result<u64, CommandError> {
        let entries = cx.map.ram.len() + cx.map.reserved.len();
        let more = FIXUP_ROOM
            + entries * ENTRY
            + cx.log.text().len()
            + self.arguments.as_ref().map_or(0, String::len);
        let size = self.tree.dtb_size(self.padding().saturating_add(more))?;
        Ok(size as u64)
    }

    /// Applies the fixups. `line` is what the boot will add to the log.
    ///
    /// # Errors
    /// The first that failed.
    pub fn fix(
        &mut self,
        cx: &Context<'_>,
        initrd: Option<PhysRange>,
        line: &str,
    ) -> Result<(), CommandError> {
        let covered = |range: PhysRange| {
            let mut known = self.reserved.iter();
            known.any(|claim| claim.range.contains_range(range))
        };
        let missing: Vec<PhysRange> = if self.given {
            let ranges = cx.map.reserved.iter().map(|claim| claim.range);
            // The log and the monitor have nodes of their own.
            let own = [cx.log.page(), cx.board.monitor];
            let ranges = ranges.filter(|range| !covered(*range) && !own.contains(&Some(*range)));
            ranges.collect()
        } else {
            Vec::new()
        };
        let facts = FixupFacts {
            bootargs: self.arguments.as_deref(),
            initrd,
            memory: &cx.map.ram,
            reservations: &missing,
            entropy: None,
            boot_cpu: cx.machine.cpu.affinity,
            monitor: cx.board.monitor,
            started: &cx.board.started,
            console: Some(&cx.board.console),
            log: cx.log.page().map(|page| LogFacts {
                page,
                count: cx.log.count(),
                text: [cx.log.text(), line],
            }),
        };
        Ok(fixups::apply(&mut self.tree, &facts)?)
    }

    /// Writes it to `range`, all of it: what the tree does not need is its room to grow.
    ///
    /// # Errors
    /// `range` is not granted or too small; nothing has been written.
    pub fn write(&self, cx: &mut Context<'_>, range: PhysRange) -> Result<(), CommandError> {
        let target = cx.machine.memory.bytes_mut(range)?;
        let padding = self.growth(target.len())?;
        self.tree.write_dtb(target, padding)?;
        Ok(())
    }

    /// Returns the blob as [`PayloadTree::write`] would write it to `range`.
    ///
    /// # Errors
    /// `range` is too small.
    pub fn to_blob(&self, range: PhysRange) -> Result<Vec<u8>, CommandError> {
        let room = usize::try_from(range.size()).unwrap_or(usize::MAX);
        Ok(self.tree.to_dtb(self.growth(room)?)?)
    }

    /// Returns the padding with which the tree fills `room` bytes, or the least there must be.
    fn growth(&self, room: usize) -> Result<usize, CommandError> {
        let bare = self.tree.dtb_size(0)?;
        Ok(room.saturating_sub(bare).max(self.padding()) & !7)
    }
}

/// Reads a blob from a file or from memory.
fn blob(cx: &mut Context<'_>, source: &Opened) -> Result<Vec<u8>, CommandError> {
    let size = match source {
        Opened::File(..) => MAX_BLOB,
        Opened::Memory { .. } => {
            let header = source.to_bytes(&mut cx.machine, HEADER_SIZE as u64)?;
            (blob_size(&header)? as u64).min(MAX_BLOB)
        }
    };
    source.to_bytes(&mut cx.machine, size)
}
