//! `part`: shows partitions.

mod info;

use alloc::string::String;
use core::fmt::Write;

use super::{Command, CommandError, Group, parse_hex};
use crate::{
    context::Context,
    storage::{
        self,
        partition::{self, EfiPartition, Kind, Partition, Table},
    },
};

/// `part`.
pub static PART: Command = Command {
    name: "part",
    aliases: &[],
    group: Group::Storage,
    summary: "disk partition related commands",
    usage: "uuid <interface> <dev>:<part> [<varname>]\n    \
            - print partition UUID, or set environment variable to it\n\
            list <interface> <dev>\n    - print a device's partition table\n\
            list <interface> <dev> [flags] <varname>\n    \
            - set environment variable to the list of partitions\n      \
            flags can be -bootable (list only bootable partitions)\n\
            start <interface> <dev> <part> [<varname>]\n    \
            - print the start of the partition (in blocks), or set environment variable to it\n\
            size <interface> <dev> <part> [<varname>]\n    \
            - print the size of the partition (in blocks), or set environment variable to it\n\
            number <interface> <dev> <part> [<varname>]\n    \
            - print the partition number, or set environment variable to it\n\
            name <interface> <dev> <part> [<varname>]\n    \
            - print the partition name, or set environment variable to it\n      \
            part can be either partition number, UUID or name\n\
            type <interface> <dev>:<part> [<varname>]\n    \
            - print partition type, or set environment variable to it\n\
            types\n    - list supported partition table types",
    example: "part list virtio 0",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    match *arguments {
        [_, "list", interface, device] => list(cx, interface, device),
        [_, "list", interface, device, "-bootable", variable] => {
            list_into(cx, interface, device, true, variable)
        }
        [_, "list", interface, device, variable] if !variable.starts_with('-') => {
            list_into(cx, interface, device, false, variable)
        }
        [_, "types"] => {
            // Writing to a context cannot fail.
            let _ = cx.write_str("Supported partition tables: EFI, DOS\n");
            Ok(())
        }
        [_, what, ref rest @ ..] => info::run(cx, what, rest),
        _ => Err(CommandError::usage()),
    }
}

/// Reads the partition table of a disk; returns the disk's number with it.
fn table(
    cx: &mut Context<'_>,
    interface: &str,
    device: &str,
) -> Result<(u32, Table), CommandError> {
    let index = u32::try_from(parse_hex(device)?).map_err(|_| CommandError::usage())?;
    let place = storage::disk(&cx.machine, interface, index)?;
    let disk = cx
        .machine
        .disks
        .get_mut(place)
        .ok_or_else(CommandError::usage)?;
    Ok((index, partition::list(&mut *disk.device)?))
}

/// Sets a variable to the numbers of the partitions, the extended one among them as in U-Boot.
fn list_into(
    cx: &mut Context<'_>,
    interface: &str,
    device: &str,
    bootable: bool,
    variable: &str,
) -> Result<(), CommandError> {
    let (_, table) = table(cx, interface, device)?;
    let mut numbers = String::new();
    let partitions = table.partitions.iter();
    for found in partitions.filter(|found| found.bootable || !bootable) {
        let separator = if numbers.is_empty() { "" } else { " " };
        // Writing to a string cannot fail.
        let _ = write!(numbers, "{separator}{:x}", found.number);
    }
    Ok(cx.env.try_set(variable, &numbers)?)
}

/// Prints the partition table of a disk.
pub(super) fn list(
    cx: &mut Context<'_>,
    interface: &str,
    device: &str,
) -> Result<(), CommandError> {
    let (index, table) = table(cx, interface, device)?;
    if let Some(error) = table.backup {
        let _ = writeln!(cx, "*** Using Backup GPT, {error} ***");
    }
    print(cx, interface, index, &table);
    match table.broken {
        Some(error) => Err(storage::StorageError::from(error).into()),
        None => Ok(()),
    }
}

fn print(cx: &mut Context<'_>, interface: &str, index: u32, table: &Table) {
    let kind = if table.efi { "EFI" } else { "DOS" };
    // The name that U-Boot gives the interface here.
    let interface = match interface {
        "virtio" => "VirtIO".into(),
        other => other.to_ascii_uppercase(),
    };
    let _ = writeln!(
        cx,
        "\nPartition Map for {interface} device {index:x}  --   Partition Type: {kind}\n"
    );
    let _ = cx.write_str(if table.efi {
        "Part\tStart LBA\tEnd LBA\t\tName\n\tAttributes\n\tType GUID\n\tPartition GUID\n"
    } else {
        "Part\tStart Sector\tNum Sectors\tUUID\t\tType\n"
    });
    for found in &table.partitions {
        match &found.kind {
            Kind::Efi(efi) => print_efi(cx, found, efi),
            Kind::Dos(dos) => {
                let _ = writeln!(
                    cx,
                    "{:3}\t{:<10}\t{:<10}\t{:08x}-{:02x}\t{:02x}{}{}",
                    found.number,
                    found.first,
                    found.count,
                    dos.signature,
                    found.number,
                    dos.kind,
                    if dos.is_extended() { " Extd" } else { "" },
                    if found.bootable { " Boot" } else { "" },
                );
            }
        }
    }
}

