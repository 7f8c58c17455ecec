//! `env import`: variables from memory.

use alloc::{format, vec, vec::Vec};
use core::fmt::Write;

use platform_api::{PhysAddr, PhysRange};

use super::{one_form, options};
use crate::{
    commands::{CommandError, parse_hex},
    context::Context,
    env::{
        Environment,
        linear::{self, Form, Row},
        saved::HEADER,
    },
};

/// Bytes that are looked through for an end, if no size is given.
const MAX_SIZE: u64 = 1 << 20;
/// Problems that are shown one by one.
const MAX_SHOWN: usize = 16;

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (letters, rest) = options(arguments.get(1..).unwrap_or_default(), "bctrd")?;
    one_form("import", &letters)?;
    let [address, rest @ ..] = rest else {
        return Err(CommandError::usage());
    };
    let form = if letters.contains(['b', 'c']) {
        Form::Binary
    } else {
        Form::Text
    };
    if !letters.contains(['b', 'c', 't']) {
        let _ = cx.write_str("## Warning: defaulting to text format\n");
    }
    let address = PhysAddr::new(parse_hex(address)?);
    let names = rest.get(1..).unwrap_or_default();
    let checked = letters.contains('c');
    let size = match rest.first() {
        None | Some(&"-") if checked => {
            return Err(CommandError::message(
                "## Error: external checksum format must pass size".into(),
            ));
        }
        None | Some(&"-") => measure(cx, address, form)?,
        Some(size) => parse_hex(size)?,
    };
    let range = PhysRange::from_size(address, size)
        .ok_or_else(|| CommandError::message(format!("{size:#x} bytes at {address} wrap")))?;
    let mut bytes = cx.machine.memory.bytes(range)?;
    if checked {
        bytes = check(bytes)?;
    }
    let row = Row::new(bytes, form, letters.contains('r'));
    let problems = take(&mut cx.env, row, names, letters.contains('d'));
    for problem in problems.iter().take(MAX_SHOWN) {
        let _ = cx.write_str(problem);
    }
    if problems.len() > MAX_SHOWN {
        let _ = writeln!(cx, "and {} more", problems.len() - MAX_SHOWN);
    }
    Ok(())
}

/// Imports, and returns what there is to say.
fn take(
    env: &mut Environment,
    row: Row<'_>,
    names: &[&str],
    delete: bool,
) -> Vec<alloc::string::String> {
    if delete && names.is_empty() {
        env.clear();
    }
    let mut seen = vec![false; names.len()];
    let problems = linear::import(env, row, &mut |name| {
        for (found, _) in seen
            .iter_mut()
            .zip(names)
            .filter(|(_, other)| **other == name)
        {
            *found = true;
        }
        names.is_empty() || names.contains(&name)
    });
    let mut said: Vec<_> = problems.iter().map(|error| format!("{error}\n")).collect();
    let unseen = names.iter().zip(&seen).filter(|(_, seen)| !**seen);
    for (name, _) in unseen.filter(|_| delete) {
        said.push(match env.try_remove(name, false) {
            Ok(true) => format!("WARNING: '{name}' not in imported env, deleting it!\n"),
            Ok(false) => {
                format!("WARNING: '{name}' neither in running nor in imported env!\n")
            }
            Err(error) => format!("{error}\n"),
        });
    }
    said
}

/// Takes the header of U-Boot's redundant format off, after a look at its checksum.
fn check(bytes: &[u8]) -> Result<&[u8], CommandError> {
    let crc = bytes.first_chunk::<4>().map(|crc| u32::from_le_bytes(*crc));
    match (crc, bytes.get(HEADER..)) {
        (Some(crc), Some(data)) if crc32fast::hash(data) == crc => Ok(data),
        _ => Err(CommandError::message(
            "## Error: bad CRC, import failed".into(),
        )),
    }
}

/// Looks for the end of a row: a separator and a NUL.
fn measure(cx: &mut Context<'_>, address: PhysAddr, form: Form) -> Result<u64, CommandError> {
    let bank = cx.map.ram.iter().find(|bank| bank.contains(address));
    let left = bank.map_or(MAX_SIZE, |bank| {
        bank.end().as_u64().saturating_sub(address.as_u64())
    });
    let limit = left.min(MAX_SIZE);
    let range = PhysRange::from_size(address, limit)
        .ok_or_else(|| CommandError::message(format!("{limit:#x} bytes at {address} wrap")))?;
    let end = match form {
        Form::Text => [b'\n', 0],
        Form::Binary => [0, 0],
    };
    let bytes = cx.machine.memory.bytes(range)?;
    let found = bytes.windows(2).position(|pair| *pair == end);
    let size = match found {
        Some(at) => at as u64 + 2,
        None => {
            let _ = writeln!(
                cx,
                "## Warning: Input data exceeds {limit} bytes - truncated"
            );
            limit
        }
    };
    let _ = writeln!(cx, "## Info: input data size = {size} = {size:#X}");
    Ok(size)
}
