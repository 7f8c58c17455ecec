//! What is on a good volume is read, whatever it was made with.

use std::{collections::BTreeMap, fs};

use baton_core::storage;
use ext4_view::Ext4;

use crate::bench::{Scratch, VOLUME, Volume, debugfs, e2fsck, mke2fs, pattern, sample, tool};

/// How volumes are made: mke2fs's options, and KiB.
const KINDS: &[(&[&str], u32)] = &[
    (&["-t", "ext2", "-r", "0", "-b", "1024"], 4096),
    (&["-t", "ext2", "-b", "1024"], 4096),
    (&["-t", "ext2", "-O", "^filetype"], 4096),
    (&["-t", "ext2", "-b", "2048", "-I", "128"], 4096),
    (&["-t", "ext3", "-b", "4096"], 8192),
    (&["-t", "ext4", "-b", "1024"], 8192),
    (&["-t", "ext4", "-b", "2048"], 8192),
    (&["-t", "ext4", "-b", "4096"], 8192),
    (&["-t", "ext4", "-b", "65536"], 65536),
    (
        &["-t", "ext4", "-O", "^metadata_csum,uninit_bg,^64bit"],
        8192,
    ),
    (
        &["-t", "ext4", "-O", "^metadata_csum,uninit_bg,64bit"],
        8192,
    ),
    (&["-t", "ext4", "-O", "metadata_csum_seed"], 8192),
    (
        &["-t", "ext4", "-O", "^has_journal,inline_data", "-I", "256"],
        8192,
    ),
    (
        &[
            "-t",
            "ext4",
            "-O",
            "meta_bg,^resize_inode",
            "-g",
            "1024",
            "-b",
            "1024",
        ],
        40960,
    ),
    (
        &[
            "-t",
            "ext4",
            "-O",
            "sparse_super2,meta_bg,^resize_inode",
            "-g",
            "1024",
            "-b",
            "1024",
        ],
        40960,
    ),
    (&["-t", "ext4", "-O", "bigalloc", "-C", "16384"], 16384),
    (
        &["-t", "ext4", "-O", "encrypt,verity,large_dir,ea_inode,mmp"],
        8192,
    ),
    (
        &["-t", "ext4", "-O", "casefold", "-E", "encoding=utf8"],
        8192,
    ),
    (
        &["-t", "ext4", "-N", "40000", "-g", "2048", "-b", "1024"],
        40960,
    ),
];

#[test]
fn every_kind_of_volume() {
    let folder = Scratch::new();
    sample(&folder.0);
    for (options, kib) in KINDS {
        let mut volume = Volume::new(mke2fs(options, Some(&folder.0), *kib));
        check_sample(&mut volume, &folder, options);
        let kind = storage::file_system(&mut volume.disks, VOLUME).unwrap();
        assert_eq!(kind, "ext4", "{options:?}");
    }
}

fn check_sample(volume: &mut Volume, folder: &Scratch, options: &[&str]) {
    for (path, from) in [
        ("boot/zImage", "boot/zImage"),
        ("/boot//./empty", "boot/empty"),
        ("/boot/small", "boot/small"),
        ("boot/inline", "boot/inline"),
        ("/boot/dtbs/deep/board.dtb", "boot/dtbs/deep/board.dtb"),
        ("sparse", "sparse"),
        ("boot/vmlinuz", "boot/zImage"),
        ("trees/deep/board.dtb", "boot/dtbs/deep/board.dtb"),
        ("boot/dotted", "boot/small"),
        ("long-link", "boot/small"),
        ("../../boot/../trees/../zImage", "boot/zImage"),
    ] {
        let expected = fs::read(folder.0.join(from)).unwrap();
        let found = volume.read(path);
        let found = found.unwrap_or_else(|error| panic!("{options:?}: {path}: {error}"));
        assert!(found == expected, "{options:?}: {path}");
        let size = storage::size(&mut volume.disks, VOLUME, path).unwrap();
        assert_eq!(size, expected.len() as u64, "{options:?}: {path}");
    }
    let listed = volume.list("boot").unwrap();
    let shown: BTreeMap<_, _> = listed
        .iter()
        .map(|entry| {
            (
                entry.name.as_str(),
                (entry.size, entry.directory, entry.link),
            )
        })
        .collect();
    let expected = [
        ("dotted", (0, false, true)),
        ("dtbs", (0, true, false)),
        ("empty", (0, false, false)),
        ("inline", (120, false, false)),
        ("small", (12, false, false)),
        ("vmlinuz", (0, false, true)),
        ("zImage", (700_001, false, false)),
    ];
    assert_eq!(shown, expected.into(), "{options:?}");
    let root = volume.list("/").unwrap();
    assert!(
        root.iter()
            .any(|entry| entry.name == "lost+found" && entry.directory)
    );
    for (path, error) in [
        ("loop-a", "ext4: too many symbolic links, at inode 0x"),
        ("dangling", "no such file or directory: dangling"),
        ("boot/nothing", "no such file or directory: boot/nothing"),
        ("boot/small/x", "boot/small/x is not a directory"),
        ("boot/small/", "boot/small/ is not a directory"),
        ("boot/small/..", "boot/small/.. is not a directory"),
        ("boot", "boot is a directory"),
        ("/", "/ is a directory"),
        ("trees", "trees is a directory"),
    ] {
        let found = volume.error(path);
        assert!(found.starts_with(error), "{options:?}: {path}: {found}");
    }
}

