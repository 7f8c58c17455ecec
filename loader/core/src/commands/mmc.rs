//! `mmc`: shows memory cards, and reads, writes and erases their blocks.

use alloc::{format, string::String, vec::Vec};
use core::fmt::Write;

use platform_api::{BlockError, CardFacts, CardKind, PhysAddr, PhysRange};

use super::{Command, CommandError, Group, parse_hex, part, size_text::Size};
use crate::{context::Context, machine::Disk, storage};

/// `mmc`.
pub static MMC: Command = Command {
    name: "mmc",
    aliases: &[],
    group: Group::Storage,
    summary: "MMC sub system",
    usage: "info - display info of the current MMC device\n\
            read addr blk# cnt\n\
            write addr blk# cnt\n\
            erase blk# cnt\n\
            rescan - look again at the slot of the current MMC device\n\
            part - lists available partition on current mmc device\n\
            dev [dev] - show or set current mmc device\n\
            list - lists available devices\n\
            test blk# cnt - read blocks twice, and say if both came the same",
    example: "mmc list",
    run,
};

/// The interface's name.
const INTERFACE: &str = "mmc";
/// The variable with the number of the current device; unset is 0.
const CURRENT: &str = "mmc_dev";

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    match arguments {
        [_, "info"] => info(cx),
        [_, "list"] => {
            list(cx);
            Ok(())
        }
        [_, "rescan"] => rescan(cx),
        [_, "part"] => {
            let index = current(cx)?.1;
            part::list(cx, INTERFACE, &format!("{index:x}"))
        }
        [_, "dev"] => show(cx),
        [_, "dev", device] => set_current(cx, device),
        [_, "read", address, first, count] => read(cx, address, first, count),
        [_, "write", address, first, count] => write(cx, address, first, count),
        [_, "erase", first, count] => erase(cx, first, count),
        [_, "test", first, count] => test(cx, first, count),
        _ => Err(CommandError::usage()),
    }
}

/// Returns the current device's place in the machine and its number.
fn current(cx: &Context<'_>) -> Result<(usize, u32), CommandError> {
    place(cx, cx.env.get(CURRENT).unwrap_or("0"))
}

fn place(cx: &Context<'_>, device: &str) -> Result<(usize, u32), CommandError> {
    let index = u32::try_from(parse_hex(device)?).map_err(|_| CommandError::usage())?;
    Ok((storage::disk(&cx.machine, INTERFACE, index)?, index))
}

fn disk<'c>(cx: &'c mut Context<'_>) -> Result<&'c mut Disk, CommandError> {
    let (place, _) = current(cx)?;
    cx.machine
        .disks
        .get_mut(place)
        .ok_or_else(CommandError::usage)
}

fn card(cx: &mut Context<'_>) -> Result<CardFacts, CommandError> {
    Ok(disk(cx)?.device.card().ok_or(BlockError::NoMedium)?)
}

fn list(cx: &mut Context<'_>) {
    let disks = cx.machine.disks.iter();
    let lines: Vec<String> = disks
        .filter(|disk| disk.interface == INTERFACE)
        .map(|disk| {
            let node = disk.path.rsplit('/').next().unwrap_or(&disk.path);
            match disk.device.card() {
                Some(card) if card.kind == CardKind::Mmc => {
                    format!("{node}: {} (eMMC)\n", disk.index)
                }
                Some(_) => format!("{node}: {} (SD)\n", disk.index),
                None => format!("{node}: {}\n", disk.index),
            }
        })
        .collect();
    if lines.is_empty() {
        let _ = writeln!(cx, "No MMC device available");
    }
    for line in lines {
        let _ = cx.write_str(&line);
    }
}

/// Prints what the card says about itself, as U-Boot does.
fn info(cx: &mut Context<'_>) -> Result<(), CommandError> {
    let card = card(cx)?;
    let info = disk(cx)?.device.info();
    let mode = match (card.kind, card.bus.high_speed) {
        (CardKind::Mmc, true) => "MMC High Speed (52MHz)",
        (CardKind::Mmc, false) => "MMC legacy",
        (_, true) => "SD High Speed (50MHz)",
        (_, false) => "SD Legacy",
    };
    let name = card.name.iter().take_while(|&&byte| byte != 0);
    let name: String = name
        .map(|&byte| match byte {
            0x20..=0x7e => char::from(byte),
            _ => '.',
        })
        .collect();
    let high_capacity = if card.kind == CardKind::Sdsc
        || info.blocks <= 0x0040_0000 && card.kind == CardKind::Mmc
    {
        "No"
    } else {
        "Yes"
    };
    let bytes = info.blocks.saturating_mul(u64::from(info.block_size));
    let (major, minor) = card.version;
    let family = if card.kind == CardKind::Mmc {
        "MMC"
    } else {
        "SD"
    };
    let _ = write!(
        cx,
        "Device: {}\nManufacturer ID: {:x}\nOEM: {:x}\nName: {name} \nBus Speed: {}\n\
         Mode: {mode}\nRd Block Len: {}\n{family} version {major}.{minor}\n\
         High Capacity: {high_capacity}\nCapacity: {}\nBus Width: {}-bit\n\
         Erase Group Size: 512 Bytes\n",
        card.host,
        card.manufacturer,
        card.oem,
        card.bus.clock,
        info.block_size,
        Size(bytes),
        card.bus.width,
    );
    Ok(())
}

