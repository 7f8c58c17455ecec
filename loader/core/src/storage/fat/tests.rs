//! Volumes of each kind, made by hadris-fat, then damaged by hand.

use alloc::{rc::Rc, string::String, vec, vec::Vec};
use std::sync::LazyLock;

use hadris_fat_raw::FatKind;
use proptest::prelude::*;

use super::*;
use crate::storage::testing::{TestDisk, fat_image, pattern};

const LONG: &str = "A rather long name, with spaces - and 42 more characters.config.txt";

/// A small volume with what a card has: files, a directory, a long name, an empty file.
fn volume(kind: FatKind) -> Vec<u8> {
    let size = match kind {
        FatKind::Fat12 => 1 << 20,
        FatKind::Fat16 => 5 << 20,
        _ => 36 << 20,
    };
    let many: Vec<String> = (0..40)
        .map(|i| alloc::format!("boot/file number {i}"))
        .collect();
    let mut files: Vec<(&str, &[u8])> = vec![
        ("boot.scr", b"bootz"),
        ("zImage", &KERNEL),
        ("empty", b""),
        (LONG, b"long"),
        ("boot/", b""),
        ("boot/dtbs/", b""),
        ("boot/dtbs/virt.dtb", &KERNEL[..5000]),
    ];
    files.extend(many.iter().map(|name| (name.as_str(), &KERNEL[..100])));
    fat_image(kind, size, 512, &files)
}

static KERNEL: LazyLock<Vec<u8>> = LazyLock::new(|| pattern(70_001));

static VOLUMES: LazyLock<[Vec<u8>; 3]> = LazyLock::new(|| {
    [
        volume(FatKind::Fat12),
        volume(FatKind::Fat16),
        volume(FatKind::Fat32),
    ]
});

fn disks() -> impl Iterator<Item = TestDisk> {
    VOLUMES.iter().map(|volume| TestDisk::new(volume.clone()))
}

fn region(disk: &TestDisk) -> Region {
    let info = disk.info();
    Region {
        offset: 0,
        length: info.blocks * u64::from(info.block_size),
    }
}

fn mount(disk: &mut TestDisk) -> Result<FatVolume<'_>, StorageError> {
    let region = region(disk);
    let geometry = probe(disk, region)?;
    Ok(FatVolume::new(disk, region, geometry))
}

fn read(disk: &mut TestDisk, path: &str) -> Result<Vec<u8>, StorageError> {
    let (size, extents) = mount(disk)?.open(path)?;
    let mut bytes = Vec::new();
    for extent in extents {
        let mut part = vec![0; usize::try_from(extent.length).unwrap()];
        read_bytes(disk, extent.offset, &mut part)?;
        bytes.extend(part);
    }
    assert!(bytes.len() as u64 >= size && bytes.len() as u64 - size < 512);
    bytes.truncate(usize::try_from(size).unwrap());
    Ok(bytes)
}

fn open_error(disk: &mut TestDisk, path: &str) -> FatError {
    let error = mount(disk)
        .and_then(|mut volume| volume.open(path))
        .unwrap_err();
    match *error.problem() {
        StorageProblem::Fat(error) => error,
        ref other => panic!("{other:?}"),
    }
}

/// Where the entry of `cluster` is on the disk.
fn entry_at(geometry: &Geometry, cluster: u32) -> u64 {
    geometry.fat_start() + geometry.kind().entry_offset(u64::from(cluster))
}

/// Replaces an entry of the allocation table.
fn link(disk: &mut TestDisk, cluster: u32, next: u32) {
    let geometry = mount(disk).unwrap().geometry;
    let at = entry_at(&geometry, cluster);
    let mut bytes = [0; 4];
    read_bytes(disk, at, &mut bytes).unwrap();
    geometry.kind().encode(u64::from(cluster), next, &mut bytes);
    disk.edit(at, &bytes);
}

/// The first cluster of a file, found without the code under test's chain walk.
fn first_cluster(disk: &mut TestDisk, path: &str) -> u32 {
    let mut volume = mount(disk).unwrap();
    let entry = volume.file(path).unwrap();
    entry.first_cluster(volume.geometry.kind())
}

