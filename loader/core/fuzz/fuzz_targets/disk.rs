//! A disk: its partition table, its FAT volumes, and the files in their roots.
#![no_main]

use std::collections::BTreeMap;

use baton_core::{
    context::Context,
    storage::{self, Entry, OpenFile, StorageProblem, VolumeName, partition},
};
use baton_fuzz::{disk::SparseDisk, machine::Bench};
use libfuzzer_sys::fuzz_target;
use platform_api::BlockDevice;

/// Bytes of a file that are read and compared.
const READ: u64 = 4096;
/// Files that are opened of each volume.
const FILES: usize = 8;
/// Requests that any one look-up may take: no chain leads for ever.
const MOST_REQUESTS: u64 = 200_000;

fn check_table(disk: &SparseDisk) {
    if let Ok(table) = partition::list(&mut disk.clone()) {
        let numbers = table.partitions.iter().map(|partition| partition.number);
        assert!(numbers.is_sorted_by(|one, next| one < next), "{table:?}");
        assert!(table.partitions.iter().all(|found| found.number > 0));
    }
}

/// Tells whether a path that is this name must find this entry.
fn is_plain(name: &str) -> bool {
    !name.contains(['/', char::REPLACEMENT_CHARACTER]) && !matches!(name, "" | "." | "..")
}

fn check_volume(cx: &mut Context<'_>, disk: &SparseDisk, volume: VolumeName<'_>) {
    let Ok(entries) = storage::list(&mut cx.machine.disks, volume, "/") else {
        return;
    };
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &entries {
        *seen.entry(entry.name.to_ascii_lowercase()).or_default() += 1;
    }
    let plain = entries.iter().filter(|entry| is_plain(&entry.name));
    for entry in plain.take(FILES) {
        disk.requests.set(0);
        let found = storage::open(&mut cx.machine, volume, &entry.name);
        assert!(disk.requests.get() < MOST_REQUESTS, "{}", entry.name);
        match found {
            Ok(file) if seen[&entry.name.to_ascii_lowercase()] == 1 => {
                check_file(cx, disk, entry, &file);
            }
            Ok(_) => {}
            Err(error) => {
                assert!(!matches!(error.problem(), StorageProblem::Missing(_)), "{entry:?}");
                assert!(!error.to_string().is_empty());
            }
        }
    }
}

fn check_file(cx: &mut Context<'_>, disk: &SparseDisk, entry: &Entry, file: &OpenFile) {
    // Its short name may be another entry's long one.
    if entry.directory || file.size() != entry.size {
        return;
    }
    let info = disk.info();
    let bytes = info.blocks * u64::from(info.block_size);
    let mut extents = file.extents().to_vec();
    let held: u64 = extents.iter().map(|extent| extent.length).sum();
    assert!(held >= file.size(), "{held} of {}", file.size());
    extents.sort_unstable_by_key(|extent| extent.offset);
    for pair in extents.windows(2) {
        assert!(pair[0].offset + pair[0].length <= pair[1].offset, "shared");
    }
    for extent in &extents {
        assert!(extent.offset + extent.length <= bytes, "not on the disk");
    }
    for start in [0, file.size().saturating_sub(READ), file.size() / 3] {
        let length = READ.min(file.size() - start);
        let mut found = vec![0xee; usize::try_from(length).expect("a few bytes")];
        file.read_at(&mut cx.machine.disks, start, &mut found)
            .expect("what was opened can be read");
        assert_eq!(found, bytes_of(disk, file, start, length), "from {start}");
    }
    let mut one = [0];
    assert!(
        file.read_at(&mut cx.machine.disks, file.size(), &mut one)
            .is_err()
    );
}

/// Reads a file's bytes one block at a time.
fn bytes_of(disk: &SparseDisk, file: &OpenFile, start: u64, length: u64) -> Vec<u8> {
    let size = u64::from(disk.info().block_size);
    let mut block = vec![0; usize::try_from(size).expect("a block")];
    let mut at = 0;
    let mut bytes = Vec::new();
    for extent in file.extents() {
        let end = at + extent.length;
        for position in start.max(at)..(start + length).min(end) {
            let place = extent.offset + position - at;
            let within = usize::try_from(place % size).expect("a block");
            if bytes.is_empty() || within == 0 || position == at {
                disk.clone()
                    .read_blocks(place / size, &mut block)
                    .expect("a block");
            }
            bytes.push(block[within]);
        }
        at = end;
    }
    bytes
}

fuzz_target!(|data: &[u8]| {
    let Some(disk) = SparseDisk::parse(data) else {
        return;
    };
    check_table(&disk);
    Bench::new(vec![disk.clone()]).run(0, |cx| {
        for device in ["0", "0:0", "0:1", "0:5"] {
            let interface = "virtio";
            check_volume(cx, &disk, VolumeName { interface, device });
        }
    });
});
