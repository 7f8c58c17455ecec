//! `hash` and its kin: checksums and digests of memory, shown, stored or verified.

mod algorithm;
mod sum;

use alloc::string::String;
use core::fmt::Write;

use platform_api::{PhysAddr, PhysRange};

pub(super) use self::algorithm::Algorithm;
use self::sum::Sum;
use super::{Command, CommandError, Group, parse_hex};
use crate::context::Context;

/// Bytes between two looks for Ctrl-C.
const SLICE: u64 = 0x1_0000;

/// `crc32`.
pub static CRC32: Command = Command {
    name: "crc32",
    aliases: &[],
    group: Group::Memory,
    summary: "checksum calculation",
    usage: "address count [addr]\n    - compute CRC32 checksum [save at addr]\n\
            -v address count crc\n    - verify crc of memory area",
    example: "crc32 40200000 10",
    run: run_crc32,
};

/// `md5sum`.
pub static MD5SUM: Command = Command {
    name: "md5sum",
    aliases: &[],
    group: Group::Memory,
    summary: "compute MD5 message digest",
    usage: "address count [[*]sum]\n    - compute MD5 message digest [save to sum]\n\
            -v address count [*]sum\n    - verify md5sum of memory area",
    example: "md5sum 40200000 10",
    run: run_md5,
};

/// `sha1sum`.
pub static SHA1SUM: Command = Command {
    name: "sha1sum",
    aliases: &[],
    group: Group::Memory,
    summary: "compute SHA1 message digest",
    usage: "address count [[*]sum]\n    - compute SHA1 message digest [save to sum]\n\
            -v address count [*]sum\n    - verify sha1sum of memory area",
    example: "sha1sum 40200000 10",
    run: run_sha1,
};

/// `sha256sum`.
pub static SHA256SUM: Command = Command {
    name: "sha256sum",
    aliases: &[],
    group: Group::Memory,
    summary: "compute SHA256 message digest",
    usage: "address count [[*]sum]\n    - compute SHA256 message digest [save to sum]\n\
            -v address count [*]sum\n    - verify sha256sum of memory area",
    example: "sha256sum 40200000 10",
    run: run_sha256,
};

/// `hash`.
pub static HASH: Command = Command {
    name: "hash",
    aliases: &[],
    group: Group::Memory,
    summary: "compute hash message digest",
    usage: "algorithm address count [[*]hash_dest]\n    \
            - compute message digest [save to env var / *address]\n\
            -v algorithm address count [*]hash\n    \
            - verify message digest of memory area to immediate value,\n      \
            env var or *address; algorithms: crc32, md5, sha1, sha256",
    example: "hash sha256 40200000 10 digest",
    run: run_hash,
};

fn run_crc32(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    match arguments {
        // As old as U-Boot: the sum is stored at an address without an asterisk.
        [_, address, count, target] if *address != "-v" => {
            let sum = show(cx, Algorithm::Crc32, address, count)?;
            store(cx, parse_hex(target)?, &sum)
        }
        [_, rest @ ..] => digest(cx, Algorithm::Crc32, rest),
        [] => Err(CommandError::usage()),
    }
}

fn run_md5(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    digest(cx, Algorithm::Md5, arguments.get(1..).unwrap_or_default())
}

fn run_sha1(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    digest(cx, Algorithm::Sha1, arguments.get(1..).unwrap_or_default())
}

fn run_sha256(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    digest(
        cx,
        Algorithm::Sha256,
        arguments.get(1..).unwrap_or_default(),
    )
}

fn run_hash(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (name, rest) = match arguments {
        [_, "-v", name, rest @ ..] => (name, [&["-v"], rest].concat()),
        [_, name, rest @ ..] => (name, rest.to_vec()),
        _ => return Err(CommandError::usage()),
    };
    match Algorithm::find(name) {
        Some(algorithm) => digest(cx, algorithm, &rest),
        None => {
            // Writing to a context cannot fail.
            let _ = writeln!(cx, "Unknown hash algorithm '{name}'");
            Err(CommandError::usage())
        }
    }
}

