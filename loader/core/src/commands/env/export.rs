//! `env export`: variables into memory.

use alloc::{format, vec::Vec};

use platform_api::{PhysAddr, PhysRange};

use super::one_form;
use crate::{
    commands::{CommandError, parse_hex},
    context::Context,
    env::{
        linear::{self, Form},
        saved::{self, SIZE},
    },
    storage,
};

/// The flag of a copy that is in use, in U-Boot's words `ENV_REDUND_ACTIVE`.
const ACTIVE: u8 = 1;

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let mut letters = alloc::string::String::new();
    let mut size = None;
    let mut rest = arguments.get(1..).unwrap_or_default();
    while let [first, more @ ..] = rest
        && let Some(word) = first.strip_prefix('-')
    {
        rest = more;
        if let Some(before) = word.strip_suffix('s') {
            letters.push_str(before);
            let [text, more @ ..] = rest else {
                return Err(CommandError::usage());
            };
            size = Some(parse_hex(text)?).filter(|size| *size > 0);
            rest = more;
        } else {
            letters.push_str(word);
        }
    }
    if !letters.chars().all(|letter| "bct".contains(letter)) {
        return Err(CommandError::usage());
    }
    one_form("export", &letters)?;
    let [address, names @ ..] = rest else {
        return Err(CommandError::usage());
    };
    let address = PhysAddr::new(parse_hex(address)?);
    let wanted = |name: &str| names.is_empty() || names.contains(&name);
    let variables = cx.env.iter().filter(|(name, _)| wanted(name));
    let bytes = match letters.as_str() {
        "c" => {
            let size = size.unwrap_or(SIZE as u64);
            let small = usize::try_from(size).map_err(|_| too_small(size, 0))?;
            let small = small.min(cx.machine.memory.bytes(range(address, size)?)?.len());
            saved::encode(variables, ACTIVE, small).map_err(|needed| too_small(size, needed))?
        }
        "b" => {
            let row = linear::export(variables, Form::Binary);
            pad(row, Some(size.unwrap_or(SIZE as u64)))?
        }
        _ => pad(linear::export(variables, Form::Text), size)?,
    };
    let range = range(address, bytes.len() as u64)?;
    cx.machine.memory.bytes_mut(range)?.copy_from_slice(&bytes);
    let text = match letters.as_str() {
        "c" | "b" => format!("{:x}", bytes.len()),
        // U-Boot's digits are large here.
        _ => format!("{:X}", bytes.len()),
    };
    Ok(cx.env.try_set("filesize", &text)?)
}

fn range(address: PhysAddr, size: u64) -> Result<PhysRange, CommandError> {
    PhysRange::from_size(address, size)
        .ok_or_else(|| CommandError::message(format!("{size:#x} bytes at {address} wrap")))
}

/// Pads with NULs to a size, if one is given.
fn pad(mut row: Vec<u8>, size: Option<u64>) -> Result<Vec<u8>, CommandError> {
    let Some(size) = size else {
        return Ok(row);
    };
    let length = usize::try_from(size).unwrap_or(usize::MAX);
    let more = length
        .checked_sub(row.len())
        .ok_or_else(|| too_small(size, row.len()))?;
    row.try_reserve_exact(more)
        .map_err(|_| CommandError::message(format!("the heap has no room for {size:#x} bytes")))?;
    storage::pad(&mut row, length);
    Ok(row)
}

/// U-Boot's words; 12 is ENOMEM.
fn too_small(size: u64, needed: usize) -> CommandError {
    CommandError::message(format!(
        "Env export buffer too small: {size}, but need {needed}\n\
         ## Error: Cannot export environment: errno = 12"
    ))
}