/// Thousands of names, in a tree of hashes; `ext4-view` finds them through it.
#[test]
fn large_directories() {
    let folder = Scratch::new();
    let many = folder.0.join("many");
    fs::create_dir(&many).unwrap();
    for number in 0..3000 {
        fs::write(
            many.join(format!("a-file-with-a-longer-name-{number}")),
            b"",
        )
        .unwrap();
    }
    let image = mke2fs(
        &["-t", "ext4", "-b", "1024", "-N", "4000"],
        Some(&folder.0),
        16384,
    );
    // What mke2fs fills is no tree yet.
    let image = e2fsck(&image, "-fyD");
    let scratch = Scratch::new();
    let path = scratch.0.join("image");
    fs::write(&path, &image).unwrap();
    let stat = tool("debugfs", &["-R", "stat /many", path.to_str().unwrap()]);
    assert!(stat.contains("Flags: 0x81000"), "{stat}");
    let view = Ext4::load(Box::new(image.clone())).unwrap();
    let mut volume = Volume::new(image);
    let mut names: Vec<_> = volume.list("many").unwrap();
    assert_eq!(names.len(), 3000);
    names.sort_by(|one, other| one.name.cmp(&other.name));
    names.dedup_by(|one, other| one.name == other.name);
    assert_eq!(names.len(), 3000);
    for name in [
        "a-file-with-a-longer-name-0",
        "a-file-with-a-longer-name-2999",
    ] {
        let path = format!("/many/{name}");
        assert_eq!(view.metadata(path.as_str()).unwrap().len(), 0);
        assert_eq!(volume.read(&path), Ok(vec![]));
    }
    assert!(volume.error("many/a-file").starts_with("no such file"));
}

/// A file in pieces: extents below blocks of an index, and blocks that were never written.
#[test]
fn fragmented_files() {
    let folder = Scratch::new();
    for number in 0..1500 {
        fs::write(folder.0.join(format!("f{number}")), vec![1; 1024]).unwrap();
    }
    let options = [
        "-t",
        "ext4",
        "-b",
        "1024",
        "-O",
        "^has_journal",
        "-N",
        "2000",
    ];
    let image = mke2fs(&options, Some(&folder.0), 4000);
    // Every second block is free now.
    let mut requests: String = (0..1500).step_by(2).map(|n| format!("rm f{n}\n")).collect();
    let big = folder.0.join("big");
    let content = pattern(900 << 10);
    fs::write(&big, &content).unwrap();
    requests += &format!("write {} big\n", big.display());
    requests += "fallocate f1 1 3\nset_inode_field f1 size 4096\n";
    let image = debugfs(&image, &requests);
    let view = Ext4::load(Box::new(image.clone())).unwrap();
    assert_eq!(view.read("/big").unwrap(), content);
    let mut volume = Volume::new(image);
    let file = volume.open("big").unwrap();
    assert!(file.extents().len() > 300, "{}", file.extents().len());
    assert!(volume.read("big").unwrap() == content);
    let expected = [vec![1; 1024], vec![0; 3072]].concat();
    assert_eq!(volume.read("f1").unwrap(), expected);
    assert_eq!(view.read("/f1").unwrap(), expected);
}

/// A kernel takes a handful of requests, and comes straight into place.
#[test]
fn few_requests() {
    let folder = Scratch::new();
    fs::create_dir(folder.0.join("boot")).unwrap();
    fs::write(folder.0.join("boot/zImage"), pattern(5_526_016)).unwrap();
    let mut volume = Volume::new(mke2fs(
        &["-t", "ext4", "-b", "4096"],
        Some(&folder.0),
        16384,
    ));
    volume.disk.take_requests();
    let file = volume.open("boot/zImage").unwrap();
    assert!(file.extents().len() <= 2, "{:?}", file.extents());
    // Boot sector, superblock, descriptor, two blocks of inodes at most, two directories.
    let requests = volume.disk.take_requests();
    assert!(requests.len() <= 7, "{requests:?}");
    let mut bytes = vec![0; 5_526_016];
    file.read_at(&mut volume.disks, 0, &mut bytes).unwrap();
    assert_eq!(volume.disk.take_requests().len(), file.extents().len());
}

/// Nothing is written, and it says so.
#[test]
fn writing_is_refused_by_name() {
    let folder = Scratch::new();
    fs::write(folder.0.join("uboot.env"), pattern(9000)).unwrap();
    let mut volume = Volume::new(mke2fs(&["-t", "ext4"], Some(&folder.0), 8192));
    let before = volume.disk.content();
    let refusal = "ext4 is not written here; write to a FAT volume";
    let file = volume.open("uboot.env").unwrap();
    let disks = &mut volume.disks;
    for result in [
        storage::write(disks, VOLUME, "new", 0, b"x", &mut || true),
        storage::write(disks, VOLUME, "uboot.env", 0, b"x", &mut || true),
        storage::create_directory(disks, VOLUME, "new"),
        storage::remove(disks, VOLUME, "uboot.env"),
        file.write_at(disks, 0, b"x"),
    ] {
        assert_eq!(result.unwrap_err().to_string(), refusal);
    }
    assert!(volume.disk.content() == before);
    assert!(
        volume
            .disk
            .take_requests()
            .iter()
            .all(|request| !request.write)
    );
}
