//! What is damaged is named, soon; nothing is written.

use std::fs;

use crate::bench::{Scratch, Volume, debugfs, mke2fs, pattern, tool};

const BLOCK: usize = 1024;
/// Bytes of the file in pieces.
const BIG: usize = 800 << 10;

/// A volume with a directory, a file, and a file in hundreds of pieces.
fn volume(options: &[&str]) -> Vec<u8> {
    let folder = Scratch::new();
    fs::create_dir(folder.0.join("dir")).unwrap();
    for number in 0..400 {
        fs::write(folder.0.join(format!("dir/f{number}")), vec![1; BLOCK]).unwrap();
    }
    let options = [&["-b", "1024", "-N", "600", "-I", "256"], options].concat();
    let image = mke2fs(&options, Some(&folder.0), 2048);
    let big = folder.0.join("big");
    fs::write(&big, pattern(BIG)).unwrap();
    let mut requests: String = (0..400)
        .step_by(2)
        .map(|n| format!("rm dir/f{n}\n"))
        .collect();
    requests += &format!("write {} big\nmknod pipe p\nmkdir secret\n", big.display());
    // Encrypted, and what it was.
    requests += "set_inode_field secret flags 0x80800\nset_inode_field dir/f1 flags 0x80800\n";
    debugfs(&image, &requests)
}

/// Asks debugfs about the volume.
fn ask(image: &[u8], request: &str) -> String {
    let scratch = Scratch::new();
    let path = scratch.0.join("image");
    fs::write(&path, image).unwrap();
    tool("debugfs", &["-R", request, path.to_str().unwrap()])
}

/// Returns where a file's inode is.
fn inode(image: &[u8], path: &str) -> usize {
    let said = ask(image, &format!("imap {path}"));
    let (_, place) = said.split_once("located at block ").unwrap();
    let (block, offset) = place.trim().split_once(", offset 0x").unwrap();
    block.parse::<usize>().unwrap() * BLOCK + usize::from_str_radix(offset, 16).unwrap()
}

/// Returns the block that the first entry of an inode's extent tree, or its map, names.
fn word(image: &[u8], at: usize) -> usize {
    usize::try_from(u32::from_le_bytes(*image[at..].first_chunk().unwrap())).unwrap()
}

fn error_after(image: &[u8], path: &str, changes: &[(usize, &[u8])]) -> String {
    let mut image = image.to_vec();
    for (at, bytes) in changes {
        image[*at..][..bytes.len()].copy_from_slice(bytes);
    }
    let mut volume = Volume::new(image.clone());
    let error = volume.error(path);
    assert!(volume.disk.content() == image);
    assert!(volume.disk.take_requests().len() < 1000);
    error
}

#[test]
fn every_checksum_counts() {
    let image = volume(&["-t", "ext4", "-O", "^has_journal"]);
    assert!(Volume::new(image.clone()).read("big").unwrap() == pattern(BIG));
    let bad = |what: &str| format!("ext4: bad checksum: {what}; run e2fsck");
    let flipped = |at: usize| [!image[at]];
    let error = |at: usize| error_after(&image, "big", &[(at, &flipped(at))]);
    // The volume's name; the first free block of the group; the time of the file.
    assert_eq!(error(1024 + 0x78), bad("superblock 0x0"));
    assert_eq!(error(2 * BLOCK + 0xc), bad("group 0x0"));
    let file = inode(&image, "big");
    let number = u64::try_from((file - inode(&image, "<1>")) / 256 + 1).unwrap();
    assert_eq!(error(file + 0x10), bad(&format!("inode {number:#x}")));
    // The second half of an inode, and its checksum's.
    assert_eq!(error(file + 0x90), bad(&format!("inode {number:#x}")));
    assert_eq!(error(file + 0x82), bad(&format!("inode {number:#x}")));
    assert_eq!(error(inode(&image, "<2>") + 0x10), bad("inode 0x2"));
    let leaf = word(&image, file + 0x28 + 12 + 4);
    assert_eq!(image[leaf * BLOCK..][..2], [0x0a, 0xf3]);
    assert_eq!(
        error(leaf * BLOCK + 20),
        bad(&format!("extent block {leaf:#x}"))
    );
    // Every block of a directory, the tail too.
    let directory = inode(&image, "<2>");
    let block = word(&image, directory + 0x28 + 12 + 8);
    for within in [0, 40, BLOCK - 1, BLOCK - 5, BLOCK - 12] {
        let at = block * BLOCK + within;
        assert_eq!(
            error(at),
            bad(&format!("directory block {block:#x}")),
            "{within}"
        );
    }
    // Data has none.
    let at = word(&image, leaf * BLOCK + 12 + 8) * BLOCK;
    let mut other = image.clone();
    other[at] ^= 1;
    assert!(Volume::new(other).read("big").is_ok());
}

