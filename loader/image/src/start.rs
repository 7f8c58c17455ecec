//! At home: composes the machine and hands it to the logic.

use alloc::string::{String, ToString};
use core::fmt::Write;

use baton_core::{
    boot::{Claim, FIRST_STAGE_INITRD, MemoryMap, is_left_behind, settle_initrd},
    console::Session,
    context::{BoardFacts, BoundDevice, Context, write_console},
    devicetree::{Discovery, TreeError, WorkingTree, discover_checked, insert_bank},
    env::{self, split_boot_arguments},
    log::{self, Log, find_page},
    machine::Machine,
};
use fdt_rs::{base::DevTree, error::DevTreeError};
use platform_api::PhysRange;
use platform_armv7::{
    cpu,
    entry::{self, EntryState, Way},
    exception,
    guard::FaultGuard,
    inspect::{Found, Processor},
    layout,
};
use platform_drivers::{psci::Psci, timer::Timer};

use crate::{
    crash, crc_tables,
    devices::{self, Devices},
    early::EarlyInfo,
    heap, last_words,
    launcher::{self, BoardLauncher},
    mapping::AddressSpace,
    memory::{MappedMemory, Owned},
    monitor::{self, Resident},
    power::BoardPower,
    self_check,
};

/// Runs the loader. Called by entry.S at home, with MMU and caches off and BSS zeroed.
///
/// # Safety
/// Called once, with what `baton_choose_home` wrote and the state it was given.
#[unsafe(no_mangle)]
unsafe extern "C" fn baton_main(info: *const EarlyInfo, state: *const EntryState) -> ! {
    // SAFETY: entry.S passes what it and `baton_choose_home` wrote. Copied, because the old
    // copy's memory is nobody's from here on: `load` may write there.
    let (mut info, state) = unsafe { (info.read(), &state.read()) };
    entry::install_vectors();
    let pages = monitor::pages(&mut info, state);
    let info = &info;
    let before = &Found::capture(state);
    before.settle();
    let checked = self_check::run();
    exception::set_recovery_check(heap::recovery_check);
    let Some(blob) = tree_bytes(info) else {
        last_words::no_tree(info.given);
    };
    // SAFETY: entry.S calls once, MMU off; the banks come from the checked tree.
    let space = unsafe {
        let (memory, tree) = (&info.memory, info.tree.unwrap_or_default());
        AddressSpace::new(&memory.banks, &memory.no_map, info.home, tree)
    };
    let mut space = match space {
        Ok(space) => space,
        Err(error) => last_words::say(None, blob, format_args!("{error}")),
    };
    // SAFETY: mapped just now, behind everything the linker script places.
    unsafe {
        heap::init(PhysRange::new(layout::image().end(), info.home.end()).unwrap_or_default())
    };
    // SAFETY: once, and the first checksum is the log's, in `run`.
    unsafe { crc_tables::make() };
    let (tree, mut found) = match read_tree(blob, info) {
        Ok(read) => read,
        Err(error) => last_words::say(Some(&mut space), blob, format_args!("{error}")),
    };
    map_devices(&mut space, &found);
    // SAFETY: the nodes' windows were mapped just now; nothing else drives a timer.
    let Some(clock) = (unsafe { devices::clock(&found) }) else {
        let what = "no generic timer, and no SP804 whose clock is known";
        last_words::say(Some(&mut space), blob, format_args!("{what}"));
    };
    // SAFETY: the nodes' windows were mapped just now; nothing else drives the console.
    let Some(console) = (unsafe { devices::console(&found) }) else {
        // No UART that can be used, so there is nobody to tell.
        last_words::park();
    };
    crash::set_uart(console.raw);
    checked.say(crash::write);
    // An abort that the caller left pending is taken and reported here, not by a command.
    let _ = platform_api::Guard::run(&FaultGuard, &mut || {});
    let timer = clock.0;
    // SAFETY: every window was mapped just now; the console is taken out of what is bound.
    let mut devices = unsafe { devices::bind(&found, clock, console) };
    // SAFETY: every window was mapped; nothing else uses the devices yet.
    let resident = unsafe { monitor::settle(&mut found, &tree, pages) }.unwrap_or_else(|error| {
        devices.failures.push(("Baton's monitor".into(), error));
        Resident::default()
    });
    run(
        info,
        (state, before),
        tree,
        &found,
        timer,
        devices,
        resident,
    )
}

