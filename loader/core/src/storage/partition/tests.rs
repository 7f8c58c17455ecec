//! Tables built by hand.

use alloc::{string::String, vec, vec::Vec};

use proptest::prelude::*;

use super::*;
use crate::storage::testing::{TestDisk, put_partition};

const BLOCKS: usize = 4096;

fn record(disk: &mut [u8], block: usize, entries: &[(u8, u8, u32, usize)]) {
    let block = &mut disk[512 * block..][..512];
    for (index, &(flag, kind, first, count)) in entries.iter().enumerate() {
        put_partition(block, index, flag, kind, first, count);
    }
    block[510..].copy_from_slice(&[0x55, 0xaa]);
}

/// Four primaries, the last extended with two logical partitions.
fn dos() -> Vec<u8> {
    let mut disk = vec![0; BLOCKS * 512];
    disk[0x1b8..0x1bc].copy_from_slice(&[0x78, 0x56, 0x34, 0x12]);
    let primaries = [
        (0, 0x83, 100, 50),
        (0x80, 0x0c, 200, 50),
        (0, 0, 0, 0),
        (0x80, 0x0f, 1000, 500),
    ];
    record(&mut disk, 0, &primaries);
    record(&mut disk, 1000, &[(0, 0x0b, 10, 20), (0, 0x05, 100, 30)]);
    record(&mut disk, 1100, &[(0, 0x83, 5, 25)]);
    disk
}

fn efi() -> Vec<u8> {
    let mut disk = vec![0; BLOCKS * 512];
    record(&mut disk, 0, &[(0, 0xee, 1, BLOCKS - 1)]);
    let mut table = vec![0; 128 * 128];
    for (index, (first, last, attributes, name)) in [
        (40_u64, 99_u64, 0_u64, "one"),
        (100, 199, 0, ""),
        (200, 299, 4, "boot"),
    ]
    .into_iter()
    .enumerate()
    {
        if index == 1 {
            continue;
        }
        let entry = &mut table[128 * index..][..128];
        let guid: Vec<u8> = (1..=16).collect();
        entry[..16].copy_from_slice(&guid);
        entry[16..32].copy_from_slice(&guid);
        entry[32..40].copy_from_slice(&first.to_le_bytes());
        entry[40..48].copy_from_slice(&last.to_le_bytes());
        entry[48..56].copy_from_slice(&attributes.to_le_bytes());
        for (slot, unit) in entry[56..].chunks_exact_mut(2).zip(name.encode_utf16()) {
            slot.copy_from_slice(&unit.to_le_bytes());
        }
    }
    let last = BLOCKS as u64 - 1;
    for (header, place) in [(1, 2), (last, last - 32)] {
        let at = usize::try_from(header).unwrap() * 512;
        let mut bytes = [0; 92];
        bytes[..8].copy_from_slice(b"EFI PART");
        bytes[12..16].copy_from_slice(&92_u32.to_le_bytes());
        bytes[24..32].copy_from_slice(&header.to_le_bytes());
        bytes[72..80].copy_from_slice(&place.to_le_bytes());
        bytes[80..84].copy_from_slice(&128_u32.to_le_bytes());
        bytes[84..88].copy_from_slice(&128_u32.to_le_bytes());
        bytes[88..92].copy_from_slice(&crc32fast::hash(&table).to_le_bytes());
        let crc = crc32fast::hash(&bytes);
        bytes[16..20].copy_from_slice(&crc.to_le_bytes());
        disk[at..at + 92].copy_from_slice(&bytes);
        let at = usize::try_from(place).unwrap() * 512;
        disk[at..at + table.len()].copy_from_slice(&table);
    }
    disk
}

fn numbers(disk: &mut TestDisk) -> Vec<(u32, u64, u64, bool)> {
    let table = list(disk).unwrap();
    assert_eq!(table.broken, None);
    table
        .partitions
        .iter()
        .map(|found| (found.number, found.first, found.count, found.bootable))
        .collect()
}

fn blocks(first: u64, count: u64) -> Result<Region, StorageError> {
    Ok(Region {
        offset: first * 512,
        length: count * 512,
    })
}

