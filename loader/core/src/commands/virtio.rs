//! `virtio`: shows the virtio disks, and reads blocks.

use alloc::format;
use core::fmt::Write;

use platform_api::{BlockInfo, PhysAddr, PhysRange};

use super::{Command, CommandError, Group, parse_hex, part};
use crate::{context::Context, machine::Disk, storage};

/// `virtio`.
pub static VIRTIO: Command = Command {
    name: "virtio",
    aliases: &[],
    group: Group::Storage,
    summary: "virtio block devices sub-system",
    usage: "scan - initialize virtio bus (Baton did so when it started)\n\
            info - show all available virtio block devices\n\
            device [dev] - show or set current virtio block device\n\
            part [dev] - print partition table of one or all virtio block devices\n\
            read addr blk# cnt - read `cnt' blocks starting at block\n     \
            `blk#' of the current device to memory address `addr'",
    example: "virtio info",
    run,
};

/// The interface's name.
const INTERFACE: &str = "virtio";
/// The variable with the number of the current device; unset is 0.
const CURRENT: &str = "virtio_dev";

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    match arguments {
        // Scripts for U-Boot say it first.
        [_, "scan"] => Ok(()),
        [_, "info"] => {
            info(cx);
            Ok(())
        }
        [_, "dev" | "device"] => show_current(cx),
        [_, "dev" | "device", device] => set_current(cx, device),
        [_, "part"] => part_all(cx),
        [_, "part", device] => part::list(cx, INTERFACE, device),
        [_, "read", address, first, count] => read(cx, address, first, count),
        _ => Err(CommandError::usage()),
    }
}

/// Lists the disks.
fn info(cx: &mut Context<'_>) {
    let disks = cx.machine.disks.iter();
    let lines: alloc::vec::Vec<_> = disks
        .filter(|disk| disk.interface == INTERFACE)
        .map(line)
        .collect();
    if lines.is_empty() {
        let _ = writeln!(cx, "no virtio block devices");
    }
    for line in lines {
        let _ = cx.write_str(&line);
    }
}

/// Describes a disk in two lines, in U-Boot's words.
fn line(disk: &Disk) -> alloc::string::String {
    let info: BlockInfo = disk.device.info();
    let bytes = info.blocks.saturating_mul(u64::from(info.block_size));
    // In tenths of a MiB, as U-Boot prints capacities.
    let tenths = bytes.saturating_mul(10) >> 20;
    format!(
        "Device {:x}: {} {}\n            Capacity: {}.{} MB = {}.{} GB ({} x {}){}\n",
        disk.index,
        disk.interface,
        disk.path,
        tenths / 10,
        tenths % 10,
        tenths / 10_240,
        tenths / 1024 % 10,
        info.blocks,
        info.block_size,
        if info.read_only { " read-only" } else { "" },
    )
}

/// Returns the current device's place in the machine.
fn current(cx: &Context<'_>) -> Result<usize, CommandError> {
    place(cx, cx.env.get(CURRENT).unwrap_or("0"))
}

fn place(cx: &Context<'_>, device: &str) -> Result<usize, CommandError> {
    let index = u32::try_from(parse_hex(device)?).map_err(|_| CommandError::usage())?;
    Ok(storage::disk(&cx.machine, INTERFACE, index)?)
}

fn show_current(cx: &mut Context<'_>) -> Result<(), CommandError> {
    let place = current(cx)?;
    if let Some(line) = cx.machine.disks.get(place).map(line) {
        let _ = write!(cx, "\n{line}");
    }
    Ok(())
}

fn set_current(cx: &mut Context<'_>, device: &str) -> Result<(), CommandError> {
    let place = place(cx, device)?;
    let line = cx.machine.disks.get(place).map(line).unwrap_or_default();
    cx.env.try_set(CURRENT, device)?;
    let _ = writeln!(cx, "\n{line}... is now current device");
    Ok(())
}

/// Prints every partition table; a disk without one does not end that.
fn part_all(cx: &mut Context<'_>) -> Result<(), CommandError> {
    let disks = cx.machine.disks.iter();
    let numbers: alloc::vec::Vec<u32> = disks
        .filter(|disk| disk.interface == INTERFACE)
        .map(|disk| disk.index)
        .collect();
    let mut result = Ok(());
    for number in numbers {
        if let Err(error) = part::list(cx, INTERFACE, &format!("{number:x}")) {
            let _ = writeln!(cx, "virtio {number:x}: {error}");
            result = Err(CommandError::status(1));
        }
    }
    result
}

