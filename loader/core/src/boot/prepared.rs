//! A boot between its plan and its jump. Every boot takes these steps, whichever command began it:
//! it is prepared (refused, or planned), staged (loaded into its places) and handed over. `bootz`
//! takes them all at once, `kexec -l` ends after the second and `kexec -e` goes on from there.

use alloc::{borrow::Cow, boxed::Box, string::String, vec::Vec};
use core::fmt::Write as _;

use platform_api::PhysRange;

use super::{
    BootError, BootPlan, Claim, Opened, executable::Segments, source::crc32_of_file,
    tree::PayloadTree,
};
use crate::{commands::CommandError, context::Context, storage};

/// How a boot command was called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Print the plan, load nothing, jump nowhere.
    pub dry_run: bool,
    /// Print the plan, and a character before each step of the handoff.
    pub verbose: bool,
}

/// What is loaded, and where to.
pub(super) enum Pieces {
    /// An image, and perhaps an initrd.
    Image {
        image: (Opened, PhysRange),
        initrd: Option<(Opened, PhysRange)>,
    },
    /// An executable's segments.
    Segments(Segments),
}

/// A boot that was decided and checked. Nothing that anybody owns has been written.
pub struct Prepared {
    plan: BootPlan,
    tree: PayloadTree,
    pieces: Pieces,
    /// What the log, and the tree's copy of it, say of this boot.
    line: String,
}

impl Prepared {
    /// Takes a plan and what it is of; asks for what can still refuse it.
    ///
    /// # Errors
    /// The watchdogs cannot be left as the user wants, or the machine cannot be handed over.
    pub(super) fn new(
        cx: &mut Context<'_>,
        mut plan: BootPlan,
        tree: PayloadTree,
        pieces: Pieces,
        line: String,
    ) -> Result<Self, CommandError> {
        plan.arguments.clone_from(&tree.arguments);
        plan.watchdog = cx.watchdogs.policy(&cx.env).map_err(BootError::Watchdog)?;
        plan.notes.extend(cx.watchdogs.describe(plan.watchdog));
        cx.machine.launcher.check(&plan.handoff())?;
        Ok(Self {
            plan,
            tree,
            pieces,
            line,
        })
    }

    /// Does what the options say: prints the plan, or stages the boot and hands over.
    ///
    /// # Errors
    /// A file could not be read, or memory was not granted.
    pub fn boot(self, cx: &mut Context<'_>, options: Options) -> Result<(), CommandError> {
        if options.dry_run {
            return self.show(cx);
        }
        let plan = self.verbose(options.verbose).stage(cx)?;
        hand_over(cx, plan, &[])
    }

    /// Has the handoff print a character before each step, and the plan before them.
    pub fn verbose(mut self, verbose: bool) -> Self {
        self.plan.verbose = verbose;
        self
    }

    /// Prints the plan, with the checksums of what a real boot would load, without loading it.
    ///
    /// # Errors
    /// A file could not be read.
    fn show(mut self, cx: &mut Context<'_>) -> Result<(), CommandError> {
        if let Pieces::Image { image, initrd } = &self.pieces {
            for (piece, range) in core::iter::once(image).chain(initrd) {
                let crc32 = match piece {
                    Opened::File(file, _) => crc32_of_file(&mut cx.machine, file, range.size())?,
                    Opened::Memory { .. } => crc32fast::hash(cx.machine.memory.bytes(*range)?),
                };
                self.plan.checksum(*range, crc32);
            }
        }
        let blob = self.tree.to_blob(self.plan.tree)?;
        self.plan.checksum(self.plan.tree, crc32fast::hash(&blob));
        let _ = write!(cx, "{}", self.plan);
        Ok(())
    }

    /// Loads everything into its place and writes the tree. What was staged before is given up
    /// first: the plan goes over it.
    ///
    /// # Errors
    /// A file could not be read, or memory was not granted.
    pub fn stage(self, cx: &mut Context<'_>) -> Result<BootPlan, CommandError> {
        Staged::release(cx);
        match &self.pieces {
            Pieces::Image { image, initrd } => {
                let (opened, place) = image;
                load_piece(cx, opened, *place)?;
                let (start, size) = (place.start().as_u64(), place.size());
                let _ = writeln!(cx, "Kernel image @ {start:#x} [ 0x000000 - {size:#08x} ]");
                if let Some((opened, range)) = initrd {
                    load_piece(cx, opened, *range)?;
                    loaded(cx, "Ramdisk", *range);
                }
                zero_behind(cx, *place)?;
            }
            Pieces::Segments(segments) => segments.load(cx)?,
        }
        self.tree.write(cx, self.plan.tree)?;
        cx.log.record(format_args!("{}", self.line));
        loaded(cx, "Device Tree", self.plan.tree);
        Ok(self.plan)
    }
}

