//! Disks, images and a machine for the tests of storage and its commands.

use alloc::{boxed::Box, collections::BTreeMap, rc::Rc, string::String, vec, vec::Vec};
use core::cell::{Cell, RefCell};

use hadris_fat::{FatKind, FatOptions, embedded, sync::format};
use hadris_fs::OpenOptions;
use platform_api::{
    BlockDevice, BlockError, BlockInfo, Clock, Console, CpuFacts, CpuMode, Fault, FaultKind, Guard,
    Handoff, HandoffRefusal, Launcher, MemoryError, PhysAddr, PhysRange, PhysicalMemory, Power,
    PowerError, Width,
};

use crate::{
    boot::MemoryMap,
    context::Context,
    env::Environment,
    machine::{Disk, Machine},
};

/// What a disk was asked: first byte and bytes, of each request.
pub type Requests = Rc<RefCell<Vec<(u64, u64)>>>;

/// A disk in memory, with bytes replaced and requests noted.
#[derive(Clone)]
pub struct TestDisk {
    image: Rc<Vec<u8>>,
    edits: BTreeMap<u64, u8>,
    block_size: u32,
    pub requests: Requests,
    /// Fails requests that touch this block.
    pub broken: Option<u64>,
}

impl TestDisk {
    pub fn new(image: impl Into<Rc<Vec<u8>>>) -> Self {
        Self {
            image: image.into(),
            edits: BTreeMap::new(),
            block_size: 512,
            requests: Requests::default(),
            broken: None,
        }
    }

    pub fn with_block_size(mut self, size: u32) -> Self {
        self.block_size = size;
        self
    }

    /// Replaces bytes.
    pub fn edit(&mut self, offset: u64, bytes: &[u8]) {
        self.edits.extend((offset..).zip(bytes.iter().copied()));
    }
}

impl BlockDevice for TestDisk {
    fn info(&self) -> BlockInfo {
        BlockInfo {
            block_size: self.block_size,
            blocks: self.image.len() as u64 / u64::from(self.block_size),
            read_only: true,
        }
    }

    fn read_blocks(&mut self, first: u64, buffer: &mut [u8]) -> Result<(), BlockError> {
        let count = BlockError::check(self.info(), first, buffer.len())?;
        let offset = first * u64::from(self.block_size);
        let length = buffer.len() as u64;
        self.requests.borrow_mut().push((offset, length));
        if self
            .broken
            .is_some_and(|at| (first..first + count).contains(&at))
        {
            return Err(BlockError::Device { first, status: 1 });
        }
        let start = usize::try_from(offset).unwrap();
        buffer.copy_from_slice(&self.image[start..start + buffer.len()]);
        for (&at, &byte) in self.edits.range(offset..offset + length) {
            buffer[usize::try_from(at - offset).unwrap()] = byte;
        }
        Ok(())
    }

    fn write_blocks(&mut self, _first: u64, _buffer: &[u8]) -> Result<(), BlockError> {
        Err(BlockError::ReadOnly)
    }
}

/// Bytes that tell where they are.
pub fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|at| (at ^ (at >> 8) ^ (at >> 16)).to_le_bytes()[0])
        .collect()
}

/// Makes a FAT volume with these files; a name that ends in `/` is a directory.
pub fn fat_image(kind: FatKind, size: usize, cluster: u32, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut image = vec![0_u8; size];
    let options = FatOptions::new().with_kind(kind).with_cluster_size(cluster);
    format(&mut image, &options).unwrap();
    let mut token = embedded::MountToken::new();
    let mut fat: embedded::sync::Fat<'_, _> =
        embedded::sync::Fat::mount(&mut image, &mut token).unwrap();
    for (path, content) in files {
        let (parents, name) = path
            .trim_end_matches('/')
            .rsplit_once('/')
            .unwrap_or(("", path));
        let mut dir = fat.root();
        for parent in parents.split('/').filter(|name| !name.is_empty()) {
            dir = fat.open_dir(dir, parent).unwrap();
        }
        if path.ends_with('/') {
            fat.create_dir(dir, name.trim_end_matches('/')).unwrap();
            continue;
        }
        let options = OpenOptions::new().write().create_new();
        let file = fat.open(dir, name, options).unwrap();
        let mut rest: &[u8] = content;
        while !rest.is_empty() {
            let written = fat.write(&file, rest).unwrap();
            rest = &rest[written..];
        }
        fat.close(file).unwrap();
    }
    fat.unmount().unwrap();
    image
}