#[test]
fn what_is_not_for_reading_is_named() {
    let image = volume(&["-t", "ext4", "-O", "^has_journal"]);
    let mut volume = Volume::new(image);
    let encrypted = volume.error("secret/name");
    assert!(encrypted.starts_with("ext4: inode 0x") && encrypted.ends_with(" is encrypted"));
    assert!(volume.error("dir/f1").ends_with(" is encrypted"));
    assert!(
        volume
            .error("pipe")
            .ends_with(" is neither file nor directory")
    );
    let listed = volume.list("secret");
    assert!(listed.unwrap_err().to_string().ends_with(" is encrypted"));
}

#[test]
fn superblocks_that_lie() {
    let image = volume(&["-t", "ext4", "-O", "^has_journal,^metadata_csum"]);
    let error = |at: usize, bytes: &[u8]| error_after(&image, "big", &[(1024 + at, bytes)]);
    let bad = |what: &str| format!("ext4: {what} in the superblock; run e2fsck");
    assert_eq!(
        error(0x60 + 1, &[0x10]),
        "ext4: features 0x1000 are not known"
    );
    assert_eq!(error(0x60, &[0x01]), "ext4: features 0x1 are not known");
    assert_eq!(error(0x18, &[7]), bad("block size"));
    assert_eq!(error(0x18, &[0xff; 4]), bad("block size"));
    assert_eq!(error(0x58, &[0, 0]), bad("inode size"));
    assert_eq!(error(0x58, &[0, 8]), bad("inode size"));
    assert_eq!(error(0x58, &[0x81, 0]), bad("inode size"));
    assert_eq!(error(0xfe, &[0x41, 0]), bad("size of group descriptors"));
    assert_eq!(error(0xfe, &[0, 8]), bad("size of group descriptors"));
    assert_eq!(error(0x28, &[0; 4]), bad("size of groups"));
    assert_eq!(error(0x20, &[0; 4]), bad("size of groups"));
    assert_eq!(error(0x150, &[1]), bad("2^32 blocks or more"));
    assert_eq!(
        error(4, &[0xff; 4]),
        "ext4: claims 0x3fffffffc00 bytes of a partition that has 0x200000"
    );
    assert!(error(0x38, &[0]).starts_with("no FAT file system: "));
    // Fewer inodes than there are: the root is one of two at least.
    assert_eq!(
        error(0, &[1, 0, 0, 0]),
        "ext4: damaged: inode 0x2; run e2fsck"
    );
}