fn rescan(cx: &mut Context<'_>) -> Result<(), CommandError> {
    // What was loaded from the old card stays in memory; nothing else is kept of it.
    Ok(disk(cx)?.device.rescan()?)
}

fn show(cx: &mut Context<'_>) -> Result<(), CommandError> {
    let (_, index) = current(cx)?;
    let _ = writeln!(
        cx,
        "switch to partitions #0, OK\nmmc{index:x} is current device"
    );
    Ok(())
}

/// Makes a device the current one, and looks what is in its slot if nothing was.
fn set_current(cx: &mut Context<'_>, device: &str) -> Result<(), CommandError> {
    let (place, _) = place(cx, device)?;
    cx.env.try_set(CURRENT, device)?;
    if let Some(disk) = cx.machine.disks.get_mut(place)
        && disk.device.card().is_none()
    {
        disk.device.rescan()?;
    }
    show(cx)
}

/// Parses a place in memory and on the card, and returns first block, count and memory.
fn transfer(
    cx: &mut Context<'_>,
    [address, first, count]: [&str; 3],
) -> Result<(u64, u64, PhysRange), CommandError> {
    let address = PhysAddr::new(parse_hex(address)?);
    let (first, count) = (parse_hex(first)?, parse_hex(count)?);
    let size = u64::from(disk(cx)?.device.info().block_size);
    let range = count
        .checked_mul(size)
        .and_then(|length| PhysRange::from_size(address, length))
        .ok_or_else(|| CommandError::message(format!("{count:#x} blocks at {address} wrap")))?;
    Ok((first, count, range))
}

fn done(cx: &mut Context<'_>, verb: &str, past: &str, first: u64, count: u64) {
    let index = current(cx).map_or(0, |(_, index)| index);
    let _ = writeln!(
        cx,
        "\nMMC {verb}: dev # {index:x}, block # {first}, count {count} ... {count} blocks {past}: OK"
    );
}

fn read(cx: &mut Context<'_>, address: &str, first: &str, count: &str) -> Result<(), CommandError> {
    let (first, count, range) = transfer(cx, [address, first, count])?;
    let (place, _) = current(cx)?;
    let disk = cx
        .machine
        .disks
        .get_mut(place)
        .ok_or_else(CommandError::usage)?;
    let buffer = cx.machine.memory.bytes_mut(range)?;
    disk.device.read_blocks(first, buffer)?;
    cx.loaded.retain(|loaded| !loaded.range.overlaps(range));
    done(cx, "read", "read", first, count);
    Ok(())
}

fn write(
    cx: &mut Context<'_>,
    address: &str,
    first: &str,
    count: &str,
) -> Result<(), CommandError> {
    let (first, count, range) = transfer(cx, [address, first, count])?;
    let (place, _) = current(cx)?;
    let disk = cx
        .machine
        .disks
        .get_mut(place)
        .ok_or_else(CommandError::usage)?;
    let buffer = cx.machine.memory.bytes(range)?;
    disk.device.write_blocks(first, buffer)?;
    done(cx, "write", "written", first, count);
    Ok(())
}

fn erase(cx: &mut Context<'_>, first: &str, count: &str) -> Result<(), CommandError> {
    let (first, count) = (parse_hex(first)?, parse_hex(count)?);
    disk(cx)?.device.erase_blocks(first, count)?;
    done(cx, "erase", "erased", first, count);
    Ok(())
}

/// Blocks that `mmc test` reads at a time.
const TEST_PIECE: u64 = 128;

/// Reads every block twice, and compares: a wire that loses bits shows.
fn test(cx: &mut Context<'_>, first: &str, count: &str) -> Result<(), CommandError> {
    let (first, count) = (parse_hex(first)?, parse_hex(count)?);
    let (place, _) = current(cx)?;
    let mut done = 0;
    while done < count {
        if cx.interrupted() {
            return Err(CommandError::interrupted());
        }
        let blocks = TEST_PIECE.min(count - done);
        let at = first.saturating_add(done);
        let disk = cx
            .machine
            .disks
            .get_mut(place)
            .ok_or_else(CommandError::usage)?;
        let size = u64::from(disk.device.info().block_size);
        let length = usize::try_from(blocks * size).map_err(|_| CommandError::usage())?;
        let (mut one, mut two) = (alloc::vec![0; length], alloc::vec![0xff; length]);
        disk.device.read_blocks(at, &mut one)?;
        disk.device.read_blocks(at, &mut two)?;
        if let Some(offset) = one.iter().zip(&two).position(|(a, b)| a != b) {
            let block = at + offset as u64 / size;
            return Err(CommandError::message(format!(
                "block {block:#x} came differently the second time"
            )));
        }
        done += blocks;
    }
    let _ = writeln!(cx, "{count} blocks read twice, the same both times");
    Ok(())
}