/// A piece of a staged boot and what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Sum {
    range: PhysRange,
    what: Cow<'static, str>,
    crc32: u32,
}

impl Sum {
    fn of(
        cx: &Context<'_>,
        range: PhysRange,
        what: impl Into<Cow<'static, str>>,
    ) -> Result<Self, Box<BootError>> {
        let bytes = cx.machine.memory.bytes(range)?;
        Ok(Self {
            range,
            what: what.into(),
            crc32: crc32fast::hash(bytes),
        })
    }

    /// Refuses a piece that changed.
    fn check(&self, cx: &Context<'_>) -> Result<(), Box<BootError>> {
        let now = Self::of(cx, self.range, "")?.crc32;
        if now == self.crc32 {
            return Ok(());
        }
        Err(BootError::Changed {
            what: self.what.clone(),
            range: self.range,
            staged: self.crc32,
            now,
        }
        .into())
    }
}

/// A boot that lies in memory, ready to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staged {
    plan: BootPlan,
    sums: Vec<Sum>,
}

impl Staged {
    /// Stages a boot and keeps it: sums it up, and claims its memory.
    ///
    /// # Errors
    /// As [`Prepared::stage`].
    pub fn load(cx: &mut Context<'_>, prepared: Prepared) -> Result<(), CommandError> {
        let mut plan = prepared.stage(cx)?;
        let mut sums = Vec::new();
        for (range, what) in plan.pieces() {
            sums.push(Sum::of(cx, range, what)?);
        }
        for sum in &sums {
            plan.checksum(sum.range, sum.crc32);
            cx.machine.memory.keep(sum.range, STAGED);
            cx.map.staged.push(Claim {
                range: sum.range,
                owner: sum.what.clone().into_owned(),
            });
        }
        cx.staged = Some(Self { plan, sums });
        Ok(())
    }

    /// Gives up what is staged, if anything is.
    pub fn release(cx: &mut Context<'_>) {
        cx.staged = None;
        for claim in core::mem::take(&mut cx.map.staged) {
            cx.machine.memory.release(claim.range);
        }
    }

    /// Hands over to what is staged. Returns only to say why not; it stays staged then.
    ///
    /// # Errors
    /// The machine cannot be handed over, or a byte of a piece changed.
    pub fn go(self, cx: &mut Context<'_>) -> Result<(), CommandError> {
        cx.machine.launcher.check(&self.plan.handoff())?;
        hand_over(cx, self.plan, &self.sums)
    }

    /// Returns the plan, checksums included.
    pub fn plan(&self) -> &BootPlan {
        &self.plan
    }
}

/// Whose the memory is that a staged boot lies in.
const STAGED: &str = "what kexec staged";

/// Says what is about to happen, has a last look at `sums`, and hands over.
///
/// # Errors
/// Ctrl-C, or a byte of a piece changed.
fn hand_over(cx: &mut Context<'_>, mut plan: BootPlan, sums: &[Sum]) -> Result<(), CommandError> {
    if plan.verbose {
        let whole = [plan.image, plan.initrd, Some(plan.tree)];
        for range in whole.into_iter().flatten() {
            let crc32 = crc32fast::hash(cx.machine.memory.bytes(range)?);
            plan.checksum(range, crc32);
        }
        let _ = write!(cx, "{plan}");
    }
    if plan.image.is_none() {
        let entry = plan.entry;
        let _ = writeln!(cx, "## Starting application at {entry} ...");
    }
    if cx.interrupted() {
        return Err(CommandError::interrupted());
    }
    cx.log.record(format_args!("handing over"));
    cx.log.store();
    // Nothing writes to memory between this and the handoff but the console's driver.
    for sum in sums {
        sum.check(cx)?;
    }
    let _ = write!(cx, "\nStarting kernel ...\n\n");
    cx.machine.launcher.hand_off(plan.into_handoff())
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