#[test]
fn maps_that_lie() {
    let image = volume(&["-t", "ext4", "-O", "^has_journal,^metadata_csum,^uninit_bg"]);
    let file = inode(&image, "big");
    let map = file + 0x28;
    let leaf = word(&image, map + 12 + 4);
    let number = (file - inode(&image, "<1>")) / 256 + 1;
    let error = |at: usize, bytes: &[u8]| error_after(&image, "big", &[(at, bytes)]);
    let damaged = |what: &str| format!("ext4: damaged: {what}; run e2fsck");
    let tree = damaged(&format!("extent tree of inode {number:#x}"));
    let order = damaged(&format!("order of extents of inode {number:#x}"));
    let outside = |block: u32| damaged(&format!("pointer to block {block:#x}"));
    // Magic number, count, depth of the root.
    assert_eq!(error(map, &[0]), tree);
    assert_eq!(error(map + 2, &[5]), tree);
    assert_eq!(error(map + 6, &[6]), tree);
    // A leaf that leads to itself, and one that is a leaf too early.
    let own = u32::try_from(leaf).unwrap().to_le_bytes();
    let changes: [(usize, &[u8]); 2] = [(leaf * BLOCK + 6, &[1]), (leaf * BLOCK + 12 + 4, &own)];
    assert_eq!(error_after(&image, "big", &changes), tree);
    assert_eq!(error(leaf * BLOCK + 6, &[0xff]), tree);
    // The second leaf is the first one again.
    assert_eq!(error(map + 24 + 4, &own), order);
    // Blocks that there are not, or that no file can have.
    assert_eq!(error(map + 12 + 4, &[0xff; 4]), outside(u32::MAX));
    assert_eq!(error(map + 12 + 4, &[0; 4]), outside(0));
    assert_eq!(error(map + 12 + 8, &[1]), tree);
    let entry = leaf * BLOCK + 12;
    assert_eq!(error(entry + 8, &2048_u32.to_le_bytes()), outside(2048));
    assert_eq!(error(entry + 6, &[1]), outside(u32::MAX));
    assert_eq!(error(entry + 8, &[0; 4]), tree);
    assert_eq!(error(entry + 4, &[0, 0]), tree);
    // Out of order.
    assert_eq!(error(entry + 12, &[0; 4]), order);
    // A size beyond all blocks that a file can have.
    let size = damaged(&format!("size of inode {number:#x}"));
    assert_eq!(error(file + 0x6c, &[0xff; 4]), size);
    // A directory that does not go on.
    let root = inode(&image, "<2>");
    let block = word(&image, root + 0x28 + 12 + 8) * BLOCK;
    let directory = damaged("directory 0x2");
    assert_eq!(error(block + 4, &[0, 0]), directory);
    assert_eq!(error(block + 4, &[4, 0]), directory);
    assert_eq!(error(block + 4, &[0xff, 0xff]), directory);
    assert_eq!(error(root + 4, &[0xff; 4]), directory);
    // A name that leads to no inode, or to one that nobody has.
    let at = image
        .windows(5)
        .position(|found| found == [3, 1, b'b', b'i', b'g']);
    let at = at.unwrap() - 6;
    assert_eq!(error(at, &[0xff; 4]), damaged("inode 0xffffffff"));
    assert_eq!(error(at, &[0x50, 2, 0, 0]), damaged("inode 0x250"));
}

/// ext2's maps have no order and no depth that could be wrong: what is read is bounded all the same.
#[test]
fn maps_that_lead_back() {
    let image = volume(&["-t", "ext2"]);
    let file = inode(&image, "big");
    let single = word(&image, file + 0x28 + 12 * 4);
    let own = u32::try_from(single).unwrap().to_le_bytes();
    // A gigabyte, of which each block of pointers is the same one: 256 x 256 x 256.
    let mut image = image.clone();
    for at in 12..15 {
        image[file + 0x28 + at * 4..][..4].copy_from_slice(&own);
    }
    image[file + 4..file + 8].copy_from_slice(&0x4000_0000_u32.to_le_bytes());
    let many = "ext4: the file is in too many pieces";
    // Data is taken for pointers.
    let error = lead_back(image.clone());
    assert!(
        error.starts_with("ext4: damaged: pointer to block"),
        "{error}"
    );
    // Every pointer is its own block; or zeros.
    let block = &mut image[single * BLOCK..][..BLOCK];
    block
        .chunks_exact_mut(4)
        .for_each(|pointer| pointer.copy_from_slice(&own));
    assert_eq!(lead_back(image.clone()), many);
    let zeros = 2040_u32;
    let mut image = image.clone();
    image[zeros as usize * BLOCK..][..BLOCK].fill(0);
    image[single * BLOCK..][..BLOCK]
        .chunks_exact_mut(4)
        .for_each(|pointer| pointer.copy_from_slice(&zeros.to_le_bytes()));
    assert_eq!(lead_back(image), many);
}

fn lead_back(image: Vec<u8>) -> String {
    let mut volume = Volume::new(image);
    let error = volume.open("big").unwrap_err().to_string();
    assert!(volume.disk.take_requests().len() < 20_000);
    error
}
