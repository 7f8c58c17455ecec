//! A board for the tests of everything that boots: RAM, a disk with files, a tree, a launcher.

use alloc::{
    boxed::Box,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use platform_api::{Handoff, PhysAddr, PhysRange};
use platform_fake::{
    CORTEX_A15, FakeClock, FakeConsole, FakeDisk, FakeGuard, FakeInspect, FakeLauncher, FakeMemory,
    FakePower, catch_handoff,
};

use super::{Claim, MemoryMap};
use crate::{
    commands::CommandError,
    context::{Context, LoadedFile},
    devicetree::WorkingTree,
    env::Environment,
    image::zimage,
    machine::{Disk, Machine},
};

/// Where RAM starts.
pub const RAM: u64 = 0x4000_0000;
/// How much there is.
pub const RAM_SIZE: usize = 256 << 20;
/// The loader's own: the last MiB.
pub const LOADER: u64 = RAM + RAM_SIZE as u64 - (1 << 20);

pub fn range(start: u64, size: u64) -> PhysRange {
    PhysRange::from_size(PhysAddr::new(start), size).unwrap()
}

/// A board and what happened to it.
pub struct Board {
    pub console: FakeConsole,
    pub memory: FakeMemory,
    pub launcher: FakeLauncher,
    pub disk: FakeDisk,
    pub map: MemoryMap,
    pub tree: Option<WorkingTree>,
    pub loaded: Vec<LoadedFile>,
    pub bootargs: Option<String>,
    /// The processor, if commands may look into it.
    pub inspect: Option<FakeInspect>,
}

impl Board {
    /// Makes a board with these files on its card.
    pub fn new(files: &[(&str, &[u8])]) -> Self {
        let own = range(LOADER, 1 << 20);
        let mut memory = FakeMemory::new(RAM, RAM_SIZE);
        memory.own(own, "the loader");
        Self {
            console: FakeConsole::default(),
            memory,
            launcher: FakeLauncher::default(),
            disk: FakeDisk::new(card(files)),
            map: MemoryMap::new(
                vec![range(RAM, RAM_SIZE as u64)],
                vec![],
                vec![Claim {
                    range: own,
                    owner: "image".into(),
                }],
            ),
            tree: Some(tree()),
            loaded: vec![],
            bootargs: Some("console=ttyAMA0".into()),
            inspect: None,
        }
    }

    /// Reserves memory.
    pub fn reserve(&mut self, range: PhysRange, owner: &str) {
        self.memory.own(range, "reserved memory");
        let owner = owner.into();
        self.map.reserved.push(Claim { range, owner });
    }

    /// Runs `body` with a context. A handoff ends it.
    pub fn run<R>(&mut self, body: impl FnOnce(&mut Context<'_>) -> R) -> Result<R, Box<Handoff>> {
        let clock = FakeClock::default();
        let mut env = Environment::default();
        for (name, value) in [
            ("devtype", "virtio"),
            ("devnum", "0"),
            ("distro_bootpart", "1"),
        ] {
            env.set(name, value);
        }
        if let Some(bootargs) = &self.bootargs {
            env.set("bootargs", bootargs);
        }
        let mut power = FakePower::default();
        let mut cx = Context::new(Machine {
            console: &mut self.console,
            clock: &clock,
            memory: &mut self.memory,
            disks: vec![Disk {
                interface: "virtio",
                index: 0,
                path: String::new(),
                device: Box::new(self.disk.clone()),
            }],
            power: &mut power,
            launcher: &mut self.launcher,
            guard: &FakeGuard,
            cpu: CORTEX_A15,
        });
        cx.env = env;
        cx.inspect = self.inspect.as_ref().map(|inspect| inspect as _);
        cx.map = self.map.clone();
        cx.tree = self.tree.clone();
        cx.loaded = self.loaded.clone();
        catch_handoff(|| body(&mut cx)).map_err(|ended| Box::new(ended.0))
    }

    /// Runs a command line that must end in a handoff.
    pub fn boots(&mut self, line: &str) -> Handoff {
        match self.run(|cx| command(cx, line)) {
            Err(handoff) => *handoff,
            Ok(Ok(())) => panic!("{line} came back: {}", self.console.text()),
            Ok(Err(error)) => panic!("{line}: {error}"),
        }
    }

    /// Runs a command line that must succeed, and returns what it shows.
    pub fn shows(&mut self, line: &str) -> String {
        match self.run(|cx| command(cx, line)) {
            Err(_) => panic!("{line} was handed over"),
            Ok(Err(error)) => panic!("{line}: {error}"),
            Ok(Ok(())) => self.console.take_text().replace('\r', ""),
        }
    }

    /// Runs a command line that must be refused, with nothing written but to free memory;
    /// returns the reason.
    pub fn refuses(&mut self, line: &str) -> String {
        let tree = self.tree.as_ref().map(|tree| tree.to_dtb(0).unwrap());
        let ended = self.run(|cx| {
            let result = command(cx, line);
            assert_eq!(tree, cx.tree.as_ref().map(|tree| tree.to_dtb(0).unwrap()));
            result
        });
        match ended {
            Err(_) => panic!("{line} was handed over"),
            Ok(Ok(())) => panic!("{line} was not refused"),
            Ok(Err(error)) => error.to_string(),
        }
    }

    /// Returns RAM.
    pub fn ram(&self, range: PhysRange) -> Vec<u8> {
        use platform_api::PhysicalMemory;
        self.memory.bytes(range).unwrap().to_vec()
    }

    /// Returns the tree at an address.
    pub fn tree_at(&self, address: PhysAddr) -> WorkingTree {
        let header = self.ram(PhysRange::from_size(address, 40).unwrap());
        let size = crate::devicetree::blob_size(&header).unwrap() as u64;
        WorkingTree::load(&self.ram(PhysRange::from_size(address, size).unwrap())).unwrap()
    }
}

/// Runs a command line of this module's commands.
pub fn command(cx: &mut Context<'_>, line: &str) -> Result<(), CommandError> {
    let words: Vec<&str> = line.split(' ').collect();
    let found = crate::commands::COMMANDS
        .iter()
        .find(|command| command.name == words[0])
        .unwrap();
    (found.run)(cx, &words)
}

/// Bytes that tell where they are.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at ^ (at >> 8) ^ (at >> 16)).to_le_bytes()[0])
        .collect()
}

/// Writes a word.
pub fn put(bytes: &mut [u8], offset: usize, value: u32) {
    bytes[offset..offset + 4].copy_from_slice(&value.to_le_bytes());
}

/// Makes a zImage of `length` bytes that inflates to `inflated`, with BSS 0x1000.
pub fn zimage(length: usize, inflated: u32, text_offset: u32) -> Vec<u8> {
    let mut bytes = pattern(length);
    put(&mut bytes, zimage::MAGIC_OFFSET, zimage::MAGIC);
    put(&mut bytes, zimage::START_OFFSET, 0);
    put(
        &mut bytes,
        zimage::END_OFFSET,
        u32::try_from(length).unwrap(),
    );
    put(&mut bytes, zimage::ENDIAN_OFFSET, zimage::ENDIAN_LITTLE);
    put(&mut bytes, zimage::TABLE_MAGIC_OFFSET, zimage::TABLE_MAGIC);
    // Beyond the head, and crossing no block.
    put(&mut bytes, zimage::TABLE_OFFSET, 0xc20);
    let size_word = u32::try_from(length).unwrap() - 7;
    let table = [
        6,
        zimage::TAG_KLSZ,
        size_word,
        0x1000,
        text_offset,
        0x1_0000,
        0,
    ];
    for (index, word) in table.into_iter().enumerate() {
        put(&mut bytes, 0xc20 + 4 * index, word);
    }
    put(&mut bytes, length - 7, inflated);
    bytes
}

/// Makes a tree with /memory and /chosen.
pub fn tree() -> WorkingTree {
    let mut blob = vec![0; 72];
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
        0, // reservations
        1,
        0,
        2,
        9, // an empty root
    ];
    for (place, word) in blob.chunks_exact_mut(4).zip(words) {
        place.copy_from_slice(&word.to_be_bytes());
    }
    let mut tree = WorkingTree::load(&blob).unwrap();
    let root = tree.root();
    tree.set_property(root, "#address-cells", &[0, 0, 0, 2])
        .unwrap();
    tree.set_property(root, "#size-cells", &[0, 0, 0, 2])
        .unwrap();
    let chosen = tree.make_node(root, "chosen").unwrap();
    tree.set_property(chosen, "bootargs", b"old\0").unwrap();
    let memory = tree.make_node(root, "memory@40000000").unwrap();
    tree.set_property(memory, "device_type", b"memory\0")
        .unwrap();
    let mut reg = RAM.to_be_bytes().to_vec();
    reg.extend((RAM_SIZE as u64).to_be_bytes());
    tree.set_property(memory, "reg", &reg).unwrap();
    tree
}

