//! Loads from a disk into memory, and what is refused.

use alloc::{string::ToString, vec, vec::Vec};
use std::sync::LazyLock;

use hadris_fat::FatKind;

use super::*;
use crate::{
    commands::Failure,
    storage::testing::{Bench, OWNED, RAM, Requests, TestDisk, fat_image, pattern, with_mbr},
};

static KERNEL: LazyLock<Vec<u8>> = LazyLock::new(|| pattern(5_526_016));
static IMAGE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let files: [(&str, &[u8]); 4] = [
        ("zImage", &KERNEL),
        ("small", &KERNEL[..1000]),
        ("empty", b""),
        ("dtbs/", b""),
    ];
    with_mbr(&fat_image(FatKind::Fat16, 64 << 20, 4096, &files))
});

fn bench() -> (Bench, Requests) {
    let disk = TestDisk::new(IMAGE.clone());
    let requests = disk.requests.clone();
    (Bench::new(vec![disk]), requests)
}

fn load(bench: &mut Bench, arguments: &[&str]) -> Result<Vec<LoadedFile>, CommandError> {
    let mut all = vec!["load", "virtio", "0:1"];
    all.extend(arguments);
    bench.run(|cx| run(cx, &all).map(|()| cx.loaded.clone()))
}

fn error(bench: &mut Bench, arguments: &[&str]) -> alloc::string::String {
    let before = (bench.ram.clone(), bench.env.clone());
    let error = load(bench, arguments).unwrap_err().to_string();
    assert!(bench.ram == before.0, "memory changed");
    assert_eq!(bench.env, before.1);
    assert_eq!(bench.output, "");
    error
}

#[test]
fn loads_a_kernel_in_few_requests() {
    let (mut bench, requests) = bench();
    bench.tick = 3000;
    let loaded = load(&mut bench, &["40200000", "zImage"]).unwrap();
    assert_eq!(bench.output, "5526016 bytes read in 12 ms (439.2 MiB/s)\n");
    assert!(bench.ram[0x20_0000..][..KERNEL.len()] == **KERNEL);
    assert_eq!(bench.env.get("filesize"), Some("545200"));
    assert_eq!(bench.env.get("fileaddr"), Some("40200000"));
    let range = PhysRange::from_size(PhysAddr::new(0x4020_0000), 5_526_016).unwrap();
    let path = "zImage".into();
    assert_eq!(loaded, [LoadedFile { path, range }]);
    // Boot record, boot sector, root directory, allocation table; then the file in four pieces,
    // longer after the first has shown how fast the disk is; its end is a block boundary.
    let requests = requests.borrow();
    assert_eq!(requests.len(), 8, "{requests:x?}");
    let lengths: Vec<u64> = requests[4..].iter().map(|request| request.1).collect();
    let rest = 5_526_016 - (256 << 10) - (4 << 20);
    assert_eq!(lengths, [256 << 10, 2 << 20, 2 << 20, rest]);
}

#[test]
fn loads_parts() {
    let (mut bench, _) = bench();
    load(&mut bench, &["40000001", "small", "10", "3"]).unwrap();
    assert_eq!(bench.output, "16 bytes read in 0 ms\n");
    assert_eq!(bench.ram[1..17], KERNEL[3..19]);
    assert_eq!((bench.ram[0], bench.ram[17]), (0, 0));
    assert_eq!(bench.env.get("filesize"), Some("10"));
    load(&mut bench, &["0x40000000", "small", "0", "3e7"]).unwrap();
    assert_eq!(bench.ram[0], KERNEL[999]);
    assert_eq!(bench.env.get("filesize"), Some("1"));
    load(&mut bench, &["40000000", "zImage", "1001", "1ff"]).unwrap();
    assert_eq!(bench.ram[..0x1001], KERNEL[0x1ff..0x1200]);
    load(&mut bench, &["40000000", "empty"]).unwrap();
    assert_eq!(bench.env.get("filesize"), Some("0"));
}

#[test]
fn chooses_an_address() {
    let (mut bench, _) = bench();
    bench.env.set("bootfile", "small");
    load(&mut bench, &[]).unwrap();
    assert_eq!(bench.env.get("fileaddr"), Some("40000000"));
    load(&mut bench, &["-", "zImage"]).unwrap();
    bench.env.set("loadaddr", "40300000");
    load(&mut bench, &[]).unwrap();
    assert_eq!(bench.env.get("fileaddr"), Some("40300000"));
    bench.env = crate::env::Environment::default();
    // Around what is reserved, and around what was loaded.
    let range = PhysRange::from_size(PhysAddr::new(RAM + 0x10_0000), 0x10).unwrap();
    bench.map.reserved.push(crate::boot::Claim {
        range,
        owner: "firmware".into(),
    });
    let addresses = bench.run(|cx| {
        ["zImage", "small", "small", "zImage"].map(|name| {
            run(cx, &["load", "virtio", "0", "-", name]).unwrap();
            alloc::string::String::from(cx.env.get("fileaddr").unwrap())
        })
    });
    assert_eq!(addresses, ["40200000", "40000000", "40800000", "40900000"]);
    bench.map.loader[0].range = bench.map.ram[0];
    assert_eq!(
        error(&mut bench, &["-", "small"]),
        "no 0x3e8 bytes of memory are free: give an address, or setenv loadaddr"
    );
}