#[test]
fn reads_files_of_every_kind() {
    for (mut disk, kind) in disks().zip([FatKind::Fat12, FatKind::Fat16, FatKind::Fat32]) {
        assert_eq!(mount(&mut disk).unwrap().geometry.kind(), kind);
        assert_eq!(read(&mut disk, "zImage").unwrap(), *KERNEL);
        assert_eq!(read(&mut disk, "/boot.scr").unwrap(), b"bootz");
        assert_eq!(read(&mut disk, "empty").unwrap(), b"");
        assert_eq!(read(&mut disk, LONG).unwrap(), b"long");
        assert_eq!(
            read(&mut disk, "boot/dtbs/virt.dtb").unwrap(),
            KERNEL[..5000]
        );
        assert_eq!(
            read(&mut disk, "boot/file number 39").unwrap(),
            KERNEL[..100]
        );
        assert_eq!(mount(&mut disk).unwrap().size("ZIMAGE").unwrap(), 70_001);
    }
}

#[test]
fn finds_names_in_either_case_and_by_any_path() {
    for mut disk in disks() {
        for path in [
            "ZIMAGE",
            "/zimage",
            "//./zImage",
            "boot/../zImage",
            "../zImage",
            "boot/dtbs/./../../zimage",
        ] {
            assert_eq!(mount(&mut disk).unwrap().size(path), Ok(70_001), "{path}");
        }
        let upper = LONG.to_uppercase();
        assert_eq!(mount(&mut disk).unwrap().size(&upper), Ok(4));
        assert_eq!(mount(&mut disk).unwrap().size("ARATHE~1.TXT"), Ok(4));
    }
}

#[test]
fn names_what_is_not_there() {
    for mut disk in disks() {
        let mut volume = mount(&mut disk).unwrap();
        let missing = |path: &str| Err(StorageProblem::Missing(path.into()).into());
        assert_eq!(volume.size("zImag"), missing("zImag"));
        assert_eq!(volume.size("zImage1"), missing("zImage1"));
        assert_eq!(volume.size("boot/x/y"), missing("boot/x/y"));
        let directory = |path: &str| Err(StorageProblem::IsDirectory(path.into()).into());
        assert_eq!(volume.size("boot"), directory("boot"));
        assert_eq!(volume.size("/"), directory("/"));
        assert_eq!(volume.size(""), directory(""));
        let file = |path: &str| Err(StorageProblem::NotDirectory(path.into()).into());
        assert_eq!(volume.size("zImage/x"), file("zImage/x"));
        assert_eq!(volume.size("zImage/"), file("zImage/"));
        assert_eq!(volume.list("zImage").err(), file("zImage").err());
    }
}

#[test]
fn lists_directories() {
    for mut disk in disks() {
        let mut volume = mount(&mut disk).unwrap();
        let root = volume.list("/").unwrap();
        let names: Vec<&str> = root.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["boot.scr", "zImage", "empty", LONG, "boot"]);
        assert_eq!(root[1].size, 70_001);
        assert!(root[4].directory && !root[1].directory);
        let boot = volume.list("boot/").unwrap();
        assert_eq!(boot.len(), 41);
        assert_eq!(boot[0].name, "dtbs");
        assert_eq!(boot[40].name, "file number 39");
    }
}

#[test]
fn follows_fragments() {
    for mut disk in disks() {
        let first = first_cluster(&mut disk, "zImage");
        // Swap the second and the third cluster: first -> third -> second -> fourth.
        link(&mut disk, first, first + 2);
        link(&mut disk, first + 2, first + 1);
        link(&mut disk, first + 1, first + 3);
        let (_, extents) = mount(&mut disk).unwrap().open("zImage").unwrap();
        let lengths: Vec<u64> = extents.iter().map(|extent| extent.length).collect();
        assert_eq!(lengths, [512, 512, 512, 70_144 - 3 * 512]);
        let found = read(&mut disk, "zImage").unwrap();
        assert_eq!(found[512..1024], KERNEL[1024..1536]);
        assert_eq!(found[1024..1536], KERNEL[512..1024]);
        assert_eq!(found[1536..], KERNEL[1536..]);
    }
}

