//! The one path to a payload, for addresses and files: look, plan, check, load, write the
//! tree, hand over. Up to the loading everything can still be refused and nothing has been
//! written; the loading writes only what the plan was granted, which is nobody's.

use alloc::string::String;
use core::fmt::Write as _;

use platform_api::PhysRange;

use super::{
    BootError, BootPlan, KernelFacts, Opened, Piece, Request, Source, place,
    source::crc32_of_file,
    tree::{PayloadTree, arguments},
};
use crate::{commands::CommandError, context::Context, storage};

#[cfg(test)]
mod tests;

/// How a boot command was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Print the plan, load nothing, jump nowhere.
    pub dry_run: bool,
    /// Print the plan, and a character before each step of the handoff.
    pub verbose: bool,
}

/// Boots a zImage. Returns only to say why not, or after a dry run.
///
/// # Errors
/// Everything that can be wrong with the pieces or keep them from their places. Nothing that
/// anybody owns has been changed.
pub fn boot_zimage(
    cx: &mut Context<'_>,
    image: Source<'_>,
    initrd: Option<Source<'_>>,
    tree: Option<Source<'_>>,
    options: Options,
) -> Result<(), CommandError> {
    let image = image.open(cx)?;
    let header = image.zimage(cx)?;
    let initrd = initrd.map(|initrd| initrd.open(cx)).transpose()?;
    let named = tree.map(|tree| tree.open(cx)).transpose()?;
    let mut tree = PayloadTree::take(cx, named.as_ref())?;
    let placed = place(&Request {
        map: &cx.map,
        reserved: &tree.reserved,
        kernel: KernelFacts::from(&header),
        kernel_at: image.address(),
        initrd: initrd.as_ref().map(piece).transpose()?,
        tree_size: tree.room(cx)?,
    })
    .map_err(BootError::from)?;
    tree.fix(cx, placed.initrd)?;
    let mut plan = BootPlan::from_placement(&cx.map, &placed)?;
    plan.verbose = options.verbose;
    plan.arguments = arguments(cx).map(String::from);
    cx.machine.launcher.check(&plan.handoff())?;

    let pieces = Pieces {
        image: (&image, placed.image),
        initrd: initrd.as_ref().zip(placed.initrd),
    };
    if options.dry_run {
        pieces.sum_unloaded(cx, &mut plan)?;
        let blob = tree.to_blob(plan.tree)?;
        plan.checksum(plan.tree, crc32fast::hash(&blob));
        let _ = write!(cx, "{plan}");
        return Ok(());
    }
    pieces.load(cx)?;
    zero_behind(cx, placed.image)?;
    finish(cx, plan, &tree)
}

/// Writes the tree, says what is about to happen, and hands over.
pub(super) fn finish(
    cx: &mut Context<'_>,
    mut plan: BootPlan,
    tree: &PayloadTree,
) -> Result<(), CommandError> {
    tree.write(cx, plan.tree)?;
    loaded(cx, "Device Tree", plan.tree);
    if plan.verbose {
        let whole = [plan.image, plan.initrd, Some(plan.tree)];
        for range in whole.into_iter().flatten() {
            let crc32 = crc32fast::hash(cx.machine.memory.bytes(range)?);
            plan.checksum(range, crc32);
        }
        let _ = write!(cx, "{plan}");
    }
    let _ = write!(cx, "\nStarting kernel ...\n\n");
    if cx.interrupted() {
        return Err(CommandError::Interrupted);
    }
    cx.machine.launcher.hand_off(plan.into_handoff())
}

/// Returns what placement must know of an initrd.
fn piece(initrd: &Opened) -> Result<Piece, BootError> {
    match *initrd {
        Opened::File(ref file, _) => Ok(Piece::Anywhere(file.size())),
        Opened::Memory { at, size } => {
            let size = size.ok_or(BootError::UnknownSize(at))?;
            if size == 0 {
                return Err(BootError::EmptyInitrd(at));
            }
            PhysRange::from_size(at, size)
                .map(Piece::At)
                .ok_or(BootError::Memory(platform_api::MemoryError::Unaddressable(
                    at,
                )))
        }
    }
}

/// The pieces that come from outside, and where they go.
struct Pieces<'a> {
    image: (&'a Opened, PhysRange),
    initrd: Option<(&'a Opened, PhysRange)>,
}

impl Pieces<'_> {
    /// Reads the files straight into their places, and says so as U-Boot does.
    fn load(&self, cx: &mut Context<'_>) -> Result<(), CommandError> {
        let (image, range) = self.image;
        load_piece(cx, image, range)?;
        let size = range.size();
        let _ = writeln!(
            cx,
            "Kernel image @ {:#x} [ 0x000000 - {size:#08x} ]",
            range.start().as_u64()
        );
        if let Some((initrd, range)) = self.initrd {
            load_piece(cx, initrd, range)?;
            loaded(cx, "Ramdisk", range);
        }
        Ok(())
    }

    /// Computes the checksums of what a real boot would load, without loading it.
    fn sum_unloaded(&self, cx: &mut Context<'_>, plan: &mut BootPlan) -> Result<(), CommandError> {
        for (piece, range) in core::iter::once(self.image).chain(self.initrd) {
            let crc32 = match piece {
                Opened::File(file, _) => crc32_of_file(&mut cx.machine, file, range.size())?,
                Opened::Memory { .. } => crc32fast::hash(cx.machine.memory.bytes(range)?),
            };
            plan.checksum(range, crc32);
        }
        Ok(())
    }
}

fn load_piece(cx: &mut Context<'_>, piece: &Opened, range: PhysRange) -> Result<(), CommandError> {
    match piece {
        Opened::File(file, _) => storage::read_into(cx, file, 0, range).map(|_| ()),
        // It lies there already; only that it can be read is to be known.
        Opened::Memory { .. } => Ok(cx.machine.memory.bytes(range).map(|_| ())?),
    }
}

fn loaded(cx: &mut Context<'_>, what: &str, range: PhysRange) {
    let (start, end) = (range.start().as_u64(), range.end().as_u64());
    let _ = writeln!(cx, "   Loading {what} to {start:08x}, end {end:08x} ... OK");
}

/// Zeroes the four bytes behind the image: a stale 0xd00dfeed there would be taken for an
/// appended device tree.
fn zero_behind(cx: &mut Context<'_>, image: PhysRange) -> Result<(), CommandError> {
    if let Some(behind) = PhysRange::from_size(image.end(), 4) {
        cx.machine.memory.bytes_mut(behind)?.fill(0);
    }
    Ok(())
}