/// Borrows the tree where the first stage left it.
fn tree_bytes(info: &EarlyInfo) -> Option<&'static [u8]> {
    let range = info.tree?;
    let start = range.start().as_u32()?;
    let size = usize::try_from(range.size()).ok()?;
    // SAFETY: `baton_choose_home` read the tree there and kept the home off it; it is RAM,
    // mapped, and nothing is written before the copy is taken.
    Some(unsafe { core::slice::from_raw_parts(start as *const u8, size) })
}

/// Opens a checked blob for fdt-rs.
fn open_tree(blob: &[u8]) -> Result<DevTree<'_>, DevTreeError> {
    // SAFETY: `OpenTree`'s contract: checked, aligned to 4 bytes, no longer than its totalsize.
    unsafe { DevTree::new(blob) }
}

fn read_tree(blob: &[u8], info: &EarlyInfo) -> Result<(WorkingTree, Discovery), TreeError> {
    let (mut tree, checked) = WorkingTree::load_checked(blob)?;
    tree.set_source(info.tree.map(|range| range.start()));
    let mut found = discover_checked(&checked, open_tree)?;
    if found.memory.is_empty() {
        for bank in &info.memory.banks {
            insert_bank(&mut found.memory, *bank);
        }
    }
    Ok((tree, found))
}

/// Maps every device's registers.
fn map_devices(space: &mut AddressSpace, found: &Discovery) {
    let in_ram = |window: PhysRange| found.memory.iter().any(|bank| bank.overlaps(window));
    // The console first: what is left over when the tables are used up can be told.
    let consoles = devices::consoles(found).take(1);
    for window in consoles
        .chain(&found.devices)
        .flat_map(|device| &device.reg)
    {
        if !in_ram(*window) {
            // A window above 4 GiB, or one too many, stays unmapped: using it faults and is
            // reported.
            let _ = space.map_device(*window);
        }
    }
    space.commit();
}

/// Makes the ledger: RAM, what the tree reserves, the loader.
fn memory_map(
    info: &EarlyInfo,
    found: &Discovery,
    initrd: Option<PhysRange>,
    monitor: Option<PhysRange>,
) -> MemoryMap {
    let reserved = found
        .reservations
        .iter()
        .map(|reservation| Claim {
            range: reservation.range,
            owner: reservation.name.clone(),
        })
        .chain(unmapped(info, found, monitor))
        .collect();
    let loader = alloc::vec![Claim {
        range: info.home,
        owner: "Baton".into(),
    }];
    let mut map = MemoryMap::new(found.memory.clone(), reserved, loader);
    map.initrd = initrd.filter(|initrd| map.is_ram(*initrd));
    map
}

/// Claims what is not mapped and yet nobody's: what lies between two no-map ranges, where there
/// were too many of them before the tree was read.
fn unmapped(
    info: &EarlyInfo,
    found: &Discovery,
    monitor: Option<PhysRange>,
) -> impl Iterator<Item = Claim> {
    let joined = info.memory.no_map.iter().filter(|range| {
        let mut known = found.reservations.iter();
        !known.any(|reservation| reservation.range.contains_range(**range))
    });
    joined.map(move |range| Claim {
        range: *range,
        owner: if Some(*range) == monitor {
            "Baton's monitor"
        } else {
            "no-map"
        }
        .into(),
    })
}

/// Makes the memory that slices and writes are granted in, after the same ledger. The log's page
/// is the loader's while it runs.
fn mapped_memory(map: &MemoryMap, log: Option<PhysRange>) -> MappedMemory {
    let log = log.map(|range| Owned {
        range,
        owner: "Baton's log",
        loader: true,
    });
    let reserved = map.reserved.iter().map(|claim| Owned {
        range: claim.range,
        owner: "reserved memory",
        loader: false,
    });
    let own = map.loader.iter().map(|claim| Owned {
        range: claim.range,
        owner: "Baton itself",
        loader: true,
    });
    MappedMemory {
        ram: map.ram.clone(),
        owned: own.chain(log).chain(reserved).collect(),
    }
}

