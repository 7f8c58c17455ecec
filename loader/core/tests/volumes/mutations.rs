//! Disks with some bytes changed, thousands of them, the same ones in every run: no panic, a bound
//! on requests, nothing outside of the disk, nothing written. What `make fuzz` looks for, for who
//! has no nightly compiler.

use std::{collections::BTreeMap, fs, rc::Rc};

use baton_core::{
    machine::Disk,
    storage::{self, Extent, StorageProblem, VolumeName, partition},
};
use platform_api::{BlockDevice, BlockError, BlockInfo};

use crate::bench::{Scratch, mke2fs, pattern, tool};

/// Disks that are made of each image.
const ROUNDS: u64 = 700;
/// Requests that one disk may take.
const MOST_REQUESTS: u64 = 60_000;
/// Files that are read of each volume.
const FILES: usize = 12;

/// Numbers that look random, from a seed (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let value = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(value).unwrap() % limit
    }
}

/// An image with some bytes replaced, which is never written to.
#[derive(Clone)]
struct Mutant {
    image: Rc<Vec<u8>>,
    edits: BTreeMap<u64, u8>,
    requests: Rc<std::cell::Cell<u64>>,
}

impl BlockDevice for Mutant {
    fn info(&self) -> BlockInfo {
        BlockInfo {
            block_size: 512,
            blocks: self.image.len() as u64 / 512,
            read_only: false,
        }
    }

    fn read_blocks(&mut self, first: u64, buffer: &mut [u8]) -> Result<(), BlockError> {
        BlockError::check(self.info(), first, buffer.len())?;
        self.requests.set(self.requests.get() + 1);
        let start = first * 512;
        let from = usize::try_from(start).unwrap();
        buffer.copy_from_slice(&self.image[from..from + buffer.len()]);
        let end = start + buffer.len() as u64;
        for (at, byte) in self.edits.range(start..end) {
            buffer[usize::try_from(at - start).unwrap()] = *byte;
        }
        Ok(())
    }

    fn write_blocks(&mut self, first: u64, _: &[u8]) -> Result<(), BlockError> {
        panic!("block {first} is written");
    }
}