/// Makes a card: a boot record, and a FAT16 volume of 48 MiB with these files at its root,
/// 8.3 names, each contiguous.
fn card(files: &[(&str, &[u8])]) -> Vec<u8> {
    const SECTOR: usize = 512;
    const CLUSTER: usize = 4096;
    const FAT_SECTORS: usize = 48;
    const START: usize = 2048;
    let sectors: usize = 96 << 10;
    let mut card = vec![0; (START + sectors) * SECTOR];
    card[0x1be] = 0x80;
    card[0x1c2] = 0x0e;
    put(&mut card, 0x1c6, u32::try_from(START).unwrap());
    put(&mut card, 0x1ca, u32::try_from(sectors).unwrap());
    card[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);

    let volume = &mut card[START * SECTOR..];
    volume[..3].copy_from_slice(&[0xeb, 0x3c, 0x90]);
    volume[3..11].copy_from_slice(b"mkfs.fat");
    volume[11..13].copy_from_slice(&[0, 2]);
    volume[13] = 8;
    volume[14..16].copy_from_slice(&[1, 0]);
    volume[16] = 1;
    volume[17..19].copy_from_slice(&[0, 2]);
    volume[21] = 0xf8;
    volume[22..24].copy_from_slice(&[48, 0]);
    put(volume, 32, u32::try_from(sectors).unwrap());
    volume[38] = 0x29;
    volume[54..62].copy_from_slice(b"FAT16   ");
    volume[510..512].copy_from_slice(&[0x55, 0xaa]);

    let (fat, root) = (SECTOR, SECTOR * (1 + FAT_SECTORS));
    let data = root + 512 * 32;
    volume[fat..fat + 4].copy_from_slice(&[0xf8, 0xff, 0xff, 0xff]);
    let mut next = 2_usize;
    for (index, (name, content)) in files.iter().enumerate() {
        let entry = &mut volume[root + 32 * index..][..32];
        let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
        entry[..11].fill(b' ');
        for (place, byte) in entry[..8].iter_mut().zip(stem.bytes()) {
            *place = byte.to_ascii_uppercase();
        }
        for (place, byte) in entry[8..11].iter_mut().zip(extension.bytes()) {
            *place = byte.to_ascii_uppercase();
        }
        entry[11] = 0x20;
        let clusters = content.len().div_ceil(CLUSTER);
        let first = if clusters == 0 { 0 } else { next };
        entry[26..28].copy_from_slice(&u16::try_from(first).unwrap().to_le_bytes());
        put(entry, 28, u32::try_from(content.len()).unwrap());
        for cluster in next..next + clusters {
            let last = cluster + 1 == next + clusters;
            let link = if last {
                0xffff
            } else {
                u16::try_from(cluster + 1).unwrap()
            };
            volume[fat + 2 * cluster..][..2].copy_from_slice(&link.to_le_bytes());
        }
        volume[data + (next - 2) * CLUSTER..][..content.len()].copy_from_slice(content);
        next += clusters;
    }
    card
}
