//! `ms`: searches memory.

use alloc::{format, string::String, vec::Vec};
use core::fmt::Write;

use platform_api::{PhysAddr, PhysRange, Width};

use super::{
    Command, CommandError, Group,
    access::{Objects, parse_width},
    md, parse_hex,
};
use crate::context::Context;

/// The descriptor.
pub static MS: Command = Command {
    name: "ms",
    aliases: &[],
    group: Group::Memory,
    summary: "memory search",
    usage: "[.b, .w, .l, .q, .s] [-q | -l<val>] address #-of-objects <value>...\n  \
            -q = quiet, -l<val> = match limit; .s looks for text\n  \
            sets memmatches, memaddr (of the last one shown) and mempos (in objects)",
    example: "ms.b 40200000 100 0",
    run,
};

/// Matches after which a search stops, if nothing is said.
const DEFAULT_LIMIT: u64 = 10;
/// The most bytes looked for.
const MAX_PATTERN: usize = 64;
/// Objects between two looks for Ctrl-C.
const STEPS_BETWEEN_POLLS: u64 = 0x1000;

/// What is looked for, and where.
struct Search {
    objects: Objects,
    pattern: Vec<u8>,
    quiet: bool,
    limit: u64,
}

/// What was found.
#[derive(Default)]
struct Found {
    matches: u64,
    /// Address and index of the first match of the last line shown.
    address: u64,
    position: u64,
    /// Objects looked at.
    steps: u64,
}

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (search, rest) = parse(cx, arguments)?;
    let found = look(cx, &search)?;
    let end = if found.matches == 1 { "" } else { "es" };
    if !search.quiet {
        let more = if found.matches == search.limit {
            " (repeat command to check for more)"
        } else {
            ""
        };
        // Writing to a context cannot fail.
        let _ = writeln!(cx, "{} match{end}{more}", found.matches);
    }
    for (name, value) in [
        ("memmatches", found.matches),
        ("memaddr", found.address),
        ("mempos", found.position),
    ] {
        cx.env.try_set(name, &format!("{value:x}"))?;
    }
    cx.repeat = rest.map(|(head, tail)| {
        let next = search.objects.address(found.steps).as_u64();
        let next = next.wrapping_sub(cx.remembered.base);
        let left = search.objects.count().saturating_sub(found.steps);
        format!("{head} {next:x} {left:x} {tail}")
    });
    if found.matches == 0 {
        return Err(CommandError::status(1));
    }
    Ok(())
}

/// Reads the arguments; returns beside the search what stands before and behind its place, for
/// the line that goes on.
fn parse(
    cx: &Context<'_>,
    arguments: &[&str],
) -> Result<(Search, Option<(String, String)>), CommandError> {
    let [name, rest @ ..] = arguments else {
        return Err(CommandError::usage());
    };
    let text = name.ends_with(".s");
    let width = if text {
        Width::Byte
    } else {
        parse_width(name)?
    };
    let (mut quiet, mut limit) = (false, DEFAULT_LIMIT);
    let mut rest = rest;
    let mut head = String::from(*name);
    while let [option, others @ ..] = rest
        && let Some(option) = option.strip_prefix('-')
    {
        match option.split_at_checked(1) {
            Some(("q", "")) => quiet = true,
            Some(("l", value)) => limit = parse_hex(value)?,
            _ => return Err(CommandError::usage()),
        }
        head.push_str(" -");
        head.push_str(option);
        rest = others;
    }
    let [address, count, values @ ..] = rest else {
        return Err(CommandError::usage());
    };
    let pattern = pattern(values, width, text)?;
    let search = Search {
        objects: Objects::parse(cx, address, width, parse_hex(count)?)?,
        pattern,
        quiet,
        limit,
    };
    // A quote in a text would end the quotes around it.
    let quotable = values.iter().all(|value| !value.contains('\''));
    let tail = || format!("'{}'", values.join("' '"));
    Ok((search, quotable.then(|| (head, tail()))))
}

fn pattern(values: &[&str], width: Width, text: bool) -> Result<Vec<u8>, CommandError> {
    let mut pattern = Vec::new();
    for value in values {
        if text {
            pattern.extend_from_slice(value.as_bytes());
        } else {
            let bytes = parse_hex(value)?.to_le_bytes();
            let used = usize::try_from(width.bytes()).unwrap_or(bytes.len());
            pattern.extend_from_slice(bytes.get(..used).unwrap_or_default());
        }
    }
    match pattern.len() {
        0 => Err(CommandError::usage()),
        1..=MAX_PATTERN => Ok(pattern),
        length => Err(CommandError::message(format!(
            "{length} bytes are too many to look for: {MAX_PATTERN} at most"
        ))),
    }
}

/// Searches, and shows each line of 16 bytes with a match once.
fn look(cx: &mut Context<'_>, search: &Search) -> Result<Found, CommandError> {
    let Search { objects, .. } = search;
    let step = objects.width().bytes();
    let start = objects.start();
    let bytes = objects.count().saturating_mul(step);
    let whole = PhysRange::from_size(PhysAddr::new(start), bytes).unwrap_or_default();
    // All of it is granted before any of it is looked at.
    cx.machine.memory.bytes(whole)?;
    let mut found = Found::default();
    let length = search.pattern.len() as u64;
    while found.steps < objects.count()
        && found.steps * step + length <= bytes
        && found.matches < search.limit
    {
        if found.steps % STEPS_BETWEEN_POLLS == 0 && cx.interrupted() {
            return Err(CommandError::interrupted());
        }
        let address = objects.address(found.steps).as_u64();
        if matches(cx, address, &search.pattern)? {
            if found.matches == 0 || found.address & !0xf != address & !0xf {
                show(cx, search, address, found.matches > 0)?;
                found.address = address;
                found.position = found.steps;
            }
            found.matches += 1;
        }
        found.steps += 1;
    }
    Ok(found)
}

fn matches(cx: &Context<'_>, address: u64, pattern: &[u8]) -> Result<bool, CommandError> {
    let place = PhysRange::from_size(PhysAddr::new(address), pattern.len() as u64);
    Ok(cx.machine.memory.bytes(place.unwrap_or_default())? == pattern)
}

/// Shows the lines of 16 bytes that a match lies in, behind a rule if it is not the first.
fn show(
    cx: &mut Context<'_>,
    search: &Search,
    address: u64,
    more: bool,
) -> Result<(), CommandError> {
    if search.quiet {
        return Ok(());
    }
    if more {
        let _ = cx.write_str("--\n");
    }
    let skipped = address & 0xf;
    let size = (search.pattern.len() as u64 + skipped).next_multiple_of(16);
    let width = search.objects.width();
    md::show(
        cx,
        Objects::new(address - skipped, width, size / width.bytes())?,
    )
}
