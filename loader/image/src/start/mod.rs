//! At home: composes the machine and hands it to the logic.

mod greeting;
mod ledger;

use alloc::string::ToString;

use baton_core::{
    boot::{is_left_behind, settle_initrd},
    console::Session,
    context::{BoardFacts, BoundDevice, Context, write_console},
    devicetree::{Discovery, TreeError, WorkingTree, discover_checked, insert_bank},
    env::{self, split_boot_arguments},
    machine::Machine,
};
use fdt_rs::{base::DevTree, error::DevTreeError};
use platform_api::PhysRange;
use platform_armv7::{
    cpu,
    entry::{self, EntryState},
    exception,
    guard::FaultGuard,
    inspect::{Found, Processor},
    layout,
};
use platform_drivers::{psci::Psci, timer::Timer};

use self::{
    greeting::{banner, warnings},
    ledger::{mapped_memory, memory_map, open_log},
};
use crate::{
    crash, crc_tables,
    devices::{self, Devices},
    early::EarlyInfo,
    heap, last_words,
    launcher::BoardLauncher,
    mapping::AddressSpace,
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
