//! `meminfo`: whose memory is whose.

use alloc::{string::String, vec::Vec};
use core::fmt::{self, Write};

use platform_api::PhysRange;

use super::{Command, CommandError, Group, size_text::Size};
use crate::context::Context;

/// The descriptor.
pub static MEMINFO: Command = Command {
    name: "meminfo",
    aliases: &[],
    group: Group::Info,
    summary: "display memory information",
    usage: "\n    - show RAM and who claims what of it, the highest first",
    example: "meminfo",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    if arguments.len() != 1 {
        return Err(CommandError::usage());
    }
    let mut text = String::new();
    // Writing to a string or a context cannot fail.
    let _ = describe(cx, &mut text);
    let _ = cx.write_str(&text);
    Ok(())
}

fn describe(cx: &Context<'_>, out: &mut String) -> fmt::Result {
    let total = cx.map.ram.iter().map(|bank| bank.size()).sum();
    write!(
        out,
        "DRAM:  {}\n\n{:<12} {:>13} {:>13} {:>13} {:>13}\n{:-<68}\n",
        Size(total),
        "Region",
        "Base",
        "Size",
        "End",
        "Gap",
        ""
    )?;
    for bank in cx.map.ram.iter().rev() {
        describe_bank(cx, *bank, out)?;
    }
    Ok(())
}

/// Shows the claims in a bank from its top down, and what is free between them.
fn describe_bank(cx: &Context<'_>, bank: PhysRange, out: &mut String) -> fmt::Result {
    let claims = cx.map.loader.iter().chain(&cx.map.reserved);
    let claims = claims.map(|claim| (claim.range, claim.owner.as_str()));
    let files = cx
        .loaded
        .iter()
        .map(|file| (file.range, file.path.as_str()));
    let mut regions: Vec<(PhysRange, &str)> = Vec::new();
    for (range, name) in claims.chain(files) {
        if let Some(range) = range.intersection(bank) {
            let at = regions.partition_point(|(other, _)| other.start() > range.start());
            regions.insert(at, (range, name));
        }
    }
    let mut top = bank.end();
    for (range, name) in regions {
        let gap = PhysRange::new(range.end(), top);
        row(out, name, range, gap.map(PhysRange::size))?;
        top = top.min(range.start());
    }
    match PhysRange::new(bank.start(), top) {
        Some(rest) if !rest.is_empty() => row(out, "free", rest, Some(0)),
        _ => Ok(()),
    }
}

/// A region, and how much is free above it; nothing if it overlaps the one above.
fn row(out: &mut String, name: &str, range: PhysRange, gap: Option<u64>) -> fmt::Result {
    let (start, end) = (range.start().as_u64(), range.end().as_u64());
    write!(out, "{name:<12} {start:13x} {:13x} {end:13x}", range.size())?;
    match gap {
        Some(gap) => writeln!(out, " {gap:13x}"),
        None => out.write_char('\n'),
    }
}