/// Shows, stores or verifies a digest, by the arguments behind the command's name.
fn digest(
    cx: &mut Context<'_>,
    algorithm: Algorithm,
    arguments: &[&str],
) -> Result<(), CommandError> {
    match *arguments {
        ["-v", address, count, expected] => verify(cx, algorithm, (address, count), expected),
        ["-v", ..] => Err(CommandError::usage()),
        [address, count] => show(cx, algorithm, address, count).map(drop),
        [address, count, target] => {
            let sum = show(cx, algorithm, address, count)?;
            match target.strip_prefix('*') {
                Some(address) => store(cx, parse_hex(address)?, &sum),
                None => Ok(cx.env.try_set(target, &alloc::format!("{sum}"))?),
            }
        }
        _ => Err(CommandError::usage()),
    }
}

fn range(address: &str, count: &str) -> Result<PhysRange, CommandError> {
    let (address, count) = (parse_hex(address)?, parse_hex(count)?);
    PhysRange::from_size(PhysAddr::new(address), count).ok_or_else(|| {
        CommandError::message(alloc::format!(
            "{count:x} bytes at {address:08x} end beyond the last address"
        ))
    })
}

/// Describes what a sum is of, as U-Boot does.
fn title(algorithm: Algorithm, range: PhysRange) -> String {
    let last = range.end().as_u64().wrapping_sub(1);
    alloc::format!(
        "{} for {:08x} ... {last:08x} ==> ",
        algorithm.name(),
        range.start().as_u64()
    )
}

fn show(
    cx: &mut Context<'_>,
    algorithm: Algorithm,
    address: &str,
    count: &str,
) -> Result<Sum, CommandError> {
    let range = range(address, count)?;
    let sum = compute(cx, algorithm, range)?;
    let title = title(algorithm, range);
    let _ = writeln!(cx, "{title}{sum}");
    Ok(sum)
}

/// Says nothing where the sum is as expected.
fn verify(
    cx: &mut Context<'_>,
    algorithm: Algorithm,
    (address, count): (&str, &str),
    text: &str,
) -> Result<(), CommandError> {
    let range = range(address, count)?;
    let expected = expected(cx, algorithm, text)?;
    let sum = compute(cx, algorithm, range)?;
    if sum == expected {
        return Ok(());
    }
    let title = title(algorithm, range);
    Err(CommandError::message(alloc::format!(
        "{title}{sum} != {expected} ** ERROR **"
    )))
}

/// Reads the sum to compare with: as many digits as it has, else the variable with these, or
/// `*ADDRESS` of its bytes.
fn expected(cx: &Context<'_>, algorithm: Algorithm, text: &str) -> Result<Sum, CommandError> {
    let size = algorithm.size();
    if let Some(address) = text.strip_prefix('*') {
        let place = PhysRange::from_size(PhysAddr::new(parse_hex(address)?), size as u64);
        let bytes = cx.machine.memory.bytes(place.unwrap_or_default())?;
        return Ok(Sum::new(bytes));
    }
    let digits = if text.len() == 2 * size {
        Some(text)
    } else {
        cx.env.get(text)
    };
    let sum = digits
        .filter(|digits| digits.len() == 2 * size)
        .and_then(Sum::parse);
    sum.ok_or_else(|| {
        CommandError::message(alloc::format!(
            "Expected {} hex digits in env var\n\
             ERROR: {text} does not contain a valid {} sum",
            2 * size,
            algorithm.name()
        ))
    })
}

fn compute(
    cx: &mut Context<'_>,
    algorithm: Algorithm,
    range: PhysRange,
) -> Result<Sum, CommandError> {
    // All of it is granted before any of it is read.
    cx.machine.memory.bytes(range)?;
    let mut state = algorithm.start();
    let mut rest = range;
    while !rest.is_empty() {
        if cx.interrupted() {
            return Err(CommandError::interrupted());
        }
        let middle = rest.start().checked_add(SLICE).unwrap_or(range.end());
        let middle = middle.min(range.end());
        let slice = PhysRange::new(rest.start(), middle).unwrap_or_default();
        state.update(cx.machine.memory.bytes(slice)?);
        rest = PhysRange::new(middle, range.end()).unwrap_or_default();
    }
    Ok(state.finish())
}

/// Stores a sum as U-Boot does, a CRC-32 most significant byte first.
fn store(cx: &mut Context<'_>, target: u64, sum: &Sum) -> Result<(), CommandError> {
    let bytes = sum.bytes();
    let range =
        PhysRange::from_size(PhysAddr::new(target), bytes.len() as u64).ok_or_else(|| {
            CommandError::message(alloc::format!("{target:08x} is too near the last address"))
        })?;
    cx.machine.memory.bytes_mut(range)?.copy_from_slice(bytes);
    Ok(())
}
