//! Small right inputs, made by code: what the fakes hold, and what fuzzing starts from.

use std::sync::OnceLock;

use baton_core::{devicetree::WorkingTree, image::zimage};
use hadris_fat::{FatKind, FatOptions, embedded, sync::format};
use hadris_fs::OpenOptions;

use crate::{
    disk::SparseDisk,
    machine::{RAM, RAM_SIZE},
};

/// Makes a zImage of `length` bytes (0x200 at least), with a tag table.
pub fn zimage(length: usize, inflated: u32, text_offset: u32) -> Vec<u8> {
    let table = 0x40_usize;
    let end = u32::try_from(length).expect("a small image");
    let mut bytes = vec![0x5a; length];
    let mut put = |at: usize, word: u32| bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
    put(zimage::MAGIC_OFFSET, zimage::MAGIC);
    put(zimage::START_OFFSET, 0);
    put(zimage::END_OFFSET, end);
    put(zimage::ENDIAN_OFFSET, zimage::ENDIAN_LITTLE);
    put(zimage::TABLE_MAGIC_OFFSET, zimage::TABLE_MAGIC);
    put(zimage::TABLE_OFFSET, 0x40);
    let tags = [6, zimage::TAG_KLSZ, end - 7, 0x1000, text_offset, 0x1000, 0];
    for (index, word) in tags.into_iter().enumerate() {
        put(table + 4 * index, word);
    }
    put(length - 7, inflated);
    bytes
}

/// Makes an executable of one segment at `address`, entered at its first word.
pub fn elf(address: u32) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 1, 1, 1];
    bytes.resize(16, 0);
    // Type and machine in one word; then version, entry, the offset of the program headers.
    let header = [0x0028_0002, 1, address, 52, 0, 0x0500_0200];
    // Sizes and counts, two to a word: 52, 32, 1, 0, 0, 0.
    let counts = [0x0020_0034, 1, 0];
    let program = [1, 84, address, address, 16, 0x100, 7, 4];
    let code = [0xeaff_fffe_u32; 4];
    for word in header.iter().chain(&counts).chain(&program).chain(&code) {
        bytes.extend(word.to_le_bytes());
    }
    bytes
}

/// Makes a tree with /chosen, /memory and some more.
pub fn tree() -> WorkingTree {
    static TREE: OnceLock<WorkingTree> = OnceLock::new();
    TREE.get_or_init(make_tree).clone()
}

fn make_tree() -> WorkingTree {
    let words: [u32; 18] = [
        0xd00d_feed,
        72,
        56,
        72,
        40,
        17,
        16,
        0,
        0,
        16, // header
        0,
        0,
        0,
        0, // no reservations
        1,
        0,
        2,
        9, // an empty root
    ];
    let blob: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    let mut tree = WorkingTree::load(&blob).expect("a tree");
    let root = tree.root();
    let reg = (RAM << 32 | RAM_SIZE as u64).to_be_bytes();
    for (path, name, value) in [
        ("", "#address-cells", &[0, 0, 0, 1][..]),
        ("", "#size-cells", &[0, 0, 0, 1]),
        ("", "model", b"fuzz\0"),
        ("", "compatible", b"a,board\0a,soc\0"),
        ("aliases", "serial0", b"/uart@9000000\0"),
        ("chosen", "stdout-path", b"serial0:115200\0"),
        ("chosen", "bootargs", b"quiet\0"),
        ("memory@40000000", "device_type", b"memory\0"),
        ("memory@40000000", "reg", &reg),
        ("uart@9000000", "compatible", b"arm,pl011\0"),
        ("uart@9000000", "reg", &[9, 0, 0, 0, 0, 0, 0x10, 0]),
        ("psci", "compatible", b"arm,psci-1.0\0"),
        ("psci", "method", b"hvc\0"),
        ("reserved-memory", "#address-cells", &[0, 0, 0, 1]),
        ("reserved-memory", "#size-cells", &[0, 0, 0, 1]),
        ("reserved-memory", "ranges", &[]),
    ] {
        let node = match path {
            "" => root,
            path => tree.ensure_node(root, path).expect("a node"),
        };
        tree.set_property(node, name, value).expect("a property");
    }
    tree.add_reservation(RAM, 0x1000);
    tree
}

