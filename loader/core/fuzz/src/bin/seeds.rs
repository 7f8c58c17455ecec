//! `seeds DIRECTORY [DTB...]`: writes what fuzzing starts from, a folder for each target.
#![forbid(unsafe_code)]

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
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

/// Makes an ext2, ext3 or ext4 volume with mke2fs, of some files.
fn ext(scratch: &Path, options: &[&str], kib: u32) -> Result<Vec<u8>, Box<dyn Error>> {
    let (folder, image) = (scratch.join("files"), scratch.join("image"));
    fs::create_dir_all(folder.join("boot/deep"))?;
    fs::write(folder.join("boot/zImage"), [1; 3000])?;
    fs::write(folder.join("boot/deep/note"), [2; 100])?;
    let link = folder.join("vmlinuz");
    if !link.is_symlink() {
        std::os::unix::fs::symlink("boot/zImage", link)?;
    }
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let status = Command::new("mke2fs")
        .args(["-q", "-F", "-b", "1024", "-N", "16", "-I", "256", "-d"])
        .arg(&folder)
        .args(options)
        .arg(&image)
        .arg(format!("{kib}k"))
        .env("PATH", path)
        .status()?;
    if !status.success() {
        return Err("mke2fs failed; Debian's e2fsprogs has it".into());
    }
    let bytes = fs::read(&image)?;
    fs::remove_file(image)?;
    Ok(bytes)
}

fn ext_volumes(root: &Path) -> Result<(), Box<dyn Error>> {
    let scratch = root.join("ext-scratch");
    fs::create_dir_all(&scratch)?;
    let kinds: [(&str, u32, &[&str]); 5] = [
        ("ext2", 64, &["-t", "ext2"]),
        (
            "ext4",
            96,
            &["-t", "ext4", "-O", "^has_journal,^metadata_csum"],
        ),
        ("ext4-sums", 96, &["-t", "ext4", "-O", "^has_journal"]),
        (
            "ext4-inline",
            96,
            &[
                "-t",
                "ext4",
                "-O",
                "^has_journal,^metadata_csum,inline_data",
            ],
        ),
        ("ext3", 2200, &["-t", "ext3"]),
    ];
    for (name, kib, options) in kinds {
        let mut image = ext(&scratch, options, kib)?;
        write(root, "ext4", name, &SparseDisk::describe(&image))?;
        if name == "ext3" {
            // Unclean: the journal is looked through from its first block on.
            image[1024 + 0x60] |= 4;
            let magic = [0xc0, 0x3b, 0x39, 0x98, 0, 0, 0, 4];
            let head = image
                .chunks_exact(1024)
                .position(|block| block.starts_with(&magic));
            let head = head.ok_or("no journal")? * 1024;
            image[head + 0x1f] = 1;
            image[head + 1024..][..12]
                .copy_from_slice(&[0xc0, 0x3b, 0x39, 0x98, 0, 0, 0, 1, 0, 0, 0, 1]);
            write(root, "ext4", "ext3-unclean", &SparseDisk::describe(&image))?;
        }
        let disk = samples::mbr(&[&image]);
        write(root, "disk", name, &SparseDisk::describe(&disk))?;
    }
    Ok(fs::remove_dir_all(scratch)?)
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
    ext_volumes(&root)?;
    write(&root, "card", "nothing", &[0xff; 64])?;
    disks(&root)
}
