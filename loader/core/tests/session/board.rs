//! What the board has: its tree in memory, its clock, its drivers, its memory.

use baton_core::{context::BoundDevice, watchdog::WatchdogDevice};
use platform_api::{Line, PhysAddr, PhysRange, PowerError};
use platform_fake::{FakeConsole, FakeRtc, FakeWatchdog, PowerCall, WatchdogCall};

use crate::{
    bench::{Bench, RAM, RAM_SIZE, outputs_in, outputs_on},
    common::Blob,
};

#[test]
fn a_tree_is_edited_where_it_lies() {
    let mut bench = Bench::new(FakeConsole::default());
    let blob = Blob::default()
        .begin("")
        .text("model", "A Board")
        .begin("chosen")
        .end()
        .end()
        .build();
    bench.memory.fill(0x4010_0000, &blob);
    let lines = [
        "fdt print",
        "fdt addr 40100000",
        "fdt set /chosen bootargs quiet",
        "fdt resize; fdt set /chosen bootargs quiet",
        // What is there now is what was edited.
        "fdt addr -q 40100000; fdt print",
        "fdt get addr at /chosen bootargs; md.b ${at} 6",
        "fdt header get size totalsize; echo $size",
        "fdt rsvmem add 47000000 1000; fdt rsvmem print",
        "fdt rsvmem delete 1",
        "fdt move 40100000 40200000 2000; fdt addr",
        "fdt rm /chosen; fdt list; fdt addr 40100000; fdt list",
        "fdt addr 40300000",
        "fdt apply 40200000",
        "fdt resize ffffffff",
        "fdt bootcpu 2; fdt memory 40000000 10000000; fdt print /memory@40000000; fdt header",
    ];
    let shown = outputs_on(&mut bench, &lines);
    assert!(shown[0].ends_with("command.\nAborting!\n"), "{}", shown[0]);
    assert_eq!(shown[1], "Working FDT set to 40100000\n");
    assert!(
        shown[2].starts_with("libfdt: FDT_ERR_NOSPACE\n"),
        "{}",
        shown[2]
    );
    assert_eq!(shown[3], "");
    let tree = "/ {\n\tmodel = \"A Board\";\n\tchosen {\n\t\tbootargs = \"quiet\";\n\t};\n};\n";
    assert_eq!(shown[4], tree);
    assert!(shown[5].ends_with("71 75 69 65 74 00                                quiet.\n"));
    assert_eq!(shown[6], "1000\n");
    assert_eq!(
        shown[7],
        "index\t\t   start\t\t    size\n------------------------------------------------\n    \
         0\t0000000047000000\t0000000000001000\n"
    );
    assert_eq!(
        shown[8],
        "libfdt fdt_del_mem_rsv(): FDT_ERR_NOTFOUND\nno reservation 1\n"
    );
    assert_eq!(
        shown[9],
        "Working FDT set to 40200000\nWorking fdt: 40200000\n"
    );
    assert_eq!(
        shown[10],
        "/ {\n\tmodel = \"A Board\";\n};\nWorking FDT set to 40100000\n\
         / {\n\tmodel = \"A Board\";\n\tchosen {\n\t};\n};\n"
    );
    assert_eq!(
        shown[11],
        "no device tree: magic is 0x00000000, not 0xd00dfeed\n"
    );
    assert_eq!(
        shown[12],
        "failed on fdt_overlay_apply(): FDT_ERR_BADOVERLAY\nthe overlay has no fragment\n"
    );
    assert_eq!(shown[13], "0xffffffff bytes behind the tree are too many\n");
    assert!(
        shown[14].starts_with(
            "memory@40000000 {\n\tdevice_type = \"memory\";\n\
             \treg = <0x00000000 0x40000000 0x10000000>;\n};\nmagic:\t\t\t0xd00dfeed\n\
             totalsize:\t\t0x1000 (4096)\noff_dt_struct:\t\t0x48\n"
        ),
        "{}",
        shown[14]
    );
    assert!(shown[14].contains("boot_cpuid_phys:\t0x2\n"));
}

#[test]
fn the_clock_is_read_and_set() {
    let mut bench = Bench::new(FakeConsole::default());
    let lines = [
        "date",
        "date 022912002000.30",
        "date x; echo $?",
        "date reset",
        "date 123123592107",
    ];
    let shown = outputs_in(&mut bench, &lines, |cx| {
        cx.rtc = Some(Box::new(FakeRtc::new(1_577_934_245)));
    });
    assert_eq!(
        shown,
        [
            "Date: 2020-01-02 (Thursday)    Time:  3:04:05\n",
            "Date: 2000-02-29 (Tuesday)    Time: 12:00:30\n",
            "## Bad date format\n0\n",
            "Reset RTC...\nDate: 2000-01-01 (Saturday)    Time:  0:00:00\n",
            "the clock cannot hold second 4354819140 since 1970: set a time before 2106\n",
        ]
    );
    let shown = outputs_on(&mut bench, &["date"]);
    assert_eq!(shown, ["Cannot find RTC: the device tree has no PL031\n"]);
}

