//! What must hold of any volume, whatever is on the disk.

use std::collections::BTreeMap;

use baton_core::{
    context::Context,
    storage::{self, Entry, OpenFile, StorageProblem, VolumeName},
};
use platform_api::BlockDevice;

use crate::disk::SparseDisk;

/// Bytes of a file that are read and compared.
const READ: u64 = 4096;
/// Files that are opened of each directory.
const FILES: usize = 8;
/// Directories above one that is looked into; FAT's root alone is.
const DEPTH: usize = 3;
/// Requests that any one look-up may take: no chain leads for ever.
const MOST_REQUESTS: u64 = 200_000;

/// Tells whether a path that is this name must find this entry.
fn is_plain(name: &str) -> bool {
    !name.contains(['/', char::REPLACEMENT_CHARACTER]) && !matches!(name, "" | "." | "..")
}

/// Checks what a volume lists and opens, from `folder` on.
pub fn check_volume(cx: &mut Context<'_>, disk: &SparseDisk, volume: VolumeName<'_>, folder: &str) {
    let Ok(entries) = storage::list(&mut cx.machine.disks, volume, folder) else {
        return;
    };
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for entry in &entries {
        *seen.entry(entry.name.to_ascii_lowercase()).or_default() += 1;
    }
    let ext4 = storage::file_system(&mut cx.machine.disks, volume) == Ok("ext4");
    let plain = entries.iter().filter(|entry| is_plain(&entry.name));
    for entry in plain.take(FILES) {
        disk.requests.set(0);
        let path = format!("{folder}/{}", entry.name);
        if ext4 && entry.directory && folder.matches('/').count() < DEPTH {
            check_volume(cx, disk, volume, &path);
            disk.requests.set(0);
        }
        let found = storage::open(&mut cx.machine, volume, &path);
        assert!(disk.requests.get() < MOST_REQUESTS, "{}", entry.name);
        match found {
            Ok(file) if seen[&entry.name.to_ascii_lowercase()] == 1 => {
                check_file(cx, disk, entry, &file, ext4);
            }
            Ok(_) => {}
            Err(error) => {
                assert!(!error.to_string().is_empty());
                // A link may lead nowhere.
                assert!(
                    entry.link || !matches!(error.problem(), StorageProblem::Missing(_)),
                    "{entry:?}"
                );
            }
        }
    }
}

fn check_file(cx: &mut Context<'_>, disk: &SparseDisk, entry: &Entry, file: &OpenFile, ext4: bool) {
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
    extents.retain(|extent| !extent.is_hole());
    // Nothing in ext2's maps could tell.
    for pair in extents.windows(2).filter(|_| !ext4) {
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
            if extent.is_hole() {
                bytes.push(0);
                continue;
            }
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