#[test]
fn names_broken_chains() {
    for disk in disks() {
        let geometry = mount(&mut disk.clone()).unwrap().geometry;
        let first = first_cluster(&mut disk.clone(), "zImage");
        let max = geometry.max_cluster();
        let with = |cluster: u32, next: u32| {
            let mut disk = disk.clone();
            link(&mut disk, cluster, next);
            open_error(&mut disk, "zImage")
        };
        let cluster = first + 9;
        let needed = 137;
        let bad_link = |next| FatError::BadLink { cluster, next };
        assert_eq!(with(cluster, 0), bad_link(0));
        assert_eq!(with(cluster, 1), bad_link(1));
        assert_eq!(with(cluster, max + 1), bad_link(max + 1));
        let bad = geometry.kind().bad_cluster();
        assert_eq!(with(cluster, bad), FatError::BadCluster { cluster });
        let end = geometry.kind().end_of_chain();
        let short = |clusters| FatError::ShortChain { clusters, needed };
        assert_eq!(with(cluster, end), short(10));
        assert_eq!(with(first, end), short(1));
        assert_eq!(with(first + needed - 1, first), FatError::Loop(first));
        assert_eq!(with(cluster, cluster), FatError::Loop(cluster));
        assert_eq!(with(cluster, first + 3), FatError::Loop(first + 4));
        let next = max - 1;
        let long = FatError::LongChain { next, needed };
        assert_eq!(with(first + needed - 1, next), long);
    }
}

#[test]
fn names_bad_directory_entries() {
    for disk in disks() {
        let geometry = mount(&mut disk.clone()).unwrap().geometry;
        let root = match geometry.root() {
            RootLocation::Fixed { start, .. } => start,
            RootLocation::Cluster(cluster) => geometry.cluster_offset(cluster).unwrap(),
        };
        let slot = (0..64)
            .map(|index| root + 32 * index)
            .find(|&at| {
                let mut name = [0; 11];
                read_bytes(&mut disk.clone(), at, &mut name).unwrap();
                name == *b"ZIMAGE     "
            })
            .unwrap();
        let with = |offset: u64, bytes: &[u8]| {
            let mut disk = disk.clone();
            disk.edit(slot + offset, bytes);
            open_error(&mut disk, "zImage")
        };
        assert_eq!(with(26, &[0, 0]), FatError::BadStart(0));
        assert_eq!(with(26, &[1, 0]), FatError::BadStart(1));
        let over = geometry.max_cluster() + 1;
        let [low, more, high, most] = over.to_le_bytes();
        let mut far = disk.clone();
        far.edit(slot + 20, &[high, most]);
        far.edit(slot + 26, &[low, more]);
        assert_eq!(open_error(&mut far, "zImage"), FatError::BadStart(over));
        assert_eq!(with(28, &[0xff; 4]), FatError::FileTooLarge(u32::MAX));
        assert_eq!(
            with(28, &(137_u32 * 512 + 1).to_le_bytes()),
            FatError::ShortChain {
                clusters: 137,
                needed: 138
            }
        );
        assert!(matches!(
            with(28, &(136_u32 * 512).to_le_bytes()),
            FatError::LongChain { needed: 136, .. }
        ));
    }
}

#[test]
fn ends_directories_that_loop() {
    for mut disk in disks() {
        let mut volume = mount(&mut disk).unwrap();
        let entry = volume.resolve("boot").unwrap().unwrap();
        let first = entry.first_cluster(volume.geometry.kind());
        link(&mut disk, first, first);
        let requests = disk.requests.clone();
        requests.borrow_mut().clear();
        assert_eq!(
            mount(&mut disk).unwrap().size("boot/nothing"),
            Err(FatError::LongDirectory.into())
        );
        assert!(
            requests.borrow().len() < 4200,
            "{}",
            requests.borrow().len()
        );
    }
}

#[test]
fn refuses_boot_sectors_that_lie() {
    for disk in disks() {
        let error = |offset: u64, bytes: &[u8]| {
            let mut disk = disk.clone();
            disk.edit(offset, bytes);
            match *mount(&mut disk).err().unwrap().problem() {
                StorageProblem::Fat(error) => error,
                ref other => panic!("{other:?}"),
            }
        };
        let not_fat = |error| matches!(error, FatError::NotFat(_));
        assert!(not_fat(error(11, &[0, 0])));
        assert!(not_fat(error(13, &[0])));
        assert!(not_fat(error(13, &[3])));
        assert!(not_fat(error(14, &[0, 0])));
        assert!(not_fat(error(16, &[0])));
        assert!(not_fat(error(510, &[0])));
        assert!(not_fat(error(0, &[0; 512])));
        let region = Region {
            offset: 0,
            length: 900 << 10,
        };
        let mut disk = disk.clone();
        assert!(matches!(
            probe(&mut disk, region).err().unwrap().problem(),
            StorageProblem::Fat(FatError::TooLarge { .. })
        ));
        let region = Region {
            offset: 0,
            length: 0,
        };
        assert!(probe(&mut disk, region).is_err());
    }
}

