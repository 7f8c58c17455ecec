//! A volume made by mkfs.vfat on a fake disk, and its judges.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

use baton_core::{
    machine::Disk,
    storage::{self, StorageError, VolumeName},
};
use platform_fake::FakeDisk;

/// The whole disk is the volume.
pub const VOLUME: VolumeName<'static> = VolumeName {
    interface: "virtio",
    device: "0:0",
};

/// A kind of FAT, as mkfs.vfat is asked for it.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// 12, 16 or 32.
    pub bits: u32,
    /// The volume's size in KiB.
    pub kib: u32,
    /// Sectors in a cluster.
    pub cluster: u32,
}

/// Small volumes of each kind. FAT32's has fewer clusters than it should: mtools refuses it.
pub const SMALL: [Format; 3] = [
    Format {
        bits: 12,
        kib: 600,
        cluster: 1,
    },
    Format {
        bits: 16,
        kib: 2300,
        cluster: 1,
    },
    Format {
        bits: 32,
        kib: 1200,
        cluster: 1,
    },
];

/// A file, or an empty folder, that is gone with its owner.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("baton-fat-{}-{count}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Runs a program of dosfstools or mtools.
pub fn tool(program: &str, arguments: &[&str]) -> Output {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    Command::new(program)
        .args(arguments)
        .env("PATH", path)
        // Mtools would ask about names that are there already.
        .env("MTOOLS_SKIP_CHECK", "1")
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}; it comes with `make test`"))
}

impl Format {
    /// Makes an empty volume.
    pub fn make(self) -> Vec<u8> {
        let file = Scratch::new();
        let name = file.0.to_str().expect("a name");
        let (bits, kib) = (self.bits.to_string(), self.kib.to_string());
        let cluster = self.cluster.to_string();
        let made = tool(
            "mkfs.vfat",
            &[
                "-F", &bits, "-s", &cluster, "-i", "12345678", "-C", name, &kib,
            ],
        );
        assert!(made.status.success(), "{made:?}");
        fs::read(&file.0).expect("the volume")
    }
}

/// A disk that is a volume.
pub struct Volume {
    pub disk: FakeDisk,
}

impl Volume {
    pub fn new(image: Vec<u8>) -> Self {
        Self {
            disk: FakeDisk::new(image),
        }
    }

    /// The machine's disks.
    pub fn disks(&self) -> Vec<Disk> {
        vec![Disk {
            interface: "virtio",
            index: 0,
            path: String::new(),
            device: Box::new(self.disk.clone()),
        }]
    }

    pub fn write(&self, path: &str, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        storage::write(&mut self.disks(), VOLUME, path, offset, bytes, &mut || true)
    }

    pub fn create_directory(&self, path: &str) -> Result<(), StorageError> {
        storage::create_directory(&mut self.disks(), VOLUME, path)
    }

    pub fn remove(&self, path: &str) -> Result<(), StorageError> {
        storage::remove(&mut self.disks(), VOLUME, path)
    }

    pub fn read(&self, path: &str) -> Result<Vec<u8>, StorageError> {
        let mut disks = self.disks();
        let file = storage::open_on(&mut disks, VOLUME, path)?;
        let mut bytes = vec![0; usize::try_from(file.size()).expect("a small file")];
        file.read_at(&mut disks, 0, &mut bytes)?;
        Ok(bytes)
    }

    /// Returns what fsck.vfat has against the volume, line by line, without its greeting and its
    /// summary.
    pub fn complaints(&self) -> Vec<String> {
        let file = Scratch::new();
        fs::write(&file.0, self.disk.content()).expect("a file");
        let name = file.0.to_str().expect("a name");
        let output = tool("fsck.vfat", &["-n", name]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let text = text + &String::from_utf8_lossy(&output.stderr);
        let greetings = [
            "fsck.fat ",
            name,
            // A small FAT32 volume.
            "Warning: Filesystem is FAT32 according to",
            "  but has only ",
            "  This may lead to problems on some systems.",
        ];
        let greets = |line: &str| greetings.iter().any(|start| line.starts_with(start));
        let ours = |line: &&str| !line.trim().is_empty() && !greets(line);
        let lines: Vec<String> = text.lines().filter(ours).map(String::from).collect();
        assert_eq!(output.status.success(), lines.is_empty(), "{text}");
        lines
    }
}