#[test]
fn lists_primary_and_logical_partitions() {
    let found = numbers(&mut TestDisk::new(dos()));
    assert_eq!(
        found,
        [
            (1, 100, 50, false),
            (2, 200, 50, true),
            (4, 1000, 500, true),
            (5, 1010, 20, false),
            (6, 1105, 25, false),
        ]
    );
    let table = list(&mut TestDisk::new(dos())).unwrap();
    let Kind::Dos(last) = table.partitions[4].kind else {
        panic!()
    };
    assert_eq!((last.kind, last.signature), (0x83, 0x1234_5678));
}

#[test]
fn finds_partitions() {
    let mut disk = TestDisk::new(dos());
    assert_eq!(find(&mut disk, Wanted::Whole), blocks(0, BLOCKS as u64));
    assert_eq!(find(&mut disk, Wanted::Number(1)), blocks(100, 50));
    assert_eq!(find(&mut disk, Wanted::Number(6)), blocks(1105, 25));
    assert_eq!(disk.requests.borrow().len(), 4);
    // Bootable, and not the extended one.
    assert_eq!(find(&mut disk, Wanted::Default), blocks(200, 50));
    for number in [3, 4, 7, u32::MAX] {
        let missing = PartitionError::Missing(number);
        assert_eq!(find(&mut disk, Wanted::Number(number)), Err(missing.into()));
    }
    disk.edit(0x1be + 16, &[0]);
    assert_eq!(find(&mut disk, Wanted::Default), blocks(100, 50));
    disk.edit(0x1be + 4, &[0]);
    disk.edit(0x1be + 16 + 4, &[0]);
    assert_eq!(find(&mut disk, Wanted::Default), blocks(1010, 20));
}

#[test]
fn takes_a_disk_without_a_table_whole() {
    let mut disk = TestDisk::new(vec![0; BLOCKS * 512]);
    let no_table = || StorageError::from(PartitionError::NoTable);
    for mark in [[0, 0], [0x55, 0xaa]] {
        disk.edit(510, &mark);
        assert_eq!(find(&mut disk, Wanted::Default), blocks(0, BLOCKS as u64));
        assert_eq!(find(&mut disk, Wanted::Number(1)), Err(no_table()));
        assert_eq!(list(&mut disk), Err(no_table()));
    }
    // A boot sector's code where flags would be.
    disk.edit(0x1be, &[0x55; 64]);
    assert_eq!(list(&mut disk), Err(no_table()));
}

#[test]
fn refuses_partitions_that_leave_the_disk() {
    let mut disk = TestDisk::new(dos());
    disk.edit(0x1be + 8, &[0xff; 8]);
    let outside = PartitionError::Outside {
        number: 1,
        first: 0xffff_ffff,
        count: 0xffff_ffff,
        blocks: BLOCKS as u64,
    };
    assert_eq!(find(&mut disk, Wanted::Number(1)), Err(outside.into()));
    assert_eq!(find(&mut disk, Wanted::Number(2)), blocks(200, 50));
}

#[test]
fn ends_chains_of_logical_partitions_that_do_not() {
    // The second record leads back to itself, or to the first.
    let mut disk = TestDisk::new(dos());
    let entry = 1100 * 512 + 0x1be + 16;
    for (back, at) in [(100, 1100), (0, 1000)] {
        disk.edit(entry, &[0, 0, 0, 0, 5, 0, 0, 0, back, 0, 0, 0, 9, 0, 0, 0]);
        disk.requests.borrow_mut().clear();
        let table = list(&mut disk).unwrap();
        assert_eq!(table.broken, Some(PartitionError::Loop(at)));
        assert_eq!(table.partitions.len(), 3 + 2);
        assert_eq!(disk.requests.borrow().len(), 1 + 2);
    }
    // What is before the break can be used, what is behind is named broken.
    assert_eq!(find(&mut disk, Wanted::Number(5)), blocks(1010, 20));
    let broken = PartitionError::Loop(1000);
    assert_eq!(find(&mut disk, Wanted::Number(500)), Err(broken.into()));
    // Out of the extended partition, and no record there.
    for (first, at) in [(500_u32, 1500), (3, 1003)] {
        disk.edit(1000 * 512 + 0x1be + 16 + 8, &first.to_le_bytes());
        let table = list(&mut disk).unwrap();
        assert_eq!(table.broken, Some(PartitionError::BadExtended(at)));
        assert_eq!(table.partitions.len(), 4);
    }
}