/// What a file held, by device and path.
type Files = BTreeMap<(&'static str, String), Vec<u8>>;

/// Reads what there is: tables, directories, files of a few MiB at most.
fn read_all(disk: &Mutant) -> Files {
    let _ = partition::list(&mut disk.clone());
    let mut disks = vec![Disk {
        interface: "virtio",
        index: 0,
        path: "/disk".into(),
        device: Box::new(disk.clone()),
    }];
    let size = disk.image.len() as u64;
    let mut files = Files::new();
    for device in ["0", "0:0", "0:1", "0:2", "0:5"] {
        let volume = VolumeName {
            interface: "virtio",
            device,
        };
        let mut folders = vec![String::new()];
        let mut count = 0;
        while let Some(folder) = folders.pop() {
            let Ok(entries) = storage::list(&mut disks, volume, &folder) else {
                continue;
            };
            for entry in entries {
                let path = format!("{folder}/{}", entry.name);
                count += 1;
                if count > FILES {
                    break;
                }
                if entry.directory {
                    folders.push(path.clone());
                }
                let Ok(file) = storage::open_on(&mut disks, volume, &path) else {
                    continue;
                };
                for Extent { offset, length } in file.extents() {
                    let end = offset.checked_add(*length);
                    assert!(*offset == Extent::HOLE || end.is_some_and(|end| end <= size));
                }
                let length = file.size().min(2 << 20);
                let mut bytes = vec![0; usize::try_from(length).unwrap()];
                match file.read_at(&mut disks, 0, &mut bytes) {
                    Ok(()) => files.insert((device, path), bytes),
                    Err(error) => panic!("{path} was opened: {error}"),
                };
            }
        }
    }
    files
}

/// Changes bytes of sectors that are not zero, `ROUNDS` times, and reads all there is each time.
/// With `whole`, a file that can be read has what it had: all but data is under checksums, and of
/// that nothing is changed.
fn mutate(seed: u64, image: Vec<u8>, whole: bool) {
    let mut random = Random(seed);
    let mut disk = Mutant {
        image: Rc::new(image),
        edits: BTreeMap::new(),
        requests: Rc::default(),
    };
    let good = read_all(&disk);
    assert!(good.len() >= 3, "{:?}", good.keys());
    // Nearly every byte there is: a sector of the pattern.
    let data = |sector: &[u8]| {
        let mut seen = [false; 256];
        sector
            .iter()
            .for_each(|byte| seen[usize::from(*byte)] = true);
        seen.iter().filter(|seen| **seen).count() > 200
    };
    let used: Vec<usize> = (0..)
        .zip(disk.image.chunks_exact(512))
        .filter(|(_, sector)| sector.iter().any(|byte| *byte != 0) && !data(sector))
        .map(|(at, _)| at)
        .collect();
    let mut refused = 0;
    for round in 0..ROUNDS {
        disk.edits.clear();
        disk.requests.set(0);
        for _ in 0..=random.below(4) {
            let at = used[random.below(used.len())] * 512 + random.below(512);
            let old = disk.image[at];
            let new = match random.below(4) {
                0 => 0,
                1 => 0xff,
                2 => old ^ (1 << random.below(8)),
                _ => random.below(256).to_le_bytes()[0],
            };
            disk.edits.insert(at as u64, new);
        }
        let found = read_all(&disk);
        let requests = disk.requests.get();
        assert!(
            requests < MOST_REQUESTS,
            "{round}: {requests}: {:?}",
            disk.edits
        );
        refused += usize::from(found != good);
        if whole {
            for (path, bytes) in &found {
                assert!(
                    good.get(path) == Some(bytes),
                    "{round}: {path:?}: {:?}",
                    disk.edits
                );
            }
        }
    }
    assert!(refused > 10, "{refused} of {ROUNDS} made a difference");
}

/// A folder with some files.
fn folder() -> Scratch {
    let folder = Scratch::new();
    fs::create_dir_all(folder.0.join("boot/deep")).unwrap();
    fs::write(folder.0.join("boot/zImage"), pattern(60_416)).unwrap();
    fs::write(folder.0.join("boot/deep/dtb"), pattern(5_120)).unwrap();
    fs::write(folder.0.join("note"), pattern(512)).unwrap();
    std::os::unix::fs::symlink("boot/zImage", folder.0.join("vmlinuz")).unwrap();
    folder
}

fn ext(options: &[&str]) -> Vec<u8> {
    mke2fs(
        &[&["-b", "1024", "-N", "32"], options].concat(),
        Some(&folder().0),
        640,
    )
}

fn fat(bits: &str, kib: u32) -> Vec<u8> {
    let (folder, scratch) = (folder(), Scratch::new());
    let path = scratch.0.join("image");
    let image = path.to_str().unwrap();
    tool(
        "mkfs.vfat",
        &["-C", "-F", bits, "-s", "1", image, &kib.to_string()],
    );
    let from = |name: &str| folder.0.join(name).to_str().unwrap().to_owned();
    tool(
        "mcopy",
        &["-s", "-i", image, &from("boot"), &from("note"), "::/"],
    );
    fs::read(path).unwrap()
}

#[test]
fn ext4_under_checksums() {
    mutate(1, ext(&["-t", "ext4", "-O", "^has_journal"]), true);
}

#[test]
fn ext4_without_checksums() {
    mutate(
        2,
        ext(&[
            "-t",
            "ext4",
            "-O",
            "^has_journal,^metadata_csum,inline_data",
            "-I",
            "256",
        ]),
        false,
    );
    mutate(
        3,
        ext(&["-t", "ext4", "-O", "^has_journal,^metadata_csum"]),
        false,
    );
}

#[test]
fn ext2() {
    mutate(4, ext(&["-t", "ext2"]), false);
}

#[test]
fn unclean_ext4() {
    let image = mke2fs(
        &["-b", "1024", "-N", "32", "-t", "ext3"],
        Some(&folder().0),
        2048,
    );
    let scratch = Scratch::new();
    fs::write(scratch.0.join("block"), pattern(3072)).unwrap();
    let block = scratch.0.join("block");
    let requests = format!(
        "jo\njw -b 900,901 -r 902 {0}\njw -b 901 {0}\njc\n",
        block.display()
    );
    mutate(5, crate::bench::debugfs(&image, &requests), false);
}

#[test]
fn fat12_and_fat16() {
    mutate(6, fat("12", 600), false);
    mutate(7, fat("16", 2300), false);
}

#[test]
fn fat32() {
    mutate(8, fat("32", 34_816), false);
}

/// Tables, with volumes behind them.
fn table(script: &str) -> Vec<u8> {
    let scratch = Scratch::new();
    let path = scratch.0.join("image");
    let mut image = vec![0; 2048 * 1024];
    fs::write(&path, &image).unwrap();
    let input = scratch.0.join("script");
    fs::write(&input, script).unwrap();
    let line = format!(
        "sfdisk -q --no-reread {} <{}",
        path.display(),
        input.display()
    );
    tool("sh", &["-c", &line]);
    image = fs::read(&path).unwrap();
    let (ext, fat) = (ext(&["-t", "ext4", "-O", "^has_journal"]), fat("12", 600));
    image[64 << 10..][..ext.len()].copy_from_slice(&ext);
    image[768 << 10..][..fat.len()].copy_from_slice(&fat);
    // Nothing else shall be changed: tables alone are not zero then.
    image
}

#[test]
fn tables() {
    mutate(
        9,
        table(
            "label: dos\nstart=128,size=1280,type=83\nstart=1408,type=5\nstart=1536,size=1210,type=c\nstart=2800,size=16,type=83\n",
        ),
        false,
    );
    mutate(
        10,
        table("label: gpt\nfirst-lba: 34\nstart=128,size=1280\nstart=1536,size=1210\n"),
        false,
    );
}

/// The errors that tables and volumes have are distinct types: none of them is a surprise.
#[test]
fn a_disk_of_nothing() {
    let disk = Mutant {
        image: Rc::new(vec![0; 4096]),
        edits: BTreeMap::new(),
        requests: Rc::default(),
    };
    assert!(read_all(&disk).is_empty());
    let error = partition::list(&mut disk.clone()).unwrap_err();
    assert!(matches!(error.problem(), StorageProblem::Partition(_)));
}
