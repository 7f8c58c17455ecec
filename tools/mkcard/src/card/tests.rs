use std::{os::unix::fs::MetadataExt, process::Command};

use super::*;

const START: usize = 1 << 20;

fn card() -> Card {
    let mut card = Card {
        size: 256 << 20,
        label: Some("BATON".to_owned()),
        ..Card::default()
    };
    let bytes = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    card.add("boot.scr", b"script".to_vec()).unwrap();
    card.add("zImage", bytes).unwrap();
    card.add("A long name.img", b"x".to_vec()).unwrap();
    card.add("empty", Vec::new()).unwrap();
    card
}

fn written(card: &Card) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sd.img");
    card.write(&path).unwrap();
    (folder, path)
}

fn half(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap()))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// Runs a checker of others on the partition, if this host has it.
fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program)
        .args(arguments)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("MTOOLSRC", "/dev/null")
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {text}{errors}");
    Some(text)
}

#[test]
fn image_is_legal_fat32() {
    let (_folder, path) = written(&card());
    let image = fs::read(&path).unwrap();
    assert_eq!(image.len(), 256 << 20);
    let boot = &image[START..][..512];
    assert_eq!(boot[510..], [0x55, 0xaa]);
    assert_eq!(half(boot, 11), 512, "bytes a sector");
    assert_eq!(word(boot, 28), 2048, "hidden sectors");
    assert_eq!(word(boot, 32), (255 << 20) / 512, "sectors");
    let system = half(boot, 14) + u32::from(boot[16]) * word(boot, 36);
    let clusters = (word(boot, 32) - system) / u32::from(boot[13]);
    assert!((65525..0x0fff_fff5).contains(&clusters), "{clusters}");
}

#[test]
fn others_agree_with_the_file_system() {
    let (folder, path) = written(&card());
    let image = fs::read(&path).unwrap();
    let partition = folder.path().join("partition.img");
    fs::write(&partition, &image[START..]).unwrap();
    run("fsck.vfat", &["-n", "-v", partition.to_str().unwrap()]);
    let at = format!("{}@@1M", path.display());
    for file in card().files {
        let name = format!("::/{}", file.name);
        let copy = folder.path().join("copy");
        if run("mcopy", &["-n", "-i", &at, &name, copy.to_str().unwrap()]).is_some() {
            assert!(fs::read(&copy).unwrap() == file.bytes, "{name}");
            fs::remove_file(&copy).unwrap();
        }
    }
}

#[test]
fn bytes_depend_on_the_files_alone() {
    let (_one, first) = written(&card());
    let (_two, second) = written(&card());
    assert!(fs::read(first).unwrap() == fs::read(second).unwrap());
}

#[test]
fn what_is_empty_stays_a_hole() {
    let (_folder, path) = written(&card());
    let used = fs::metadata(path).unwrap().blocks() * 512;
    assert!(used < 20 << 20, "{used} bytes for 12 MB of files");
}

#[test]
fn files_lie_in_one_piece() {
    let (_folder, path) = written(&card());
    let image = fs::read(path).unwrap();
    let bytes = &card().files[1].bytes;
    let start = image
        .windows(16)
        .position(|window| window == &bytes[..16])
        .unwrap();
    assert!(image[start..start + bytes.len()] == **bytes);
}

#[test]
fn refusals_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("sd.img");
    let mut too_small = card();
    too_small.size = 8 << 20;
    let mut too_full = card();
    too_full.size = 48 << 20;
    too_full.add("big", vec![1; 40 << 20]).unwrap();
    let mut bad_name = card();
    bad_name.add("what?", Vec::new()).unwrap();
    let mut bad_label = card();
    bad_label.label = Some("*".to_owned());
    for (card, words) in [
        (too_small, "file system"),
        (too_full, "file system"),
        (bad_name, "what?"),
        (bad_label, "label"),
    ] {
        let error = card.write(&path).unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    assert!(matches!(
        card().add("ZIMAGE", Vec::new()),
        Err(Error::Twice { .. })
    ));
}

#[test]
fn missing_sources_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = Recipe::parse("size 64M\nfile kernel/zImage\n").unwrap();
    let error = Card::gather(&recipe, folder.path(), folder.path()).unwrap_err();
    assert!(error.to_string().contains("kernel/zImage"), "{error}");
}

#[test]
fn what_a_boot_rom_loads_lies_where_it_looks() {
    let mut card = card();
    card.add_raw(8192, b"first stage".to_vec()).unwrap();
    card.add_raw(512, vec![0x11; 7680]).unwrap();
    let (_folder, path) = written(&card);
    let image = fs::read(&path).unwrap();
    assert_eq!(&image[8192..][..11], b"first stage");
    assert_eq!(image[512..8192], [0x11; 7680]);
    assert_eq!(image[510..512], [0x55, 0xaa], "the table");
}

#[test]
fn raw_bytes_lie_over_nothing() {
    let mut card = card();
    card.add_raw(8192, vec![0; 512]).unwrap();
    for (offset, length) in [
        (0, 1),
        (511, 1),
        (8192, 1),
        (8191, 2),
        (8703, 1),
        (1 << 20, 1),
        ((1 << 20) - 1, 2),
        (u64::MAX, 1),
    ] {
        let error = card.add_raw(offset, vec![0; length]).unwrap_err();
        assert!(error.to_string().contains("hold something else"));
    }
}
