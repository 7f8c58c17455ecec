//! `seeds DIRECTORY [DTB...]`: writes what fuzzing starts from, a folder for each target.
#![forbid(unsafe_code)]

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use baton_core::{commands::COMMANDS, env::saved};
use baton_fuzz::{disk::SparseDisk, samples};
use hadris_fat::FatKind;

// The ELFs that mkzimage's own tests are made of.
#[allow(
    missing_docs,
    dead_code,
    clippy::cast_possible_truncation,
    reason = "it is another crate's"
)]
#[path = "../../../../../tools/mkzimage/src/tests/builder.rs"]
mod builder;

const MIB: usize = 1 << 20;

fn write(root: &Path, target: &str, name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let folder = root.join(target);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), bytes)?;
    Ok(())
}

fn disks(root: &Path) -> Result<(), Box<dyn Error>> {
    let files: [(&str, &[u8]); 4] = [
        ("zImage", &[1; 1300]),
        ("a long name, with more than one slot of it.txt", b"text"),
        ("EMPTY", b""),
        ("initrd.img", &[2; 600]),
    ];
    let small = samples::fat(FatKind::Fat12, 64 << 10, &files);
    for (name, image) in [
        ("bare-fat12", small.clone()),
        ("mbr-fat12", samples::mbr(&[&small, &small])),
        (
            "fat16",
            samples::mbr(&[&samples::fat(FatKind::Fat16, 5 * MIB, &files)]),
        ),
        (
            "fat32",
            samples::mbr(&[&samples::fat(FatKind::Fat32, 40 * MIB, &files)]),
        ),
    ] {
        let disk = SparseDisk::describe(&image);
        write(root, "disk", name, &disk)?;
        // Writes, writes from a middle on, removals, new directories: one of each.
        let operations = [
            0, 0, 9, 3, 1, 0, 1, 200, 3, 4, 0, 0, 0, 5, 2, 1, 2, 0, 0, 0, 0, 1, 9, 9,
        ];
        write(root, "fatwrite", name, &[&operations[..], &disk].concat())?;
    }
    let mut gpt = SparseDisk::describe(&samples::gpt(&small));
    write(root, "disk", "gpt", &gpt)?;
    // Whatever is mutated, the checksums will be right.
    gpt[0] = 0x80;
    write(root, "disk", "gpt-put-right", &gpt)
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let root = arguments.next().ok_or("usage: seeds DIRECTORY [DTB...]")?;
    for blob in arguments {
        let name = blob.file_name().and_then(|name| name.to_str());
        write(
            &root,
            "devicetree",
            name.ok_or("a name")?,
            &fs::read(&blob)?,
        )?;
    }
    write(&root, "devicetree", "sample", &samples::tree().to_dtb(16)?)?;
    for (name, image) in [
        ("payload", samples::zimage(0x300, 0x1000, 0)),
        ("kernel", samples::zimage(0x1801, 0x2_0000, 0x8000)),
    ] {
        write(&root, "zimage", name, &image)?;
    }
    write(&root, "elf", "one-segment", &samples::elf(0x4018_0000))?;
    write(&root, "mkzimage", "image", &builder::Builder::new().build())?;
    let row = b"# a file\na=1\nb=two\\\nlines\n\nc=\nd\n.flags=a:dr\n\0";
    write(&root, "env", "text", row)?;
    let copy = saved::encode([("a", "1"), ("b", "x\\y")].into_iter(), 1, saved::SIZE);
    write(
        &root,
        "env",
        "copy",
        &copy.map_err(|needed| needed.to_string())?,
    )?;
    for command in COMMANDS {
        write(&root, "shell", command.name, command.example.as_bytes())?;
        let typed = format!("{}\r", command.example);
        write(&root, "console", command.name, typed.as_bytes())?;
    }
    disks(&root)
}