fn run(
    info: &EarlyInfo,
    (state, before): (&EntryState, &Found),
    tree: WorkingTree,
    found: &Discovery,
    clock: Timer,
    mut devices: Devices,
    resident: Resident,
) -> ! {
    let processor = Processor {
        found: before,
        active_interrupt: devices.quiesce.active_interrupt(),
    };
    let tree_at = info.tree.unwrap_or_default();
    let left_behind = |initrd: &PhysRange| before.by_kernel && is_left_behind(*initrd, tree_at);
    let initrd = found.initrd.filter(|initrd| !left_behind(initrd));
    let mut map = memory_map(info, found, initrd, resident.pages);
    let log = open_log(&mut map, info, found);
    let mut memory = mapped_memory(&map, log.page());
    settle_initrd(&mut map, &mut memory, tree_at);
    let psci = devices::psci(found);
    let mut power = BoardPower { psci, found, clock };
    let mut launcher = BoardLauncher {
        psci,
        cpus: found.cpus.clone(),
        quiesce: devices.quiesce,
        keeper: devices.keeper,
        uart: devices.raw_uart,
        log: log.page().unwrap_or_default(),
    };
    let mut console = devices.console;
    let warnings = warnings((state, &processor), info, map.initrd, &devices.failures);
    write_console(&mut console, &warnings);
    let mut cx = Context::new(Machine {
        console: &mut console,
        clock: &clock,
        memory: &mut memory,
        disks: devices.disks,
        power: &mut power,
        launcher: &mut launcher,
        guard: &FaultGuard,
        cpu: cpu::facts(),
    });
    cx.inspect = Some(&processor);
    cx.rtc = devices.rtc;
    cx.watchdogs = devices.watchdogs;
    cx.map = map;
    cx.tree = Some(tree);
    cx.model.clone_from(&found.model);
    if found.psci.is_some() {
        let ours = resident.pages.is_some();
        devices.bound.push(BoundDevice {
            path: if ours {
                "psci (Baton's monitor)"
            } else {
                "psci"
            }
            .into(),
            class: "firmware",
            driver: "psci",
            active: true,
        });
    }
    cx.board = BoardFacts {
        tree_address: info.tree.map(|range| range.start()),
        console: devices.console_path,
        line: devices.line,
        line_wanted: devices.line_wanted,
        psci: found.psci,
        psci_version: psci.as_ref().and_then(|psci| Psci::version(psci).ok()),
        entered_at: Some(state.load_address.into()),
        devices: devices.bound,
        monitor: resident.pages,
        started: resident.started,
    };
    cx.log = log;
    banner(&mut cx);
    begin_log(&mut cx, state, &warnings);
    set_variables(&mut cx, found);
    Session::default().run(&mut cx)
}

/// Says who this is and what it found, in U-Boot's shape.
fn banner(cx: &mut Context<'_>) {
    let bytes: u64 = cx.map.ram.iter().map(|bank| bank.size()).sum();
    let (build, cpu) = (cx.build, cx.machine.cpu);
    let model = core::mem::take(&mut cx.model);
    let _ = writeln!(
        cx,
        "\n{build}\n\nCPU:   {} in {} mode\nModel: {model}\nDRAM:  {} MiB",
        cpu.name,
        cpu.mode,
        bytes >> 20
    );
    cx.model = model;
}

