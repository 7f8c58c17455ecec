//! `bdinfo`: tells what is known about the board.

use alloc::string::String;
use core::fmt::{self, Write};

use platform_api::PhysRange;

use super::{Command, CommandError, Group};
use crate::{context::Context, devicetree::PsciConduit};

/// What the node of our monitor's pages is called.
const MONITOR: &str = "baton-monitor";

/// `bdinfo`.
pub static BDINFO: Command = Command {
    name: "bdinfo",
    aliases: &[],
    group: Group::Info,
    summary: "print Board Info structure",
    usage: "",
    example: "bdinfo",
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

/// Writes a line as U-Boot does, the value behind a column of names.
macro_rules! row {
    ($out:expr, $name:expr, $($value:tt)*) => {
        writeln!($out, "{:<12}= {}", $name, format_args!($($value)*))
    };
}

fn describe(cx: &Context<'_>, out: &mut String) -> fmt::Result {
    let board = &cx.board;
    row!(out, "boot_params", "{:#010x}", 0)?;
    for (number, bank) in cx.map.ram.iter().enumerate() {
        row!(out, "DRAM bank", "{number:#010x}")?;
        row!(out, "-> start", "{}", bank.start())?;
        row!(out, "-> size", "{:#010x}", bank.size())?;
    }
    if let Some(own) = cx.map.loader.first() {
        // The image is linked at 0.
        row!(out, "relocaddr", "{}", own.range.start())?;
        row!(out, "reloc off", "{}", own.range.start())?;
    }
    row!(out, "Build", "32-bit")?;
    match board.tree_address {
        Some(address) => row!(out, "fdt_blob", "{address}")?,
        None => row!(out, "fdt_blob", "none was given")?,
    }
    if let Some(tree) = &cx.tree {
        let size = tree.dtb_size(tree.padding()).unwrap_or(0);
        row!(out, "fdt_size", "{size:#010x}")?;
    }
    out.write_str("lmb_dump_all:\n")?;
    describe_ranges(out, "memory", cx.map.ram.iter().copied())?;
    let claims = cx.map.loader.iter().chain(&cx.map.reserved);
    describe_ranges(out, "reserved", claims.map(|claim| claim.range))?;
    row!(out, "model", "{}", cx.model)?;
    describe_cpu(cx, out)?;
    row!(out, "console", "{}", board.console)?;
    describe_psci(cx, out)?;
    if let Some(address) = board.entered_at {
        row!(out, "entered at", "{address}")?;
    }
    for claim in &cx.map.loader {
        row!(out, "loader", "{} {}", claim.range, claim.owner)?;
    }
    for claim in &cx.map.reserved {
        row!(out, "reserved", "{} {}", claim.range, claim.owner)?;
    }
    if let Some(initrd) = cx.map.initrd {
        row!(out, "initrd", "{initrd}")?;
    }
    for claim in &cx.map.staged {
        row!(out, "staged", "{} {}", claim.range, claim.owner)?;
    }
    for disk in &cx.machine.disks {
        row!(
            out,
            "disk",
            "{} {} {}",
            disk.interface,
            disk.index,
            disk.path
        )?;
    }
    Ok(())
}

/// Writes a list of ranges as U-Boot's memory blocks.
fn describe_ranges(
    out: &mut String,
    name: &str,
    ranges: impl Iterator<Item = PhysRange> + Clone,
) -> fmt::Result {
    writeln!(out, " {name}.cnt  = {:#x}", ranges.clone().count())?;
    for (index, range) in ranges.enumerate() {
        writeln!(
            out,
            " {name}[{index}]\t{range}, {:#010x} bytes flags: 0",
            range.size()
        )?;
    }
    Ok(())
}

fn describe_cpu(cx: &Context<'_>, out: &mut String) -> fmt::Result {
    let cpu = &cx.machine.cpu;
    row!(
        out,
        "cpu",
        "{} ({:#010x}), affinity {:#x}",
        cpu.name,
        cpu.id,
        cpu.affinity
    )?;
    row!(out, "mode", "{}", cpu.mode)?;
    let state = if cpu.caches_on { "on" } else { "off" };
    row!(out, "caches", "{state}, lines of {} bytes", cpu.cache_line)?;
    row!(out, "timer", "{} Hz", cx.machine.clock.frequency())
}

/// Tells whether PSCI is our monitor's: of this boot, or of one before.
fn is_ours(cx: &Context<'_>) -> bool {
    let mut reserved = cx.map.reserved.iter();
    cx.board.monitor.is_some() || reserved.any(|claim| claim.owner.starts_with(MONITOR))
}

fn describe_psci(cx: &Context<'_>, out: &mut String) -> fmt::Result {
    let board = &cx.board;
    let Some(psci) = board.psci else {
        return row!(out, "PSCI", "none");
    };
    let conduit = match psci.conduit {
        PsciConduit::Smc => "SMC",
        PsciConduit::Hvc => "HVC",
    };
    let ours = if is_ours(cx) { ", Baton's" } else { "" };
    match board.psci_version {
        Some((major, minor)) => row!(out, "PSCI", "{major}.{minor} by {conduit}{ours}"),
        None if psci.legacy => row!(out, "PSCI", "0.1 by {conduit}"),
        None => row!(out, "PSCI", "by {conduit}"),
    }
}
