//! Unclean journals, written by debugfs: what is in them counts, and nothing is written.

use std::{fs, path::Path};

use baton_core::storage;
use ext4_view::Ext4;

use crate::bench::{Scratch, VOLUME, Volume, debugfs, e2fsck, mke2fs, pattern};

const BLOCK: usize = 1024;

/// A volume with a file of a directory.
fn old(folder: &Scratch, options: &[&str]) -> Vec<u8> {
    fs::create_dir(folder.0.join("boot")).unwrap();
    fs::write(folder.0.join("boot/file"), pattern(30_000)).unwrap();
    let options = [&["-t", "ext4", "-b", "1024"], options].concat();
    mke2fs(&options, Some(&folder.0), 8192)
}

/// The same volume later.
fn new(folder: &Scratch, old: &[u8]) -> Vec<u8> {
    let path = folder.0.join("new");
    let mut content = pattern(40_000);
    content.reverse();
    fs::write(&path, content).unwrap();
    let requests = format!(
        "rm boot/file\nmkdir more\nwrite {0} boot/file\nwrite {0} more/deep\n",
        path.display()
    );
    debugfs(old, &requests)
}

/// Puts the blocks that differ into the old volume's journal, in two transactions.
fn journalled(old: &[u8], new: &[u8], open: &str, second: &str) -> Vec<u8> {
    let blocks = old.chunks(BLOCK).zip(new.chunks(BLOCK));
    // The first has the superblock, which the journal's own flag is in.
    let changed: Vec<usize> = (0..)
        .zip(blocks)
        .filter(|(at, (old, new))| *at > 1 && old != new)
        .map(|(at, _)| at)
        .collect();
    assert!(changed.len() > 80, "{changed:?}");
    let scratch = Scratch::new();
    let mut requests = format!("{open}\n");
    // The first transaction has garbage for half of them, which the second puts right.
    let (garbage, good) = (scratch.0.join("garbage"), scratch.0.join("good"));
    fs::write(&garbage, vec![0x5a; changed.len() / 2 * BLOCK]).unwrap();
    let bytes = changed.iter().map(|at| &new[at * BLOCK..][..BLOCK]);
    fs::write(&good, bytes.collect::<Vec<_>>().concat()).unwrap();
    let list = |blocks: &[usize]| {
        let texts: Vec<String> = blocks.iter().map(ToString::to_string).collect();
        texts.join(",")
    };
    let mut write = |blocks: &[usize], options: &str, file: &Path| {
        requests += &format!("jw -b {} {options} {}\n", list(blocks), file.display());
    };
    write(&changed[..changed.len() / 2], "", &garbage);
    write(&changed, second, &good);
    requests += "jc\n";
    debugfs(old, &requests)
}

fn check_new(volume: &mut Volume) {
    let mut content = pattern(40_000);
    content.reverse();
    assert!(volume.read("boot/file").unwrap() == content);
    assert!(volume.read("more/deep").unwrap() == content);
    assert_eq!(volume.list("more").unwrap().len(), 1);
}

#[test]
fn the_newest_state_is_read() {
    for (options, open) in [
        (&[][..], "jo"),
        (&[], "jo -c"),
        (&[], "jo -c -v 2"),
        (&[], "jo -c -v 3"),
        (&["-O", "^64bit"], "jo -c -v 2"),
        (&["-O", "^metadata_csum,^64bit"], "jo"),
        (&["-O", "^metadata_csum,64bit"], "jo"),
    ] {
        let folder = Scratch::new();
        let old = old(&folder, options);
        let new = new(&folder, &old);
        let unclean = journalled(&old, &new, open, "");
        let mut volume = Volume::new(unclean.clone());
        check_new(&mut volume);
        assert!(volume.disk.content() == unclean);
        // As e2fsck does it for good.
        let replayed = e2fsck(&unclean, "-fy");
        check_new(&mut Volume::new(replayed.clone()));
        let view = Ext4::load(Box::new(replayed)).unwrap();
        assert_eq!(view.read("/more/deep").unwrap().len(), 40_000);
    }
}

#[test]
fn what_was_not_committed_does_not_count() {
    let folder = Scratch::new();
    let old = old(&folder, &[]);
    let new = new(&folder, &old);
    // The garbage alone is committed: the directory is in it.
    let unclean = journalled(&old, &new, "jo -c -v 3", "-c");
    assert!(Volume::new(unclean).read("boot/file").is_err());
    // A transaction that does not count at all.
    let unclean = debugfs(
        &old,
        &format!(
            "jo\njw -b 40 -c {}\njc\n",
            folder.0.join("boot/file").display()
        ),
    );
    assert_eq!(Volume::new(unclean).read("boot/file"), Ok(pattern(30_000)));
}

#[test]
fn what_was_revoked_does_not_count() {
    let folder = Scratch::new();
    let old = old(&folder, &[]);
    let garbage = folder.0.join("garbage");
    fs::write(&garbage, vec![0; 1024]).unwrap();
    let mut volume = Volume::new(old.clone());
    let file = volume.open("boot/file").unwrap();
    let block = file.extents()[0].offset / BLOCK as u64;
    let write = format!("jo -c -v 3\njw -b {block} {}\n", garbage.display());
    let unclean = debugfs(&old, &format!("{write}jc\n"));
    assert_eq!(
        Volume::new(unclean).read("boot/file").unwrap()[..1024],
        [0; 1024]
    );
    let unclean = debugfs(&old, &format!("{write}jw -r {block}\njc\n"));
    assert!(Volume::new(unclean).read("boot/file").unwrap() == pattern(30_000));
}

#[test]
fn a_damaged_journal_is_named() {
    let folder = Scratch::new();
    let old = old(&folder, &["-O", "^metadata_csum"]);
    let new = new(&folder, &old);
    let unclean = journalled(&old, &new, "jo", "");
    let mut volume = Volume::new(unclean.clone());
    let magic = 0xc03b_3998_u32.to_be_bytes();
    let head = (0..unclean.len() / BLOCK)
        .find(|at| unclean[at * BLOCK..].starts_with(&[&magic[..], &[0, 0, 0, 4]].concat()));
    let head = head.unwrap() * BLOCK;
    let error = |at: usize, bytes: &[u8]| {
        let mut image = unclean.clone();
        image[head + at..][..bytes.len()].copy_from_slice(bytes);
        Volume::new(image).error("boot/file")
    };
    let unclean_and = |what: &str| format!("ext4: unclean, and its journal {what}; run e2fsck");
    assert_eq!(error(0, &[0]), unclean_and("has no superblock"));
    assert_eq!(
        error(0x28, &[1]),
        unclean_and("has features that are not known")
    );
    assert_eq!(
        error(0x2b, &[0x10]),
        "ext4: bad checksum: journal's superblock 0x0; run e2fsck"
    );
    let cannot = unclean_and("has a superblock that cannot be right");
    assert_eq!(error(0xc, &[1]), cannot);
    assert_eq!(error(0x10, &[0xff; 4]), cannot);
    assert_eq!(error(0x1c, &[0xff; 4]), cannot);
    check_new(&mut volume);
    // U-Boot and others look at the volume as it is; the type is told all the same.
    assert_eq!(storage::file_system(&mut volume.disks, VOLUME), Ok("ext4"));
}