#[test]
fn ends_chains_that_are_too_long() {
    let mut image = vec![0; BLOCKS * 512];
    record(&mut image, 0, &[(0, 0x05, 1000, 3000)]);
    for at in 0..100 {
        let next = u32::try_from(at * 20 + 20).unwrap();
        record(
            &mut image,
            1000 + at * 20,
            &[(0, 0x83, 1, 10), (0, 0x05, next, 20)],
        );
    }
    let mut disk = TestDisk::new(image);
    let table = list(&mut disk).unwrap();
    assert_eq!(
        table.broken,
        Some(PartitionError::BadExtended(1000 + 64 * 20))
    );
    assert_eq!(table.partitions.len(), 1 + 64);
    assert_eq!(disk.requests.borrow().len(), 1 + 64);
    assert_eq!(
        find(&mut disk, Wanted::Number(68)),
        blocks(1000 + 63 * 20 + 1, 10)
    );
}

#[test]
fn refuses_partitions_that_overlap() {
    let overlap = |one, other| StorageError::from(PartitionError::Overlap(one, other));
    let mut disk = TestDisk::new(dos());
    // The second starts in the first.
    disk.edit(0x1be + 16 + 8, &149_u32.to_le_bytes());
    for number in [1, 2] {
        let found = find(&mut disk, Wanted::Number(number));
        assert_eq!(found, Err(overlap(1, 2)));
    }
    assert_eq!(find(&mut disk, Wanted::Default), Err(overlap(1, 2)));
    assert_eq!(find(&mut disk, Wanted::Number(5)), blocks(1010, 20));
    let table = list(&mut disk).unwrap();
    assert_eq!(table.broken, Some(PartitionError::Overlap(1, 2)));
    // It touches the first only.
    disk.edit(0x1be + 16 + 8, &150_u32.to_le_bytes());
    assert_eq!(list(&mut disk).unwrap().broken, None);
    // One that lies in the extended one; and logical ones.
    disk.edit(0x1be + 16 + 8, &1400_u32.to_le_bytes());
    assert_eq!(find(&mut disk, Wanted::Number(2)), Err(overlap(2, 4)));
    let mut disk = TestDisk::new(dos());
    disk.edit(1000 * 512 + 0x1be + 12, &200_u32.to_le_bytes());
    for number in [5, 6] {
        let found = find(&mut disk, Wanted::Number(number));
        assert_eq!(found, Err(overlap(5, 6)));
    }
    // A GPT's.
    let mut image = efi();
    for (header, table) in [(1, 2), (BLOCKS - 1, BLOCKS - 33)] {
        for (last, at) in [(39_u64, 0), (4096, 0), (250, 0)] {
            image[table * 512 + at + 40..][..8].copy_from_slice(&last.to_le_bytes());
            put_right(&mut image, header, table);
            let table = list(&mut TestDisk::new(image.clone())).unwrap();
            let outside = |count| PartitionError::Outside {
                number: 1,
                first: 40,
                count,
                blocks: BLOCKS as u64,
            };
            let expected = match last {
                39 => outside(0),
                4096 => outside(4057),
                _ => PartitionError::Overlap(1, 3),
            };
            assert_eq!(table.broken, Some(expected));
            let broken = header != 1;
            assert_eq!(table.backup.is_some(), broken);
            let found = find(&mut TestDisk::new(image.clone()), Wanted::Number(1));
            assert_eq!(found, Err(expected.into()));
        }
        image[512] = 0;
    }
}

/// Puts the checksums of a GPT right.
fn put_right(image: &mut [u8], header: usize, table: usize) {
    let sum = crc32fast::hash(&image[table * 512..][..128 * 128]);
    let header = &mut image[header * 512..][..92];
    header[88..92].copy_from_slice(&sum.to_le_bytes());
    header[16..20].fill(0);
    let sum = crc32fast::hash(header);
    header[16..20].copy_from_slice(&sum.to_le_bytes());
}

