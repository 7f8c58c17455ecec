//! A machine of fakes: RAM, a card, a tree, and a Ctrl-C key that gets pressed after a while.

use baton_core::{
    boot::{Claim, MemoryMap},
    context::{Context, LoadedFile},
    devicetree::{WorkingTree, check},
    env::{CAPACITY, validate_name},
    machine::{Disk, Machine},
};
use platform_api::{Console, Handoff, PhysAddr, PhysRange, PhysicalMemory};
use platform_fake::{
    CORTEX_A15, FakeClock, FakeGuard, FakeLauncher, FakeMemory, FakePower, catch_handoff,
};

use crate::{disk::SparseDisk, samples};

/// Where RAM starts.
pub const RAM: u64 = 0x4000_0000;
/// How much there is.
pub const RAM_SIZE: usize = 2 << 20;
/// The loader's own, at the top.
const OWN_SIZE: u64 = 4 << 10;
/// What the loader's memory is filled with.
const OWN_BYTE: u8 = 0xa5;
/// Where an image under test lies.
pub const LOADED: u64 = RAM + 0x8_0000;

/// Looks for input before Ctrl-C is pressed. Whatever runs must end soon after.
const PATIENCE: u32 = 20_000;

/// A console whose output nobody reads, with someone at it who loses patience.
pub struct Terminal {
    typed: std::collections::VecDeque<u8>,
    patience: u32,
}

impl Console for Terminal {
    fn write(&mut self, _bytes: &[u8]) {}

    fn read(&mut self) -> Option<u8> {
        if let Some(byte) = self.typed.pop_front() {
            return Some(byte);
        }
        self.patience = self.patience.saturating_sub(1);
        if self.patience > 0 {
            return None;
        }
        self.patience = PATIENCE;
        Some(3)
    }

    fn flush(&mut self) {}
}

/// Makes a range.
pub fn range(start: u64, size: u64) -> PhysRange {
    PhysRange::from_size(PhysAddr::new(start), size).expect("a range")
}

/// The fakes.
pub struct Bench {
    console: Terminal,
    clock: FakeClock,
    memory: FakeMemory,
    power: FakePower,
    launcher: FakeLauncher,
    disks: Vec<SparseDisk>,
}

impl Bench {
    /// Makes a machine with these disks.
    pub fn new(disks: Vec<SparseDisk>) -> Self {
        let mut memory = FakeMemory::new(RAM, RAM_SIZE);
        memory.fill(own().start().as_u64(), &[OWN_BYTE; OWN_SIZE as usize]);
        memory.own(own(), "the loader");
        Self {
            console: Terminal {
                typed: Default::default(),
                patience: PATIENCE,
            },
            // A look takes a second: `sleep` ends.
            clock: FakeClock::new(1_000_000),
            memory,
            power: FakePower::default(),
            launcher: FakeLauncher::default(),
            disks,
        }
    }

    /// Makes a machine with the sample card, and `bytes` in memory at [`LOADED`].
    pub fn loaded(bytes: &[u8]) -> Self {
        let mut bench = Self::new(samples::card());
        bench.memory.fill(LOADED, bytes);
        bench
    }

    /// Types bytes.
    pub fn typed(mut self, bytes: &[u8]) -> Self {
        self.console.typed.extend(bytes);
        self
    }

    /// Runs `body` with a context; checks what must be true after anything at all. A handoff
    /// is an end as good as another.
    ///
    /// # Panics
    /// If something that must be true is not.
    pub fn run(&mut self, loaded: usize, body: impl FnOnce(&mut Context<'_>)) {
        let disks = self.disks.iter().zip(0..).map(|(disk, index)| Disk {
            interface: "virtio",
            index,
            path: String::from("/virtio_mmio@a000000"),
            device: Box::new(disk.clone()),
        });
        let mut cx = Context::new(Machine {
            console: &mut self.console,
            clock: &self.clock,
            memory: &mut self.memory,
            disks: disks.collect(),
            power: &mut self.power,
            launcher: &mut self.launcher,
            guard: &FakeGuard,
            cpu: CORTEX_A15,
        });
        for (name, value) in [
            ("devtype", "virtio"),
            ("devnum", "0"),
            ("distro_bootpart", "1"),
            ("loadaddr", "40100000"),
            ("bootargs", "console=ttyAMA0"),
        ] {
            cx.env.set(name, value);
        }
        cx.map = MemoryMap::new(
            vec![range(RAM, RAM_SIZE as u64)],
            Vec::new(),
            vec![Claim {
                range: own(),
                owner: "image".into(),
            }],
        );
        cx.tree = Some(samples::tree());
        if loaded > 0 {
            cx.loaded.push(LoadedFile {
                path: "image".into(),
                range: range(LOADED, loaded as u64),
            });
        }
        let ended = catch_handoff(|| body(&mut cx));
        if ended.is_ok() {
            assert!(cx.shell.is_idle(), "the nesting was not put back");
        }
        assert!(cx.env.size() <= CAPACITY, "{} bytes", cx.env.size());
        for (name, value) in cx.env.iter() {
            assert_eq!(validate_name(name), Ok(()));
            assert!(!value.contains('\0'), "{name} has a NUL");
        }
        assert!(cx.map.is_ram(range(RAM, RAM_SIZE as u64)));
        if let Some(tree) = &cx.tree {
            check_written(tree);
        }
        drop(cx);
        if let Err(handed) = ended {
            self.check_handoff(&handed.0);
        }
        let own = self.memory.bytes(own()).expect("RAM");
        assert!(own.iter().all(|byte| *byte == OWN_BYTE), "overwritten");
    }

    /// What is handed over lies in RAM, and its tree is one.
    fn check_handoff(&self, handoff: &Handoff) {
        let ram = self.memory.ram();
        assert!(ram.contains(handoff.entry), "{:?}", handoff.entry);
        for clean in handoff.clean.iter() {
            assert!(ram.contains_range(clean), "{clean}");
        }
        let tree = PhysRange::new(handoff.device_tree, own().start()).expect("a tree below us");
        check(self.memory.bytes(tree).expect("RAM")).expect("a tree");
    }
}

/// The loader's own memory.
fn own() -> PhysRange {
    range(RAM + RAM_SIZE as u64 - OWN_SIZE, OWN_SIZE)
}

/// Writes a tree and reads it again: it must be the same.
///
/// # Panics
/// If it is not.
pub fn check_written(tree: &WorkingTree) {
    let written = tree.to_dtb(16).expect("a tree can be written");
    let again = WorkingTree::load(&written).expect("what was written can be read");
    assert_eq!(again.reservations(), tree.reservations());
    assert_eq!(again.boot_cpu(), tree.boot_cpu());
    assert_eq!(again.to_dtb(16).as_ref(), Ok(&written));
}
