//! `mtest`: a simple test of RAM. What was in it is gone afterwards, as with U-Boot's.

use core::fmt::Write;

use platform_api::{PhysAddr, PhysRange};

use super::{Command, CommandError, Group, parse_hex};
use crate::context::Context;

/// The descriptor.
pub static MTEST: Command = Command {
    name: "mtest",
    aliases: &[],
    group: Group::Memory,
    summary: "simple RAM read/write test",
    usage: "start end [pattern [iterations]]\n    \
            - overwrite 'start' to 'end' with counting patterns and read them back, 'iterations'\n      \
            times or until Ctrl-C; only memory that nobody owns",
    example: "mtest 40200000 40201000 aaaa5555 2",
    run,
};

/// Bytes that are written or read at once.
const PIECE: u64 = 0x4000;
const WORD: usize = 4;

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (start, end, pattern, limit) = match *arguments {
        [_, start, end] => (start, end, "0", "0"),
        [_, start, end, pattern] => (start, end, pattern, "0"),
        [_, start, end, pattern, limit] => (start, end, pattern, limit),
        _ => return Err(CommandError::usage()),
    };
    let (start, end, limit) = (parse_hex(start)?, parse_hex(end)?, parse_hex(limit)?);
    let pattern = u32::try_from(parse_hex(pattern)?)
        .map_err(|_| CommandError::message(alloc::format!("{pattern} does not fit 32 bits")))?;
    let range = PhysRange::new(PhysAddr::new(start), PhysAddr::new(end & !3));
    let range = range
        .filter(|range| !range.is_empty())
        .ok_or_else(|| CommandError::message("Refusing to do empty test".into()))?;
    // All of it is granted before any of it is written.
    cx.machine.memory.bytes_mut(range)?;
    // Writing to a context cannot fail.
    let _ = writeln!(cx, "Testing {start:08x} ... {end:08x}:");
    let (mut iteration, mut errors) = (0_u64, 0);
    let mut result = Ok(());
    while result.is_ok() && (limit == 0 || iteration < limit) {
        let _ = write!(cx, "Iteration: {:6}\r", iteration + 1);
        let sequence = Sequence::new(pattern, iteration);
        result = test(cx, range, sequence, &mut errors);
        iteration += u64::from(result.is_ok());
    }
    let _ = writeln!(
        cx,
        "\nTested {iteration} iteration(s) with {errors} errors."
    );
    result?;
    if errors > 0 {
        return Err(CommandError::status(1));
    }
    Ok(())
}

/// The words of an iteration: they count up from the pattern, and every other time down from
/// its complement, so that each bit is seen both ways.
#[derive(Clone, Copy)]
struct Sequence {
    first: u32,
    step: u32,
}

impl Sequence {
    fn new(pattern: u32, iteration: u64) -> Self {
        match (iteration & 1, pattern.cast_signed() < 0) {
            (0, _) => Self {
                first: pattern,
                step: 1,
            },
            (_, negative) => Self {
                first: if negative {
                    pattern.wrapping_neg()
                } else {
                    !pattern
                },
                step: u32::MAX,
            },
        }
    }

    /// Returns the word at a place.
    fn at(self, index: u64) -> u32 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the words repeat after 2^32"
        )]
        self.first
            .wrapping_add(self.step.wrapping_mul(index as u32))
    }
}

/// Returns the pieces of a range, each with the index of its first word.
fn pieces(range: PhysRange) -> impl Iterator<Item = (u64, PhysRange)> {
    (0..range.size().div_ceil(PIECE)).filter_map(move |piece| {
        let start = range.start().checked_add(piece * PIECE)?;
        let end = start.checked_add(PIECE)?.min(range.end());
        Some((piece * PIECE / WORD as u64, PhysRange::new(start, end)?))
    })
}

fn test(
    cx: &mut Context<'_>,
    range: PhysRange,
    sequence: Sequence,
    errors: &mut u64,
) -> Result<(), CommandError> {
    let _ = write!(
        cx,
        "\rPattern {:08X}  Writing...{:12}{}",
        sequence.first,
        "",
        "\x08".repeat(10)
    );
    for (first, piece) in pieces(range) {
        if cx.interrupted() {
            return Err(CommandError::interrupted());
        }
        let bytes = cx.machine.memory.bytes_mut(piece)?;
        for (index, word) in bytes.as_chunks_mut::<WORD>().0.iter_mut().enumerate() {
            *word = sequence.at(first + index as u64).to_le_bytes();
        }
    }
    let _ = cx.write_str("Reading...");
    for (first, piece) in pieces(range) {
        if cx.interrupted() {
            return Err(CommandError::interrupted());
        }
        check(cx, first, piece, sequence, errors)?;
    }
    Ok(())
}

/// Reads a piece back, and tells what is wrong in it.
fn check(
    cx: &mut Context<'_>,
    first: u64,
    piece: PhysRange,
    sequence: Sequence,
    errors: &mut u64,
) -> Result<(), CommandError> {
    let mut from = 0;
    loop {
        let words = cx.machine.memory.bytes(piece)?.as_chunks::<WORD>().0;
        let wrong = words
            .iter()
            .enumerate()
            .skip(from)
            .find_map(|(index, word)| {
                let found = u32::from_le_bytes(*word);
                let expected = sequence.at(first + index as u64);
                (found != expected).then_some((index, found, expected))
            });
        let Some((index, found, expected)) = wrong else {
            return Ok(());
        };
        let address = piece.start().as_u64() + (WORD * index) as u64;
        let _ = write!(
            cx,
            "\nMem error @ 0x{address:08X}: found {found:08X}, expected {expected:08X}\n"
        );
        *errors += 1;
        if cx.interrupted() {
            return Err(CommandError::interrupted());
        }
        from = index + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_u_boots() {
        for (pattern, iteration, words) in [
            (0, 0, [0, 1, 2]),
            (0, 1, [0xffff_ffff, 0xffff_fffe, 0xffff_fffd]),
            (5, 3, [0xffff_fffa, 0xffff_fff9, 0xffff_fff8]),
            (0x8000_0001, 1, [0x7fff_ffff, 0x7fff_fffe, 0x7fff_fffd]),
        ] {
            let sequence = Sequence::new(pattern, iteration);
            assert_eq!([0, 1, 2].map(|index| sequence.at(index)), words);
        }
    }
}