/// Makes a FAT volume of `size` bytes with these files at its root.
pub fn fat(kind: FatKind, size: usize, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut image = vec![0; size];
    let options = FatOptions::new().with_kind(kind).with_cluster_size(512);
    format(&mut image, &options).expect("a volume");
    let mut token = embedded::MountToken::new();
    let mut fat: embedded::sync::Fat<'_, _> =
        embedded::sync::Fat::mount(&mut image, &mut token).expect("a volume");
    let root = fat.root();
    fat.create_dir(root, "a directory").expect("a directory");
    for (name, content) in files {
        let options = OpenOptions::new().write().create_new();
        let file = fat.open(root, name, options).expect("a file");
        let mut rest: &[u8] = content;
        while !rest.is_empty() {
            let written = fat.write(&file, rest).expect("room");
            rest = &rest[written..];
        }
        fat.close(file).expect("a file");
    }
    fat.unmount().expect("a volume");
    image
}

/// Puts volumes on a disk with an MBR.
pub fn mbr(volumes: &[&[u8]]) -> Vec<u8> {
    let mut disk = vec![0; 512];
    disk[0x1fe..].copy_from_slice(&[0x55, 0xaa]);
    for (index, volume) in volumes.iter().enumerate() {
        let first = u32::try_from(disk.len() / 512).expect("a small disk");
        let count = u32::try_from(volume.len() / 512).expect("a small disk");
        let entry = &mut disk[0x1be + 16 * index..][..16];
        entry[0] = 0x80;
        entry[4] = 0x0c;
        entry[8..12].copy_from_slice(&first.to_le_bytes());
        entry[12..].copy_from_slice(&count.to_le_bytes());
        disk.extend_from_slice(volume);
    }
    disk
}

/// Puts a volume on a disk with a GPT, as its one partition.
pub fn gpt(volume: &[u8]) -> Vec<u8> {
    const FIRST: usize = 34;
    let last = FIRST + volume.len() / 512 - 1;
    let mut disk = vec![0; FIRST * 512];
    disk.extend_from_slice(volume);
    disk.resize((last + 34) * 512, 0);
    let sectors = disk.len() / 512;
    disk[0x1be + 4] = 0xee;
    disk[0x1be + 8] = 1;
    disk[0x1be + 12..][..4].copy_from_slice(&[0xff; 4]);
    disk[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    let entry = &mut disk[1024..1024 + 128];
    entry[..32].fill(0x11);
    entry[32..40].copy_from_slice(&(FIRST as u64).to_le_bytes());
    entry[40..48].copy_from_slice(&(last as u64).to_le_bytes());
    entry[48] = 4;
    entry[56] = b'b';
    let table = crc32fast::hash(&disk[1024..1024 + 128 * 128]);
    let mut header = Vec::from(*b"EFI PART");
    header.extend([0, 0, 1, 0, 92, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [1, sectors - 1, FIRST, last] {
        header.extend((number as u64).to_le_bytes());
    }
    header.extend([0x22; 16]);
    header.extend(2_u64.to_le_bytes());
    for word in [128, 128, table] {
        header.extend(word.to_le_bytes());
    }
    let sum = crc32fast::hash(&header);
    header[16..20].copy_from_slice(&sum.to_le_bytes());
    disk[512..512 + header.len()].copy_from_slice(&header);
    disk
}

/// Returns the card in the machine: an MBR and a FAT volume with something to boot.
pub fn card() -> Vec<SparseDisk> {
    static CARD: OnceLock<Vec<u8>> = OnceLock::new();
    let input = CARD.get_or_init(|| {
        let payload = zimage(0x800, 0x1000, 0);
        let kernel = zimage(0x1800, 0x2_0000, 0x8000);
        let executable = elf(0x4018_0000);
        let tree = tree().to_dtb(0).expect("a tree");
        let files = [
            ("zImage", &kernel[..]),
            ("initrd.img", b"an initial RAM disk"),
            ("payload.zimg", &payload),
            ("program.elf", &executable),
            ("board.dtb", &tree),
        ];
        SparseDisk::describe(&mbr(&[&fat(FatKind::Fat12, 64 << 10, &files)]))
    });
    SparseDisk::parse(input).into_iter().collect()
}