fn print_efi(cx: &mut Context<'_>, found: &Partition, efi: &EfiPartition) {
    let last = found.first.saturating_add(found.count).saturating_sub(1);
    let _ = writeln!(
        cx,
        "{:3}\t{:#010x}\t{:#010x}\t\"{}\"\n\tattrs:\t{:#018x}\n\ttype:\t{}\n\tguid:\t{}",
        found.number, found.first, last, efi.name, efi.attributes, efi.type_guid, efi.guid,
    );
}

#[cfg(test)]
mod tests {
    use alloc::{string::ToString, vec};

    use super::*;
    use crate::storage::testing::{Bench, TestDisk, put_partition, with_mbr};

    #[test]
    fn prints_as_uboot_does() {
        let mut disk = with_mbr(&[0; 4096]);
        put_partition(&mut disk, 2, 0, 0x05, 3000, 100);
        let mut bench = Bench::new(vec![TestDisk::new(disk)]);
        let result = bench.run(|cx| run(cx, &["part", "list", "virtio", "0"]));
        // The extended partition is not on the disk: what there is is shown first.
        assert_eq!(
            result.unwrap_err().to_string(),
            "broken chain of logical partitions at block 0xbb8"
        );
        assert_eq!(
            bench.output,
            "\nPartition Map for VirtIO device 0  --   Partition Type: DOS\n\n\
             Part\tStart Sector\tNum Sectors\tUUID\t\tType\n  \
             1\t2048      \t8         \t12345678-01\t0c Boot\n  \
             3\t3000      \t100       \t12345678-03\t05 Extd\n"
        );
    }

    #[test]
    fn refuses() {
        let mut bench = Bench::new(vec![TestDisk::new(vec![0; 512])]);
        let mut error =
            |arguments: &[&str]| bench.run(|cx| run(cx, arguments)).unwrap_err().to_string();
        assert_eq!(error(&["part"]), "wrong arguments");
        assert_eq!(error(&["part", "list", "virtio"]), "wrong arguments");
        assert_eq!(error(&["part", "uuid", "virtio"]), "wrong arguments");
        assert_eq!(error(&["part", "list", "virtio", "1"]), "no disk virtio 1");
        assert_eq!(
            error(&["part", "list", "virtio", "0"]),
            "no partition table on the disk"
        );
    }

    /// As U-Boot 2023.01 prints them for such a card, but for `type`, which is newer.
    #[test]
    fn facts_are_shown_or_set() {
        let mut bench = Bench::new(vec![TestDisk::new(with_mbr(&[0; 4096]))]);
        for (line, shown) in [
            ("part start virtio 0 1", "800\n"),
            ("part size virtio 0 0x1", "8\n"),
            ("part number virtio 0 12345678-01", "0x1\n"),
            ("part name virtio 0 1", "\n"),
            ("part uuid virtio 0:1", "12345678-01\n"),
            ("part uuid virtio 0", "12345678-01\n"),
            ("part type virtio 0:1", "0c\n"),
            ("part types", "Supported partition tables: EFI, DOS\n"),
        ] {
            let words: alloc::vec::Vec<&str> = line.split(' ').collect();
            bench.run(|cx| run(cx, &words)).unwrap();
            assert_eq!(bench.output, shown, "{line}");
        }
        for (line, value) in [
            ("part start virtio 0 1 v", "800"),
            ("part uuid virtio 0:1 v", "12345678-01"),
            ("part list virtio 0 v", "1"),
            ("part list virtio 0 -bootable v", "1"),
        ] {
            let words: alloc::vec::Vec<&str> = line.split(' ').collect();
            bench.run(|cx| run(cx, &words)).unwrap();
            assert_eq!(bench.output, "", "{line}");
            assert_eq!(bench.env.get("v"), Some(value), "{line}");
        }
        for (line, error) in [
            ("part start virtio 0 2", "no partition 2 on the disk"),
            ("part uuid virtio 0:a", "no partition a on the disk"),
            (
                "part size virtio 0 root",
                "no partition has the UUID or the name root",
            ),
            ("part start virtio 0", "wrong arguments"),
            ("part uuid virtio 0:1 v w", "wrong arguments"),
            ("part nosuch virtio 0", "wrong arguments"),
            ("part list virtio 0 -x v", "wrong arguments"),
        ] {
            let words: alloc::vec::Vec<&str> = line.split(' ').collect();
            let found = bench.run(|cx| run(cx, &words)).unwrap_err().to_string();
            assert_eq!(found, error, "{line}");
        }
    }
}