#[test]
fn refuses_before_a_byte_is_written() {
    let (mut bench, _) = bench();
    let over = alloc::format!("{:x}", OWNED - 0x1000);
    assert_eq!(
        error(&mut bench, &[&over, "zImage"]),
        "[0x40eff000-0x414441ff] is not in RAM"
    );
    assert_eq!(
        error(&mut bench, &[&over, "zImage", "1001"]),
        "[0x40eff000-0x40f00000] overlaps loader at [0x40f00000-0x40ffffff]"
    );
    assert_eq!(
        error(&mut bench, &["ffffffffffffffff", "small"]),
        "0x3e8 bytes at 0xffffffffffffffff wrap"
    );
    assert_eq!(
        error(&mut bench, &["40000000", "nothing"]),
        "no such file or directory: nothing"
    );
    assert_eq!(
        error(&mut bench, &["40000000", "dtbs"]),
        "dtbs is a directory"
    );
    assert_eq!(
        error(&mut bench, &["40000000", "small", "3e9"]),
        "0x3e9 bytes from 0x0 on are not in the file, which has 0x3e8"
    );
    assert_eq!(
        error(&mut bench, &["40000000", "small", "0", "3e9"]),
        "0x0 bytes from 0x3e9 on are not in the file, which has 0x3e8"
    );
    let huge = "ffffffffffffffff";
    assert!(error(&mut bench, &["40000000", "small", huge, "1"]).contains("are not in the file"));
    assert_eq!(
        error(&mut bench, &["zImage"]),
        "\"zImage\" is not a hexadecimal number"
    );
    assert_eq!(
        error(&mut bench, &["40000000"]),
        "name a file, or set bootfile"
    );
    assert_eq!(
        error(&mut bench, &["1", "2", "3", "4", "5"]),
        "wrong arguments"
    );
}

#[test]
fn shows_progress_and_can_be_stopped() {
    let (mut bench, _) = bench();
    bench.tick = 30_000;
    load(&mut bench, &["40200000", "zImage"]).unwrap();
    assert_eq!(bench.output, "5526016 bytes read in 120 ms (43.9 MiB/s)\n");
    // Requests of 256 KiB: 22 of them, and the first three within a second.
    bench.tick = 300_000;
    load(&mut bench, &["40200000", "zImage"]).unwrap();
    assert_eq!(
        bench.output,
        "###################\n5526016 bytes read in 6600 ms (817.7 KiB/s)\n"
    );
    bench.typed = vec![b'x', 3];
    let stopped = load(&mut bench, &["40200000", "zImage"]);
    assert!(matches!(
        stopped.unwrap_err().failure(),
        Failure::Interrupted
    ));
}

#[test]
fn names_a_disk_that_fails() {
    let mut disk = TestDisk::new(IMAGE.clone());
    disk.broken = Some(10_000);
    let mut bench = Bench::new(vec![disk]);
    let error = load(&mut bench, &["40200000", "zImage"]).unwrap_err();
    assert!(error.to_string().contains("the device failed block"));
    assert_eq!(bench.env.get("filesize"), None);
}

#[test]
fn prints_rates_as_uboot_does() {
    let rate = |bytes, microseconds| {
        let rate = Rate {
            verb: "read",
            bytes,
            microseconds,
        };
        rate.to_string()
    };
    assert_eq!(rate(100, 999), "100 bytes read in 0 ms");
    assert_eq!(rate(1, 1000), "1 bytes read in 1 ms (1000 Bytes/s)");
    assert_eq!(rate(1024, 1000), "1024 bytes read in 1 ms (1000 KiB/s)");
    assert_eq!(
        rate(5_526_016, 12_000),
        "5526016 bytes read in 12 ms (439.2 MiB/s)"
    );
    assert_eq!(
        rate(1 << 30, 1_000_000),
        "1073741824 bytes read in 1000 ms (1 GiB/s)"
    );
    assert_eq!(
        rate(u64::MAX, 1000),
        "18446744073709551615 bytes read in 1 ms (17179869.2 GiB/s)"
    );
}

#[test]
fn a_full_environment_is_said() {
    let (mut bench, _) = bench();
    let full = "x".repeat(crate::env::CAPACITY - 10);
    bench.env.set("a", &full);
    let found = load(&mut bench, &["40200000", "small"]).unwrap_err();
    let found = found.to_string();
    assert!(found.contains("no room for \"filesize\""), "{found}");
    assert!(bench.env.size() <= crate::env::CAPACITY);
}
