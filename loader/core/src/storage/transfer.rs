//! Files into physical memory, with signs of life.

use platform_api::{MemoryError, PhysRange};

use super::OpenFile;
use crate::{commands::CommandError, context::Context};

/// Bytes read between two looks at the clock and the keyboard.
pub const PIECE: u64 = 4 << 20;
/// How long a read may take before it shows progress, in microseconds.
const QUIET_US: u64 = 1_000_000;

/// How long a read took, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadTime(pub u64);

/// Reads the file's bytes from `offset` on into `range`, all of it, straight from the disk.
/// Reads of more than a second print `#` for each [`PIECE`].
///
/// # Errors
/// If memory is not granted or the file is too short, before a byte is written; if the disk
/// fails or Ctrl-C comes, with a part of `range` overwritten.
pub fn read_into(
    cx: &mut Context<'_>,
    file: &OpenFile,
    offset: u64,
    range: PhysRange,
) -> Result<ReadTime, CommandError> {
    file.check(offset, range.size())?;
    cx.machine.memory.bytes_mut(range)?;
    let begin = cx.machine.clock.microseconds();
    let mut marks = false;
    let mut done = 0;
    while done < range.size() {
        let piece = piece(range, done)?;
        let dest = cx.machine.memory.bytes_mut(piece)?;
        file.read_at(&mut cx.machine.disks, offset + done, dest)?;
        done += piece.size();
        if done < range.size() {
            let late = cx.machine.clock.microseconds().saturating_sub(begin) >= QUIET_US;
            if late {
                cx.machine.console.write(b"#");
                marks = true;
            }
            if cx.interrupted() {
                return Err(CommandError::Interrupted);
            }
        }
    }
    if marks {
        cx.machine.console.write(b"#\r\n");
    }
    Ok(ReadTime(
        cx.machine.clock.microseconds().saturating_sub(begin),
    ))
}

/// Returns the piece of `range` that starts after `done` bytes.
fn piece(range: PhysRange, done: u64) -> Result<PhysRange, MemoryError> {
    let beyond = MemoryError::Unaddressable(range.end());
    let start = range.start().checked_add(done).ok_or(beyond)?;
    let length = PIECE.min(range.size() - done);
    PhysRange::from_size(start, length).ok_or(beyond)
}