#[test]
fn reads_efi_tables() {
    let mut disk = TestDisk::new(efi());
    let expected = [(1, 40, 60, false), (3, 200, 100, true)];
    assert_eq!(numbers(&mut disk), expected);
    assert_eq!(find(&mut disk, Wanted::Default), blocks(200, 100));
    assert_eq!(find(&mut disk, Wanted::Number(1)), blocks(40, 60));
    let table = list(&mut disk).unwrap();
    let Kind::Efi(entry) = &table.partitions[1].kind else {
        panic!()
    };
    assert_eq!(entry.name, "boot");
    assert_eq!(
        alloc::format!("{}", entry.guid),
        "04030201-0605-0807-090a-0b0c0d0e0f10"
    );
    // The copy serves where the first is damaged.
    disk.edit(512 + 40, &[1]);
    assert_eq!(numbers(&mut disk), expected);
    let why = PartitionError::BadGpt("header CRC");
    assert_eq!(list(&mut disk).unwrap().backup, Some(why));
    disk.edit(BLOCKS as u64 * 512 - 512, b"x");
    let broken = PartitionError::BadGpt("header CRC");
    assert_eq!(list(&mut disk), Err(broken.into()));
}

#[test]
fn refuses_efi_tables_that_lie() {
    let error = |edits: &[(usize, u64, usize)]| -> String {
        let mut image = efi();
        for &(offset, value, length) in edits {
            for header in [512, (BLOCKS - 1) * 512] {
                let bytes = &value.to_le_bytes()[..length];
                image[header + offset..][..length].copy_from_slice(bytes);
                image[header + 16..header + 20].fill(0);
                let crc = crc32fast::hash(&image[header..header + 92]);
                image[header + 16..header + 20].copy_from_slice(&crc.to_le_bytes());
            }
        }
        alloc::format!("{}", list(&mut TestDisk::new(image)).unwrap_err())
    };
    assert_eq!(error(&[(72, u64::MAX, 8)]), "broken GPT: table size");
    assert_eq!(error(&[(72, 1000, 8)]), "broken GPT: table CRC");
    assert_eq!(error(&[(80, 0xffff_ffff, 4)]), "broken GPT: table size");
    assert_eq!(error(&[(84, 0, 4)]), "broken GPT: entry size");
    assert_eq!(error(&[(84, 0xffff_fff8, 4)]), "broken GPT: table size");
    assert_eq!(error(&[(88, 0, 4)]), "broken GPT: table CRC");
    assert_eq!(error(&[(24, 7, 8)]), "broken GPT: header place");
    assert_eq!(error(&[(12, 0xffff_ffff, 4)]), "broken GPT: header size");
    assert_eq!(error(&[(12, 91, 4)]), "broken GPT: header size");
}

proptest! {
    #[test]
    fn survives_any_table(
        edits in prop::collection::vec((0_usize..64, any::<u8>()), 0..12),
        links in prop::collection::vec((0_usize..32, any::<u8>()), 0..6),
        header in prop::collection::vec((0_u64..96, any::<u8>()), 0..3),
        gpt in any::<bool>(),
        number in 0_u32..80,
    ) {
        let mut disk = TestDisk::new(if gpt { efi() } else { dos() });
        for (offset, byte) in edits {
            disk.edit(0x1be + offset as u64, &[byte]);
        }
        for (offset, byte) in links {
            disk.edit(1000 * 512 + 0x1be + offset as u64, &[byte]);
        }
        for (offset, byte) in header {
            disk.edit(512 + offset, &[byte]);
        }
        let _ = list(&mut disk);
        for wanted in [Wanted::Default, Wanted::Number(number)] {
            if let Ok(region) = find(&mut disk, wanted) {
                prop_assert!(region.offset + region.length <= (BLOCKS * 512) as u64);
            }
        }
        prop_assert!(disk.requests.borrow().len() < 300);
    }
}
