//! Files written to a volume that may be damaged in any way.
#![no_main]

use baton_core::{
    machine::Disk,
    storage::{self, VolumeName},
};
use baton_fuzz::disk::{SparseDisk, WritableDisk};
use libfuzzer_sys::fuzz_target;
use platform_api::BlockDevice;

const VOLUMES: [&str; 3] = ["0:0", "0:1", "0"];
const PATHS: [&str; 6] = [
    "zImage",
    "a long name, with more than one slot of it.txt",
    "EMPTY",
    "a new long name",
    "new",
    "new/file",
];
/// Sectors of the largest disk: the search for free clusters is as long as the table.
const MOST_SECTORS: u64 = 1 << 18;
/// Requests that an operation may take.
const MOST_REQUESTS: u64 = 100_000;

fuzz_target!(|data: &[u8]| {
    let Some((operations, data)) = data.split_first_chunk::<24>() else {
        return;
    };
    let Some(disk) = SparseDisk::parse(data) else {
        return;
    };
    let info = disk.info();
    if info.blocks * u64::from(info.block_size) / 512 > MOST_SECTORS {
        return;
    }
    let disk = WritableDisk::new(disk);
    let mut disks = vec![Disk {
        interface: "virtio",
        index: 0,
        path: String::new(),
        device: Box::new(disk.clone()),
    }];
    for &[kind, path, low, high] in operations.as_chunks::<4>().0 {
        let device = VOLUMES[usize::from(kind >> 2) % VOLUMES.len()];
        let volume = VolumeName {
            interface: "virtio",
            device,
        };
        let path = PATHS[usize::from(path) % PATHS.len()];
        let size = usize::from(u16::from_le_bytes([low, high]));
        let before = disk.sectors();
        disk.0.borrow().requests.set(0);
        let bytes = vec![high; size];
        let done = match kind % 4 {
            0 => storage::write(&mut disks, volume, path, 0, &bytes, &mut || true),
            1 => storage::write(
                &mut disks,
                volume,
                path,
                u64::from(low),
                &bytes,
                &mut || true,
            ),
            2 => storage::remove(&mut disks, volume, path),
            _ => storage::create_directory(&mut disks, volume, path),
        };
        assert!(disk.0.borrow().requests.get() < MOST_REQUESTS, "{path}");
        match done {
            Ok(()) => {}
            // What is refused changes nothing.
            Err(error) => assert!(disk.sectors() == before, "{path}: {error}"),
        }
    }
});