/// Returns what the user should know before anything else.
fn warnings(
    (state, processor): (&EntryState, &Processor<'_>),
    info: &EarlyInfo,
    initrd: Option<PhysRange>,
    failures: &[(String, String)],
) -> String {
    let mut lines = String::new();
    if let Some(text) = launcher::degraded(cpu::mode()) {
        let _ = writeln!(lines, "{text}");
    }
    if !cpu::has_long_descriptors() {
        lines.push_str("no long page-table descriptors: MMU and data cache stay off\n");
    }
    taken_over(processor, &mut lines);
    if info.searched {
        let at = info.tree.map(|range| range.start()).unwrap_or_default();
        let _ = match info.given {
            Some(given) => writeln!(
                lines,
                "no device tree at {given:#010x}: using the one found at {at}"
            ),
            None => writeln!(
                lines,
                "no device tree was given: using the one found at {at}"
            ),
        };
    }
    if info.assumed {
        let _ = writeln!(
            lines,
            "no memory in the device tree: using a part; U-Boot's `go ADDR FDT START SIZE` says it"
        );
    }
    if info.home.start() == state.load_address.into() {
        let _ = writeln!(
            lines,
            "no room at the top of low memory: staying at {}",
            info.home
        );
    }
    if let Some(initrd) = initrd {
        let _ = writeln!(
            lines,
            "{FIRST_STAGE_INITRD} at {initrd}: bootz uses it where no other is named"
        );
    }
    for (path, reason) in failures {
        let _ = writeln!(lines, "{path}: {reason}");
    }
    lines
}

/// Finds the page that the log survives in, claims it, and takes what an earlier boot left there.
fn open_log(map: &mut MemoryMap, info: &EarlyInfo, found: &Discovery) -> Log<'static> {
    let taken = [
        info.tree.unwrap_or_default(),
        found.initrd.unwrap_or_default(),
    ];
    let Some((page, reserved)) = find_page(map, &found.reservations, &taken) else {
        return Log::default();
    };
    let Some(start) = page.start().as_u32() else {
        return Log::default();
    };
    if !reserved {
        map.reserved.push(Claim {
            range: page,
            owner: "baton-log".into(),
        });
    }
    // SAFETY: `find_page` gave a page of RAM that nobody owns, mapped like all of it; it is
    // claimed, and `mapped_memory` lends no part of it out, so this stays the only reference.
    let bytes = unsafe { &mut *(start as *mut [u8; log::SIZE]) };
    // What is no log is nothing to complain about: that is how memory looks after power-on.
    Log::open(bytes, page).0
}

/// Begins this boot's part of the log.
fn begin_log(cx: &mut Context<'_>, state: &EntryState, warnings: &str) {
    let (count, build, mode) = (cx.log.count(), cx.build, cx.machine.cpu.mode);
    let (at, tree) = (
        state.load_address,
        cx.board.tree_address.unwrap_or_default(),
    );
    cx.log.record(format_args!(
        "boot {count}: {build}\nentered at {at:#010x} in {mode}, tree at {tree}\n{warnings}"
    ));
    cx.log.store();
}

/// Says in one line what a former owner of HYP left that no payload is owed.
fn taken_over(processor: &Processor<'_>, lines: &mut String) {
    if processor.found.way == Way::Stub as u32 {
        let _ = writeln!(lines, "entered in SVC; taken to HYP by the stub there");
    }
    if processor.found.way == Way::OwnMonitor as u32 {
        let _ = writeln!(lines, "entered in secure SVC; in HYP by Baton's monitor");
    }
    let undone = processor.found.undone();
    let active = processor.active_interrupt;
    if undone.is_empty() && active.is_none() {
        return;
    }
    let _ = write!(lines, "undone of a former owner: {undone}");
    if let Some(interrupt) = active {
        let _ = write!(lines, " GIC={interrupt} active");
    }
    let _ = writeln!(lines, " (`hyp entry`)");
}

/// Sets what the hardware says, loads what was saved over it, and over that sets what the first
/// stage says.
fn set_variables(cx: &mut Context<'_>, found: &Discovery) {
    if let Some(disk) = cx.machine.disks.first() {
        cx.env.give("devtype", disk.interface);
        cx.env.give("devnum", &disk.index.to_string());
    }
    if let Some(initrd) = cx.map.initrd {
        let place = alloc::format!("{:x}:{:x}", initrd.start().as_u64(), initrd.size());
        cx.env.give("initrdfile", &place);
    }
    let arguments = split_boot_arguments(found.bootargs.as_deref().unwrap_or_default());
    if found.bootargs.is_some() {
        cx.env.give("bootargs", &arguments.rest);
    }
    env::start(cx, &arguments.variables);
    if let Some(address) = cx.board.tree_address {
        // Behind what was saved: the tree lies where it lies now.
        let address = alloc::format!("{:x}", address.as_u64());
        cx.env.give("fdtcontroladdr", &address);
    }
}