/// Puts a volume on a disk with an MBR, as partition 1 from block 2048 on, bootable FAT32.
pub fn with_mbr(volume: &[u8]) -> Vec<u8> {
    let mut disk = vec![0; 2048 * 512];
    disk[0x1b8..0x1bc].copy_from_slice(&0x1234_5678_u32.to_le_bytes());
    put_partition(&mut disk, 0, 0x80, 0x0c, 2048, volume.len() / 512);
    disk[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    disk.extend_from_slice(volume);
    disk
}

/// Writes an entry of the boot record in `block`.
pub fn put_partition(block: &mut [u8], index: usize, flag: u8, kind: u8, first: u32, count: usize) {
    let entry = &mut block[0x1be + 16 * index..][..16];
    entry[0] = flag;
    entry[4] = kind;
    entry[8..12].copy_from_slice(&first.to_le_bytes());
    entry[12..].copy_from_slice(&u32::try_from(count).unwrap().to_le_bytes());
}

/// A machine whose console, clock and memory a test can look at afterwards.
pub struct Bench {
    pub typed: Vec<u8>,
    pub output: String,
    pub ram: Vec<u8>,
    pub env: Environment,
    pub map: MemoryMap,
    /// Microseconds a look at the clock takes.
    pub tick: u64,
    disks: Vec<TestDisk>,
}

/// Where the machine's 16 MiB of RAM start.
pub const RAM: u64 = 0x4000_0000;
/// The end of RAM belongs to somebody: 1 MiB.
pub const OWNED: u64 = RAM + (15 << 20);

impl Bench {
    pub fn new(disks: Vec<TestDisk>) -> Self {
        let range = |start, end| PhysRange::new(PhysAddr::new(start), PhysAddr::new(end)).unwrap();
        Self {
            typed: Vec::new(),
            output: String::new(),
            ram: vec![0; 16 << 20],
            env: Environment::default(),
            map: MemoryMap {
                ram: vec![range(RAM, RAM + (16 << 20))],
                reserved: Vec::new(),
                loader: vec![crate::boot::Claim {
                    range: range(OWNED, RAM + (16 << 20)),
                    owner: "loader".into(),
                }],
                ..MemoryMap::default()
            },
            tick: 10,
            disks,
        }
    }

    /// Runs `body` with a context, and keeps what it left.
    pub fn run<R>(&mut self, body: impl FnOnce(&mut Context<'_>) -> R) -> R {
        let mut console = TestConsole {
            typed: core::mem::take(&mut self.typed).into(),
            output: Vec::new(),
        };
        let clock = TestClock(Cell::new(0), self.tick);
        let mut memory = TestMemory(&mut self.ram);
        let disk = |(index, disk): (u32, &TestDisk)| Disk {
            interface: "virtio",
            index,
            path: alloc::format!("/virtio_mmio@{index}"),
            device: Box::new(disk.clone()),
        };
        let (mut power, mut launcher) = (Nothing, Nothing);
        let mut cx = Context::new(Machine {
            console: &mut console,
            clock: &clock,
            memory: &mut memory,
            disks: (0..).zip(&self.disks).map(disk).collect(),
            power: &mut power,
            launcher: &mut launcher,
            guard: &Nothing,
            cpu: CPU,
        });
        cx.env = core::mem::take(&mut self.env);
        cx.map = self.map.clone();
        let result = body(&mut cx);
        self.env = cx.env;
        self.output = String::from_utf8(console.output)
            .unwrap()
            .replace("\r\n", "\n");
        result
    }
}

const CPU: CpuFacts = CpuFacts {
    mode: CpuMode::Hypervisor,
    name: "test",
    id: 0,
    affinity: 0,
    cache_line: 64,
    caches_on: true,
};

struct TestConsole {
    typed: alloc::collections::VecDeque<u8>,
    output: Vec<u8>,
}

impl Console for TestConsole {
    fn write(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    fn read(&mut self) -> Option<u8> {
        self.typed.pop_front()
    }

    fn flush(&mut self) {}
}

struct TestClock(Cell<u64>, u64);

impl Clock for TestClock {
    fn ticks(&self) -> u64 {
        self.0.set(self.0.get() + self.1);
        self.0.get()
    }

    fn frequency(&self) -> u32 {
        1_000_000
    }
}

struct TestMemory<'a>(&'a mut [u8]);

impl TestMemory<'_> {
    fn slot(&self, range: PhysRange) -> Result<core::ops::Range<usize>, MemoryError> {
        let start = range.start().as_u64().checked_sub(RAM);
        start
            .and_then(|start| usize::try_from(start).ok())
            .map(|start| start..start + usize::try_from(range.size()).unwrap())
            .filter(|slot| slot.end <= self.0.len())
            .ok_or(MemoryError::NotRam(range))
    }
}

impl PhysicalMemory for TestMemory<'_> {
    fn bytes(&self, range: PhysRange) -> Result<&[u8], MemoryError> {
        Ok(&self.0[self.slot(range)?])
    }

    fn bytes_mut(&mut self, range: PhysRange) -> Result<&mut [u8], MemoryError> {
        let slot = self.slot(range)?;
        if range.end().as_u64() > OWNED {
            return Err(MemoryError::Owned {
                range,
                by: PhysRange::from_size(PhysAddr::new(OWNED), 1 << 20).unwrap(),
                owner: "loader",
            });
        }
        Ok(&mut self.0[slot])
    }

    fn read(&self, address: PhysAddr, _width: Width) -> Result<u64, MemoryError> {
        Err(MemoryError::Unaddressable(address))
    }

    fn write(&mut self, address: PhysAddr, _: Width, _: u64) -> Result<(), MemoryError> {
        Err(MemoryError::Unaddressable(address))
    }

    fn keep(&mut self, _: PhysRange, _: &'static str) {
        unreachable!()
    }

    fn release(&mut self, _: PhysRange) {
        unreachable!()
    }
}

/// Power, launcher and guard that are never used.
struct Nothing;

impl Power for Nothing {
    fn reset(&mut self) -> PowerError {
        PowerError::NoMethod
    }

    fn power_off(&mut self) -> PowerError {
        PowerError::NoMethod
    }
}

impl Launcher for Nothing {
    fn check(&mut self, _: &Handoff) -> Result<(), HandoffRefusal> {
        unreachable!()
    }

    fn hand_off(&mut self, _: Handoff) -> ! {
        unreachable!()
    }

    fn call(&mut self, _: PhysAddr, _: &[&str]) -> u32 {
        unreachable!()
    }
}

impl Guard for Nothing {
    fn run(&self, body: &mut dyn FnMut()) -> Result<(), Fault> {
        body();
        Ok(())
    }

    fn provoke(&self, _: FaultKind) {
        unreachable!()
    }
}
