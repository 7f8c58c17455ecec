//! Files into physical memory, with signs of life.

use platform_api::{MemoryError, PhysRange};

use super::OpenFile;
use crate::{commands::CommandError, context::Context};

/// Bytes of the first request; a disk's answers say how long the next ones are. A disk of 60 KB/s
/// answers this one before its driver gives up.
const FIRST: u64 = 256 << 10;
/// Bytes of the longest request and of the shortest.
const LONGEST: u64 = 2 << 20;
const SHORTEST: u64 = 32 << 10;
/// How many times longer a request gets after a fast one: a kernel takes four.
const GROWTH: u64 = 8;
/// How long a request should take at most, in microseconds: Ctrl-C waits for it, and drivers wait
/// some seconds only.
const REQUEST_US: u64 = 500_000;
/// How long a read may take before it shows progress, in microseconds.
const QUIET_US: u64 = 1_000_000;

/// How long a read took, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadTime(pub u64);

/// Reads the file's bytes from `offset` on into `range`, all of it, straight from the disk.
/// Reads of more than a second print `#` for each request.
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
    let mut marks = false;
    let result = read_pieces(cx, file, offset, range, &mut marks);
    if marks {
        cx.machine.console.write(b"\r\n");
    }
    result
}

/// Does what [`read_into`] does; `marks` tells whether a line of marks was begun.
fn read_pieces(
    cx: &mut Context<'_>,
    file: &OpenFile,
    offset: u64,
    range: PhysRange,
    marks: &mut bool,
) -> Result<ReadTime, CommandError> {
    let begin = cx.machine.clock.microseconds();
    let mut now = begin;
    let mut length = FIRST;
    let mut done = 0;
    while done < range.size() {
        let piece = piece(range, done, length)?;
        let dest = cx.machine.memory.bytes_mut(piece)?;
        file.read_at(&mut cx.machine.disks, offset + done, dest)?;
        done += piece.size();
        let before = now;
        now = cx.machine.clock.microseconds();
        length = next_length(length, now.saturating_sub(before));
        if now.saturating_sub(begin) >= QUIET_US {
            cx.machine.console.write(b"#");
            *marks = true;
        }
        if done < range.size() && cx.interrupted() {
            return Err(CommandError::interrupted());
        }
    }
    Ok(ReadTime(now.saturating_sub(begin)))
}

/// Returns how long the request after one of `length` bytes should be that took `took`
/// microseconds.
fn next_length(length: u64, took: u64) -> u64 {
    if took > REQUEST_US {
        (length / 2).max(SHORTEST)
    } else if took <= REQUEST_US / GROWTH {
        length.saturating_mul(GROWTH).min(LONGEST)
    } else {
        length
    }
}

/// Returns the piece of `range` that starts after `done` bytes: `length` of them, or the rest.
fn piece(range: PhysRange, done: u64, length: u64) -> Result<PhysRange, MemoryError> {
    let beyond = MemoryError::Unaddressable(range.end());
    let start = range.start().checked_add(done).ok_or(beyond)?;
    let length = length.min(range.size() - done);
    PhysRange::from_size(start, length).ok_or(beyond)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads `size` bytes from a disk of so many bytes a second: the longest request in
    /// microseconds, and how many there were.
    fn read(size: u64, rate: u64) -> (u64, u64) {
        let (mut done, mut length, mut longest, mut requests) = (0, FIRST, 0, 0);
        while done < size {
            let took = length * 1_000_000 / rate;
            longest = longest.max(took);
            done += length;
            length = next_length(length, took);
            requests += 1;
        }
        (longest, requests)
    }

    #[test]
    fn requests_are_as_long_as_the_disk_is_fast() {
        const KERNEL: u64 = 5_526_016;
        assert_eq!(read(KERNEL, 100_000_000).1, 4);
        // The card of a board.
        let (longest, requests) = read(KERNEL, 4_000_000);
        assert!(longest <= REQUEST_US && requests < 25, "{requests}");
        // Below its driver's five seconds, at any rate that makes sense.
        for rate in [60_000, 100_000, 600_000, 1_000_000, 10_000_000] {
            let (longest, _) = read(100 << 20, rate);
            assert!(longest < 4_500_000, "{rate}: {longest}");
        }
        assert_eq!(next_length(SHORTEST, REQUEST_US + 1), SHORTEST);
        assert_eq!(next_length(LONGEST, 0), LONGEST);
    }
}
