//! A disk: its partition table, its volumes, and the files in their roots.
#![no_main]

use baton_core::storage::{VolumeName, partition};
use baton_fuzz::{disk::SparseDisk, machine::Bench, volume::check_volume};
use libfuzzer_sys::fuzz_target;

fn check_table(disk: &SparseDisk) {
    if let Ok(table) = partition::list(&mut disk.clone()) {
        let numbers = table.partitions.iter().map(|partition| partition.number);
        assert!(numbers.is_sorted_by(|one, next| one < next), "{table:?}");
        assert!(table.partitions.iter().all(|found| found.number > 0));
    }
}

fuzz_target!(|data: &[u8]| {
    let Some(disk) = SparseDisk::parse(data) else {
        return;
    };
    check_table(&disk);
    Bench::new(vec![disk.clone()]).run(0, |cx| {
        for device in ["0", "0:0", "0:1", "0:5"] {
            let interface = "virtio";
            check_volume(cx, &disk, VolumeName { interface, device }, "");
        }
    });
});
