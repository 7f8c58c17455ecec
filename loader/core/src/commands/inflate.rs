//! What the commands that unpack gzip data share.

use alloc::string::ToString;

use platform_api::PhysRange;

use super::CommandError;
use crate::{
    context::Context,
    image::gzip::{self, GzipError, Inflater},
};

impl From<GzipError> for CommandError {
    fn from(error: GzipError) -> Self {
        Self::message(error.to_string())
    }
}

/// What was unpacked.
pub(super) struct Unpacked {
    /// Bytes.
    pub size: u64,
    /// Their CRC-32.
    pub crc: u32,
}

/// Takes unpacked bytes; beside them it learns which part of the source is still to be read.
pub(super) type Sink<'s> =
    dyn FnMut(&mut Context<'_>, PhysRange, &[u8]) -> Result<(), CommandError> + 's;

/// Unpacks the gzip data that `source` starts with, in pieces of 32 KiB.
///
/// # Errors
/// `source` is not granted, the data are broken or not as their checksum says, the sink's, or
/// Ctrl-C.
pub(super) fn inflate(
    cx: &mut Context<'_>,
    source: PhysRange,
    sink: &mut Sink<'_>,
) -> Result<Unpacked, CommandError> {
    let header = gzip::header_size(cx.machine.memory.bytes(source)?)?;
    let mut rest = behind(source, header);
    let mut inflater = Inflater::default();
    loop {
        if cx.interrupted() {
            return Err(CommandError::interrupted());
        }
        let step = inflater.step(cx.machine.memory.bytes(rest)?)?;
        rest = behind(rest, step.consumed);
        sink(cx, rest, inflater.output())?;
        if step.finished {
            break;
        }
    }
    let crc = inflater.verify(cx.machine.memory.bytes(rest)?)?;
    Ok(Unpacked {
        size: inflater.size(),
        crc,
    })
}

/// Returns what is left of a range after `used` bytes.
fn behind(range: PhysRange, used: usize) -> PhysRange {
    let start = range.start().checked_add(used as u64);
    start
        .and_then(|start| PhysRange::new(start, range.end()))
        .unwrap_or_default()
}
