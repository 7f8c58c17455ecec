//! Volumes made by mke2fs on a fake disk.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use baton_core::{
    machine::Disk,
    storage::{self, Entry, OpenFile, StorageError, VolumeName},
};
use platform_fake::FakeDisk;

/// The whole disk is the volume.
pub const VOLUME: VolumeName<'static> = VolumeName {
    interface: "virtio",
    device: "0:0",
};

/// A folder that is gone with its owner.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("baton-ext4-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn search_path() -> String {
    std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin"
}

/// Runs a program of e2fsprogs; it must succeed.
pub fn tool(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .env("PATH", search_path())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; Debian's e2fsprogs has it"));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    assert!(!said.contains("ext2fs_"), "{program} {arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Bytes that tell where they are.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at ^ (at >> 8) ^ (at >> 16)).to_le_bytes()[0])
        .collect()
}

/// Makes a volume of `kib` KiB of what is in `folder`.
pub fn mke2fs(options: &[&str], folder: Option<&Path>, kib: u32) -> Vec<u8> {
    let scratch = Scratch::new();
    let image = scratch.0.join("image");
    let (path, size) = (image.display().to_string(), format!("{kib}k"));
    let mut arguments = vec!["-q", "-F", "-U", "01234567-89ab-cdef-0123-456789abcdef"];
    arguments.extend(options);
    let folder = folder.map(|folder| folder.display().to_string());
    if let Some(folder) = &folder {
        arguments.extend(["-d", folder]);
    }
    arguments.extend([path.as_str(), &size]);
    tool("mke2fs", &arguments);
    fs::read(&image).unwrap()
}

/// Changes a volume with debugfs.
pub fn debugfs(image: &[u8], requests: &str) -> Vec<u8> {
    let scratch = Scratch::new();
    let (path, script) = (scratch.0.join("image"), scratch.0.join("script"));
    fs::write(&path, image).unwrap();
    fs::write(&script, requests).unwrap();
    let (path_text, script) = (path.display().to_string(), script.display().to_string());
    tool("debugfs", &["-w", "-f", &script, &path_text]);
    fs::read(&path).unwrap()
}

/// Mends a volume with e2fsck.
pub fn e2fsck(image: &[u8], options: &str) -> Vec<u8> {
    let scratch = Scratch::new();
    let path = scratch.0.join("image");
    fs::write(&path, image).unwrap();
    let status = Command::new("e2fsck")
        .arg(options)
        .arg(&path)
        .env("PATH", search_path())
        .output()
        .unwrap()
        .status;
    // 1: errors were mended.
    assert!(matches!(status.code(), Some(0 | 1)), "{status}");
    fs::read(&path).unwrap()
}

/// Files of all kinds.
pub fn sample(folder: &Path) {
    let write = |name: &str, bytes: &[u8]| fs::write(folder.join(name), bytes).unwrap();
    fs::create_dir_all(folder.join("boot/dtbs/deep")).unwrap();
    write("boot/zImage", &pattern(700_001));
    write("boot/empty", b"");
    write("boot/small", b"a few bytes\n");
    write("boot/inline", &pattern(120));
    write("boot/dtbs/deep/board.dtb", &pattern(5000));
    let mut sparse = vec![0; 400_000];
    sparse[100_000..101_000].copy_from_slice(&pattern(1000));
    sparse[350_000..].copy_from_slice(&pattern(50_000));
    let file = fs::File::create(folder.join("sparse")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &sparse[100_000..101_000], 100_000).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &sparse[350_000..], 350_000).unwrap();
    symlink("zImage", folder.join("boot/vmlinuz")).unwrap();
    symlink("/boot/dtbs", folder.join("trees")).unwrap();
    symlink("../boot/./dtbs/../small", folder.join("boot/dotted")).unwrap();
    let long = "boot/../".repeat(30) + "boot/small";
    symlink(long, folder.join("long-link")).unwrap();
    symlink("loop-b", folder.join("loop-a")).unwrap();
    symlink("loop-a", folder.join("loop-b")).unwrap();
    symlink("nowhere", folder.join("dangling")).unwrap();
}

/// Puts a volume into a machine's slot.
pub fn disks(disk: &FakeDisk) -> Vec<Disk> {
    vec![Disk {
        interface: "virtio",
        index: 0,
        path: "/disk".into(),
        device: Box::new(disk.clone()),
    }]
}

/// A volume in a machine.
pub struct Volume {
    pub disk: FakeDisk,
    pub disks: Vec<Disk>,
}

impl Volume {
    pub fn new(image: Vec<u8>) -> Self {
        let disk = FakeDisk::new(image);
        let disks = disks(&disk);
        Self { disk, disks }
    }

    pub fn open(&mut self, path: &str) -> Result<OpenFile, StorageError> {
        storage::open_on(&mut self.disks, VOLUME, path)
    }

    pub fn read(&mut self, path: &str) -> Result<Vec<u8>, StorageError> {
        let file = self.open(path)?;
        let mut bytes = vec![0xee; usize::try_from(file.size()).unwrap()];
        file.read_at(&mut self.disks, 0, &mut bytes)?;
        Ok(bytes)
    }

    pub fn list(&mut self, path: &str) -> Result<Vec<Entry>, StorageError> {
        storage::list(&mut self.disks, VOLUME, path)
    }

    pub fn error(&mut self, path: &str) -> String {
        self.read(path).unwrap_err().to_string()
    }
}