#[test]
fn passes_on_failures_of_the_disk() {
    for mut disk in disks() {
        disk.broken = Some(0);
        assert!(matches!(
            mount(&mut disk).err().unwrap().problem(),
            StorageProblem::Block(_)
        ));
        disk.broken = None;
        let geometry = mount(&mut disk).unwrap().geometry;
        disk.broken = Some(geometry.fat_start() / 512);
        let mut volume = mount(&mut disk).unwrap();
        assert!(matches!(
            volume.open("zImage").unwrap_err().problem(),
            StorageProblem::Block(_)
        ));
        // The window must not have kept anything of it.
        assert!(matches!(
            volume.open("zImage").unwrap_err().problem(),
            StorageProblem::Block(_)
        ));
    }
}

#[test]
fn reads_with_blocks_larger_than_clusters() {
    for mut disk in disks().map(|disk| disk.with_block_size(4096)) {
        assert_eq!(read(&mut disk, "zImage").unwrap(), *KERNEL);
        assert_eq!(
            read(&mut disk, "boot/dtbs/virt.dtb").unwrap(),
            KERNEL[..5000]
        );
    }
}

#[test]
fn opens_a_kernel_in_few_requests() {
    let content = pattern(6 << 20);
    let files: [(&str, &[u8]); 2] = [("boot.scr", b"x"), ("zImage", &content)];
    for (kind, cluster, limit) in [
        (FatKind::Fat32, 512, 9),
        (FatKind::Fat32, 4096, 3),
        (FatKind::Fat16, 4096, 3),
    ] {
        let size = if cluster == 512 { 48 << 20 } else { 280 << 20 };
        let size = if kind == FatKind::Fat16 {
            64 << 20
        } else {
            size
        };
        let mut disk = TestDisk::new(fat_image(kind, size, cluster, &files));
        let requests = disk.requests.clone();
        let (_, extents) = mount(&mut disk).unwrap().open("zImage").unwrap();
        assert_eq!(extents.len(), 1);
        let requests = requests.borrow();
        assert!(requests.len() <= limit, "{kind:?}: {requests:x?}");
        let read: u64 = requests.iter().map(|(_, length)| length).sum();
        assert!(read <= 64 << 10, "{kind:?}: {requests:x?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever is on the disk, everything ends: no panic, bounded reads.
    #[test]
    fn survives_any_damage(
        kind in 0_usize..3,
        boot in prop::collection::vec((0_u64..96, any::<u8>()), 0..3),
        table in prop::collection::vec((0_u64..1400, any::<u8>()), 0..8),
        root in prop::collection::vec((0_u64..640, any::<u8>()), 0..8),
    ) {
        let mut disk = TestDisk::new(IMAGES.with(|images| Rc::clone(&images[kind])));
        let geometry = mount(&mut disk).unwrap().geometry;
        let start = match geometry.root() {
            RootLocation::Fixed { start, .. } => start,
            RootLocation::Cluster(cluster) => geometry.cluster_offset(cluster).unwrap(),
        };
        for (base, edits) in [(0, boot), (geometry.fat_start(), table), (start, root)] {
            for (offset, byte) in edits {
                disk.edit(base + offset, &[byte]);
            }
        }
        let requests = disk.requests.clone();
        requests.borrow_mut().clear();
        if let Ok(mut volume) = mount(&mut disk) {
            for path in ["zImage", "boot/dtbs/virt.dtb", LONG] {
                if let Ok((size, extents)) = volume.open(path) {
                    let held: u64 = extents.iter().map(|extent| extent.length).sum();
                    prop_assert!(held >= size);
                    let end = extents.iter().map(|extent| extent.offset + extent.length).max();
                    prop_assert!(end.unwrap_or(0) <= geometry.data_end());
                }
            }
            let _ = volume.list("/");
            let _ = volume.list("boot");
        }
        prop_assert!(requests.borrow().len() < 10_000);
    }
}

std::thread_local! {
    static IMAGES: [Rc<Vec<u8>>; 3] = VOLUMES.clone().map(Rc::new);
}