/// Reads blocks of the current device.
fn read(cx: &mut Context<'_>, address: &str, first: &str, count: &str) -> Result<(), CommandError> {
    let place = current(cx)?;
    let address = PhysAddr::new(parse_hex(address)?);
    let (first, count) = (parse_hex(first)?, parse_hex(count)?);
    let disk = cx
        .machine
        .disks
        .get_mut(place)
        .ok_or_else(CommandError::usage)?;
    let info = disk.device.info();
    let range = count
        .checked_mul(u64::from(info.block_size))
        .and_then(|length| PhysRange::from_size(address, length))
        .ok_or_else(|| CommandError::message(format!("{count:#x} blocks at {address} wrap")))?;
    let buffer = cx.machine.memory.bytes_mut(range)?;
    disk.device.read_blocks(first, buffer)?;
    cx.loaded.retain(|loaded| !loaded.range.overlaps(range));
    let index = disk.index;
    let _ = writeln!(
        cx,
        "\nvirtio read: device {index:x} block # {first}, count {count} ... {count} blocks read: OK"
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec};

    use super::*;
    use crate::{
        commands::Failure,
        storage::testing::{Bench, TestDisk, pattern, with_mbr},
    };

    fn bench() -> Bench {
        let second = with_mbr(&pattern(1 << 20));
        Bench::new(vec![TestDisk::new(vec![0; 5 << 19]), TestDisk::new(second)])
    }

    #[test]
    fn shows_disks() {
        let mut bench = bench();
        bench.run(|cx| run(cx, &["virtio", "info"])).unwrap();
        assert_eq!(
            bench.output,
            "Device 0: virtio /virtio_mmio@0\n            \
             Capacity: 2.5 MB = 0.0 GB (5120 x 512) read-only\n\
             Device 1: virtio /virtio_mmio@1\n            \
             Capacity: 2.0 MB = 0.0 GB (4096 x 512) read-only\n"
        );
        let result = bench.run(|cx| run(cx, &["virtio", "part"]));
        assert!(matches!(result.unwrap_err().failure(), Failure::Status(1)));
        assert!(bench.output.contains("virtio 0: no partition table"));
        assert!(bench.output.contains("Partition Map for VirtIO device 1"));
        let mut none = Bench::new(vec![]);
        none.run(|cx| run(cx, &["virtio", "scan"])).unwrap();
        assert_eq!(none.output, "");
        none.run(|cx| run(cx, &["virtio", "info"])).unwrap();
        assert_eq!(none.output, "no virtio block devices\n");
    }

    #[test]
    fn reads_blocks_of_the_current_device() {
        let mut bench = bench();
        bench.run(|cx| run(cx, &["virtio", "dev", "1"])).unwrap();
        assert!(bench.output.ends_with("... is now current device\n"));
        let arguments = ["virtio", "read", "40000200", "801", "2"];
        bench.run(|cx| run(cx, &arguments)).unwrap();
        assert_eq!(
            bench.output,
            "\nvirtio read: device 1 block # 2049, count 2 ... 2 blocks read: OK\n"
        );
        assert_eq!(bench.ram[0x200..0x600], pattern(1536)[512..]);
    }

    #[test]
    fn refuses() {
        let mut bench = bench();
        let mut error = |arguments: &[&str]| {
            let error = bench.run(|cx| run(cx, arguments)).unwrap_err();
            assert!(bench.ram.iter().all(|&byte| byte == 0));
            error.to_string()
        };
        assert_eq!(error(&["virtio"]), "wrong arguments");
        assert_eq!(error(&["virtio", "dev", "2"]), "no disk virtio 2");
        assert_eq!(
            error(&["virtio", "read", "40000000", "13ff", "2"]),
            "blocks 0x13ff..0x1401 are not on the device, which has 0x1400"
        );
        assert_eq!(
            error(&["virtio", "read", "40000000", "ffffffffffffffff", "2"]),
            "blocks 0xffffffffffffffff..0xffffffffffffffff are not on the device, which has 0x1400"
        );
        assert_eq!(
            error(&["virtio", "read", "3ffffe00", "0", "2"]),
            "[0x3ffffe00-0x400001ff] is not in RAM"
        );
        assert_eq!(
            error(&["virtio", "read", "40000000", "0", "ffffffffffffffff"]),
            "0xffffffffffffffff blocks at 0x40000000 wrap"
        );
    }
}
