//! What the commands that access memory share: widths, addresses and hexadecimal digits.

use platform_api::{PhysAddr, PhysRange, Width};

use super::{CommandError, parse_hex};
use crate::context::Context;

/// Accesses between two looks for Ctrl-C.
const ACCESSES_BETWEEN_POLLS: u64 = 0x400;

/// What the memory commands know from one call to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// What `base` adds to addresses.
    pub base: u64,
    /// How many objects `md` shows if nothing is said: as many as the last time.
    pub count: u64,
}

impl Default for Remembered {
    fn default() -> Self {
        Self {
            base: 0,
            count: 0x40,
        }
    }
}

/// Takes the width from a command's name as typed: `md.b`, `.l` if there is none.
///
/// # Errors
/// [`Failure::Usage`](crate::commands::Failure::Usage) for a suffix that is no width.
pub(super) fn parse_width(name: &str) -> Result<Width, CommandError> {
    match name.rsplit_once('.').map(|(_, suffix)| suffix) {
        None | Some("l") => Ok(Width::Word),
        Some("b") => Ok(Width::Byte),
        Some("w") => Ok(Width::Half),
        Some("q") => Ok(Width::Double),
        Some(_) => Err(CommandError::usage()),
    }
}

/// Returns the name of a width's objects, as U-Boot's messages call them.
pub(super) fn object_name(width: Width) -> &'static str {
    match width {
        Width::Byte => "byte",
        Width::Half => "halfword",
        Width::Word => "word",
        Width::Double => "double word",
    }
}

/// A run of equally wide objects in memory.
#[derive(Clone, Copy)]
pub(super) struct Objects {
    start: u64,
    width: Width,
    count: u64,
}

impl Objects {
    /// Takes `count` objects at `start`.
    ///
    /// # Errors
    /// If their end lies beyond 64 bits.
    pub(super) fn new(start: u64, width: Width, count: u64) -> Result<Self, CommandError> {
        let end = count
            .checked_mul(width.bytes())
            .and_then(|size| start.checked_add(size));
        match end {
            Some(_) => Ok(Self {
                start,
                width,
                count,
            }),
            None => Err(CommandError::message(alloc::format!(
                "{count:x} {}s at {start:08x} end beyond the last address",
                object_name(width)
            ))),
        }
    }

    /// Parses an address, relative to `base`, and takes `count` objects there.
    ///
    /// # Errors
    /// As [`Objects::new`], or if `address` is not a number.
    pub(super) fn parse(
        cx: &Context<'_>,
        address: &str,
        width: Width,
        count: u64,
    ) -> Result<Self, CommandError> {
        let offset = parse_hex(address)?;
        match cx.remembered.base.checked_add(offset) {
            Some(start) => Self::new(start, width, count),
            None => Err(CommandError::message(alloc::format!(
                "{offset:x} lies beyond the last address from base {:08x} on",
                cx.remembered.base
            ))),
        }
    }

    /// Refuses a run that would write into the loader, before the first object is written.
    ///
    /// # Errors
    /// Names both ranges. What else is wrong faults at the access, as a bad address does.
    pub(super) fn check_target(self, cx: &Context<'_>) -> Result<(), CommandError> {
        let size = self.count.wrapping_mul(self.width.bytes());
        let Some(range) = PhysRange::from_size(PhysAddr::new(self.start), size) else {
            return Ok(()); // The constructor refused it.
        };
        match cx.map.loader.iter().find(|own| own.range.overlaps(range)) {
            Some(own) => Err(CommandError::message(alloc::format!(
                "{range} overlaps {} at {}",
                own.owner,
                own.range
            ))),
            None => Ok(()),
        }
    }

    pub(super) fn start(self) -> u64 {
        self.start
    }

    pub(super) fn count(self) -> u64 {
        self.count
    }

    pub(super) fn width(self) -> Width {
        self.width
    }

    /// Returns the address of an object; the constructor checked that it fits.
    pub(super) fn address(self, index: u64) -> PhysAddr {
        PhysAddr::new(
            self.start
                .wrapping_add(index.wrapping_mul(self.width.bytes())),
        )
    }
}

/// Bytes that are moved at once where both sides are RAM.
pub(super) const PIECE: usize = 1024;

impl Objects {
    /// Returns how many of `left` objects make a piece.
    pub(super) fn piece(self, left: u64) -> u64 {
        left.min(PIECE as u64 / self.width.bytes())
    }

    /// Returns the bytes of `count` objects from `index` on, if they are aligned: else each
    /// access is to show what the processor does about it.
    pub(super) fn bytes(self, index: u64, count: u64) -> Option<PhysRange> {
        let start = self.address(index);
        let range = PhysRange::from_size(start, count.checked_mul(self.width.bytes())?)?;
        start.is_aligned(self.width.bytes()).then_some(range)
    }
}

/// Stops a loop over objects at Ctrl-C; looks for it now and then.
///
/// # Errors
/// [`Failure::Interrupted`](crate::commands::Failure::Interrupted).
pub(super) fn check_interrupt(cx: &mut Context<'_>, index: u64) -> Result<(), CommandError> {
    if index.is_multiple_of(ACCESSES_BETWEEN_POLLS) && cx.interrupted() {
        return Err(CommandError::interrupted());
    }
    Ok(())
}
