//! `part uuid`, `start`, `size`, `number`, `name`, `type`: one fact about one partition.

use alloc::{format, string::String};
use core::fmt::Write;

use super::{
    super::{CommandError, parse_hex},
    table,
};
use crate::{
    context::Context,
    storage::{
        PartitionError, StorageError,
        partition::{Kind, Partition, Table},
    },
};

/// What is asked for.
type Fact = fn(&Partition) -> String;

/// The facts whose partition is the third argument.
const BY_DISK: &[(&str, Fact)] = &[
    ("start", |found| format!("{:x}", found.first)),
    ("size", |found| format!("{:x}", found.count)),
    ("number", |found| format!("{:#x}", found.number)),
    ("name", name),
];

/// The facts whose partition is part of the device: `0:1`.
const BY_DEVICE: &[(&str, Fact)] = &[("uuid", uuid), ("type", kind)];

/// Shows a fact, or sets a variable to it.
pub(super) fn run(
    cx: &mut Context<'_>,
    what: &str,
    arguments: &[&str],
) -> Result<(), CommandError> {
    let find = |facts: &[(&str, Fact)]| {
        let found = facts.iter().find(|(known, _)| *known == what);
        found.map(|(_, fact)| *fact)
    };
    let (fact, interface, device, part, variable) = match (find(BY_DISK), find(BY_DEVICE)) {
        (Some(fact), _) => match *arguments {
            [interface, device, part] => (fact, interface, device, Some(part), None),
            [interface, device, part, name] => (fact, interface, device, Some(part), Some(name)),
            _ => return Err(CommandError::usage()),
        },
        (None, Some(fact)) => match *arguments {
            [interface, device] => (fact, interface, device, None, None),
            [interface, device, name] => (fact, interface, device, None, Some(name)),
            _ => return Err(CommandError::usage()),
        },
        _ => return Err(CommandError::usage()),
    };
    let (disk, by_colon) = match device.split_once(':') {
        Some((disk, number)) if part.is_none() => (disk, Some(number)),
        _ => (device, None),
    };
    let (_, table) = table(cx, interface, disk)?;
    let found = match (part, by_colon) {
        (Some(part), _) => find_by_any(&table, part),
        (None, Some(number)) => {
            let number = u32::try_from(parse_hex(number)?).unwrap_or(u32::MAX);
            find_by_number(&table, number)
        }
        (None, None) => find_default(&table),
    }?;
    let text = fact(found);
    match variable {
        Some(variable) => cx.env.try_set(variable, &text)?,
        None => {
            // Writing to a context cannot fail.
            let _ = writeln!(cx, "{text}");
        }
    }
    Ok(())
}

fn find_by_number(table: &Table, number: u32) -> Result<&Partition, CommandError> {
    let mut partitions = table.partitions.iter();
    let found = partitions.find(|found| found.number == number);
    found.ok_or_else(|| StorageError::from(PartitionError::Missing(number)).into())
}

/// Finds a partition by its number, written as C does, its UUID or its name.
fn find_by_any<'t>(table: &'t Table, part: &str) -> Result<&'t Partition, CommandError> {
    let number = match part.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16),
        None => part.parse(),
    };
    if let Ok(number) = number {
        return find_by_number(table, number);
    }
    let mut partitions = table.partitions.iter();
    let found =
        partitions.find(|found| uuid(found).eq_ignore_ascii_case(part) || name(found) == part);
    found.ok_or_else(|| {
        CommandError::message(format!("no partition has the UUID or the name {part}"))
    })
}

/// Finds the partition meant where none is named: the first bootable one, else the first.
fn find_default(table: &Table) -> Result<&Partition, CommandError> {
    let usable = || table.partitions.iter().filter(|found| !found.is_extended());
    let found = usable().find(|found| found.bootable).or(usable().next());
    found.ok_or_else(|| StorageError::from(PartitionError::Empty).into())
}

fn uuid(found: &Partition) -> String {
    match &found.kind {
        Kind::Efi(efi) => format!("{}", efi.guid),
        Kind::Dos(dos) => format!("{:08x}-{:02x}", dos.signature, found.number),
    }
}

fn kind(found: &Partition) -> String {
    match &found.kind {
        Kind::Efi(efi) => format!("{}", efi.type_guid),
        Kind::Dos(dos) => format!("{:02x}", dos.kind),
    }
}

/// A GPT has names; a DOS table has none.
fn name(found: &Partition) -> String {
    match &found.kind {
        Kind::Efi(efi) => efi.name.clone(),
        Kind::Dos(_) => String::new(),
    }
}
