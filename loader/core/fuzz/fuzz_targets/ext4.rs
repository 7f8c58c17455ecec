//! An ext2, ext3 or ext4 volume: everything in it, a few directories deep.
#![no_main]

use baton_core::storage::VolumeName;
use baton_fuzz::{disk::SparseDisk, machine::Bench, volume::check_volume};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some(disk) = SparseDisk::parse(data) else {
        return;
    };
    Bench::new(vec![disk.clone()]).run(0, |cx| {
        let volume = VolumeName {
            interface: "virtio",
            device: "0:0",
        };
        check_volume(cx, &disk, volume, "");
    });
});
