//! What tells of the commands and the machine, and what ends it.

use crate::bench::{Bench, RAM, outputs, outputs_on};
use platform_api::{PhysAddr, PhysRange, PowerError};
use platform_fake::{FakeConsole, PowerCall};

#[test]
fn help_in_u_boots_shape() {
    let shown = outputs(&[
        "help",
        "?",
        "help md run",
        "help nosuch",
        "help help",
        "mw 1",
        "sleep",
    ]);
    assert!(shown[0].starts_with("?         - alias for 'help'\n[         - alias for 'test'\nbdinfo    - print Board Info structure\nboot      - boot default, i.e., run 'bootcmd'\nbootd     - boot"), "{}", shown[0]);
    assert_eq!(shown[0], shown[1]);
    assert_eq!(
        shown[2],
        "md - memory display\n\nUsage:\nmd [.b, .w, .l, .q] address [# of objects]\n\
         run - run commands in an environment variable\n\nUsage:\nrun var [...]\n    - run the commands in the environment variable(s) 'var'\n"
    );
    assert_eq!(
        shown[3],
        "Unknown command 'nosuch' - try 'help' without arguments for list of all known commands\n\n"
    );
    assert_eq!(
        shown[4],
        "help - print command description/usage\n\nUsage:\nhelp\n    - print brief description of all commands\nhelp command ...\n    - print detailed usage of 'command'\n"
    );
    assert_eq!(
        shown[5],
        "mw - memory write (fill)\n\nUsage:\nmw [.b, .w, .l, .q] address value [count]\n"
    );
    assert!(shown[6].starts_with("sleep - delay execution for some time\n\nUsage:\nsleep N\n"));
}

#[test]
fn information() {
    let mut bench = Bench::new(FakeConsole::typing("version\rbdinfo\r"));
    let shown = bench.play(|cx| {
        let bank = PhysRange::from_size(PhysAddr::new(RAM), 0x1000_0000).unwrap();
        cx.map.ram.push(bank);
        cx.model = "linux,dummy-virt".into();
        cx.board.tree_address = Some(PhysAddr::new(0x4800_0000));
        cx.board.console = "/pl011@9000000".into();
    });
    assert_eq!(
        shown.replace("\r\n", "\n"),
        "=> version\nBaton 1.2.3 (v1.2.3, rustc 1.95.0)\n=> bdinfo\n\
         fdt_blob    = 0x48000000\n\
         DRAM bank   = 0x00000000\n\
         -> start    = 0x40000000\n\
         -> size     = 0x10000000\n\
         model       = linux,dummy-virt\n\
         cpu         = Cortex-A15 (0x412fc0f1), affinity 0x0\n\
         mode        = HYP\n\
         caches      = on, lines of 64 bytes\n\
         timer       = 1000000 Hz\n\
         console     = /pl011@9000000\n\
         PSCI        = none\n=> "
    );
}

#[test]
fn reset_and_poweroff_ask_the_firmware() {
    let mut bench = Bench::new(FakeConsole::default());
    bench.fail_power_with(PowerError::Firmware(-1));
    let shown = outputs_on(&mut bench, &["reset", "poweroff", "echo $?", "reset now"]);
    assert_eq!(shown[0], "resetting ...\nPSCI answered -1\n");
    assert_eq!(shown[1], "poweroff ...\nPSCI answered -1\n");
    assert_eq!(shown[2], "1\n");
    assert!(shown[3].starts_with("reset - Perform RESET"));
    let shown = outputs_on(&mut bench, &["version 1", "bdinfo 1", "bootz -x zImage"]);
    assert!(shown[0].starts_with("version - print version"));
    assert!(shown[1].starts_with("bdinfo - print Board"));
    assert!(shown[2].starts_with("bootz - boot a zImage"));
    assert_eq!(bench.power_calls(), [PowerCall::Reset, PowerCall::Off]);
}