#[test]
fn drivers_and_memory_are_listed() {
    let mut bench = Bench::new(FakeConsole::default());
    bench.loader = PhysRange::from_size(PhysAddr::new(RAM + 0x30_0000), 0x1000);
    let lines = ["dm tree", "meminfo", "coninfo"];
    let shown = outputs_in(&mut bench, &lines, |cx| {
        cx.map
            .ram
            .extend(PhysRange::from_size(PhysAddr::new(RAM), RAM_SIZE as u64));
        cx.board.console = "/soc/pl011@9000000".into();
        for (path, class, driver, active) in [
            ("/virtio_mmio@a000000", "virtio", "virtio-mmio", false),
            ("/virtio_mmio@a000200", "virtio", "virtio-mmio", true),
            ("/soc/pl011@9000000", "serial", "serial_pl01x", true),
        ] {
            cx.board.devices.push(BoundDevice {
                path: path.into(),
                class,
                driver,
                active,
            });
        }
    });
    assert_eq!(
        shown,
        [
            " Class     Index  Probed  Driver                Name\n\
             -----------------------------------------------------------\n \
             root          0  [ + ]   root_driver           root_driver\n \
             virtio        0  [   ]   virtio-mmio           |-- virtio_mmio@a000000\n \
             virtio        1  [ + ]   virtio-mmio           |-- virtio_mmio@a000200\n \
             serial        0  [ + ]   serial_pl01x          `-- soc/pl011@9000000\n",
            "DRAM:  4 MiB\n\n\
             Region                Base          Size           End           Gap\n\
             --------------------------------------------------------------------\n\
             Baton             40300000          1000      40301000         ff000\n\
             free              40000000        300000      40300000             0\n",
            "List of available devices:\npl011@9000000 00000007 IO stdin stdout stderr \n",
        ]
    );
}

#[test]
fn the_console_s_line_is_told() {
    let told = |line, wanted| {
        let mut bench = Bench::new(FakeConsole::default());
        let shown = outputs_in(&mut bench, &["coninfo"], |cx| {
            cx.board.line = line;
            cx.board.line_wanted = wanted;
        });
        shown[0].lines().last().unwrap_or_default().to_owned()
    };
    let (set, unknown) = (Line::parse("115200n8"), Some(Line::at(None)));
    assert_eq!(told(set, None), "Line: 115200n8");
    assert_eq!(told(set, set), "Line: 115200n8");
    assert_eq!(
        told(unknown, set),
        "Line: n8, at the rate of the first stage; the tree says 115200n8"
    );
    assert_eq!(
        told(None, set),
        "Line: as the first stage set it; the tree says 115200n8"
    );
}

#[test]
fn watchdogs_are_started_and_stopped() {
    let dogs: &'static [FakeWatchdog; 2] = Box::leak(Box::default());
    let mut bench = Bench::new(FakeConsole::default());
    let lines = [
        "wdt list",
        "wdt start 1",
        "wdt dev watchdog@1; wdt dev",
        "wdt start 3000 7; wdt reset; wdt stop",
        "wdt start 0x10",
        "wdt start 99999999999",
        "wdt start soon",
        "wdt expire",
        "wdt dev watchdog@2",
        "wdt dev",
        "wdt",
    ];
    let shown = outputs_in(&mut bench, &lines, |cx| {
        for (index, dog) in dogs.iter().enumerate() {
            cx.watchdogs.devices.push(WatchdogDevice {
                path: format!("/soc/watchdog@{index}"),
                driver: "fake_wdt",
                device: dog,
            });
        }
    });
    let started = "WDT:   Started watchdog@1 with servicing every 100ms";
    let expected = [
        "watchdog@0 (fake_wdt)\nwatchdog@1 (fake_wdt)\n".to_owned(),
        "No device set, use 'wdt dev' first\n".to_owned(),
        "dev: watchdog@1\n".to_owned(),
        format!("{started} (3s timeout)\n"),
        format!("{started} (0s timeout)\n"),
        format!("{started} (16s timeout)\n"),
        "\"soon\" is not a number of milliseconds\n".to_owned(),
        "Expiring watchdog timer failed: nothing was reset\n".to_owned(),
        "Can't get the watchdog timer: watchdog@2\n".to_owned(),
        "No watchdog timer device set!\n".to_owned(),
    ];
    assert_eq!(shown[..10], expected);
    assert!(
        shown[10].starts_with("wdt - Watchdog sub-system\n"),
        "{}",
        shown[10]
    );
    use WatchdogCall::{Expire, Kick, Start, Stop};
    assert_eq!(
        dogs[1].calls(),
        [
            Start(3000),
            Kick,
            Stop,
            Start(16),
            Start(u32::MAX),
            Expire,
            Stop
        ]
    );
    assert_eq!(dogs[0].calls(), []);
}

#[test]
fn a_warm_reset_and_a_panic() {
    let mut bench = Bench::new(FakeConsole::default());
    bench.fail_power_with(PowerError::Firmware(-1));
    let shown = outputs_on(
        &mut bench,
        &["reset -w", "panic 'no way'", "panic", "reset -x"],
    );
    assert_eq!(shown[0], "resetting ...\nPSCI answered -1\n");
    assert_eq!(shown[1], "no way\nresetting ...\nPSCI answered -1\n");
    assert_eq!(shown[2], "\nresetting ...\nPSCI answered -1\n");
    assert!(shown[3].starts_with("reset - Perform RESET"));
    let calls = [PowerCall::WarmReset, PowerCall::Reset, PowerCall::Reset];
    assert_eq!(bench.power_calls(), calls);
}
