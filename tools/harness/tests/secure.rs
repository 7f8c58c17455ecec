//! Entered in secure SVC: by Baton's monitor to HYP, and everything from there as if the first
//! stage had been there already.

use std::time::Duration;

use harness::{Card, Machine, Result, Session, ensure, flow, here, linux, witness};

/// How long a machine may take to end.
const END: Duration = Duration::from_secs(60);

/// How long Linux may take, emulated.
const LINUX: Duration = Duration::from_secs(240);

/// QEMU's `virt` with the security and virtualization extensions: U-Boot stays in secure SVC.
fn machine(name: &str) -> Result<Machine> {
    Ok(Machine::virt(name).secure().card(Card::built()?))
}

fn gic3(machine: Machine) -> Machine {
    machine.argument("-machine").argument("gic-version=3")
}

/// Debian's kernel by stock U-Boot alone says SVC; by the same U-Boot through Baton it says HYP, and
/// turns the machine off by PSCI.
fn svc_becomes_hyp(first: Machine, second: Machine) -> Result<()> {
    let mut session = first.start()?;
    flow::uboot_prompt(&mut session)?;
    flow::uboot_load(&mut session, 0x4200_0000, "zImage")?;
    flow::uboot_load(&mut session, 0x4800_0000, "initrd.img")?;
    session.run_ok("setenv bootargs console=ttyAMA0")?;
    session.send_line("bootz 42000000 48000000:${filesize} ${fdtcontroladdr}");
    // With GICv3 its interrupts stay secure, so that nobody can type at it.
    session.expect_for("started in SVC mode", LINUX)?;
    session.expect_for("INIT: done", LINUX)?;
    drop(session);

    let mut session = second.start()?;
    flow::uboot_prompt(&mut session)?;
    flow::boot_card(&mut session)?;
    flow::linux(&mut session, "HYP", 1)?;
    let psci = linux::run_ok(&mut session, "dmesg | grep psci:")?;
    for line in ["PSCIv1.0 detected", "migration not required"] {
        ensure!(session, psci.contains(line), "no {line:?} in {psci}");
    }
    // A terminal that was typed at has interrupts, and so does the clock that Linux keeps.
    let interrupts = linux::run_ok(&mut session, "cat /proc/interrupts")?;
    for name in ["arch_timer", "uart-pl011"] {
        let mut lines = interrupts.lines().filter(|line| line.contains(name));
        let came = lines.any(|line| line.split_whitespace().nth(1) != Some("0"));
        ensure!(session, came, "no interrupt of {name}: {interrupts}");
    }
    session.send("poweroff -f\n");
    let status = session.expect_exit(END)?;
    assert!(status.success(), "{status}");
    Ok(())
}

#[test]
fn svc_becomes_hyp_with_gic2() -> Result<()> {
    let name = here!();
    svc_becomes_hyp(machine(&format!("{name}-uboot"))?, machine(name)?)
}

#[test]
fn svc_becomes_hyp_with_gic3() -> Result<()> {
    let name = here!();
    let first = gic3(machine(&format!("{name}-uboot"))?);
    svc_becomes_hyp(first, gic3(machine(name)?))
}

#[test]
fn on_a_cortex_a7() -> Result<()> {
    let mut session = machine(here!())?.cpu("cortex-a7").start()?;
    flow::uboot_prompt(&mut session)?;
    flow::boot_card(&mut session)?;
    flow::linux(&mut session, "HYP", 1)
}

/// Says how it came, where it was, and keeps the monitor's pages from everybody.
fn the_prompt(session: &mut Session) -> Result<()> {
    let said = session.transcript();
    for line in [
        "entered in secure SVC; in HYP by Baton's monitor",
        "in HYP mode",
    ] {
        ensure!(session, said.contains(line), "no {line:?}");
    }
    let entry = session.run_ok("hyp entry")?;
    for row in [
        "HSCTLR    30c50878\n",
        "HCR       00000000\n",
        "HCPTR     000033ff\n",
        "CNTHCTL   00000003",
        "CNTVOFF   0000000000000000\n",
        "SCTLR     00c50878\n",
        "TTBCR     00000000\n",
    ] {
        ensure!(session, entry.contains(row), "no {row:?} in {entry}");
    }
    let found = "   SVC F I A\n";
    ensure!(session, entry.contains(found), "not as found: {entry}");
    let facts = session.run_ok("bdinfo")?;
    let pages = "reserved    = [0x5fffe000-0x5fffffff] Baton's monitor\n";
    for line in ["mode        = HYP\n", pages] {
        ensure!(session, facts.contains(line), "no {line:?} in {facts}");
    }
    // Not even to be read: a fault, and the prompt is back.
    for command in ["md 5fffe000 1", "mw 5fffe000 0", "md 5ffffffc 1"] {
        let fault = session.run_err(command)?;
        let report = "translation fault, level 3";
        ensure!(session, fault.contains(report), "{command}: {fault}");
    }
    session.run_err("exception undefined")?;
    let refused = session.run_err("load virtio 0:1 5fffe000 boot.scr")?;
    ensure!(session, refused.contains("5fffe000"), "{refused}");
    session.run_ok("cache").map(drop)
}

#[test]
fn the_prompt_and_its_faults() -> Result<()> {
    let mut session = flow::baton_on(machine(here!())?)?;
    the_prompt(&mut session)?;
    session.send_line("reset");
    flow::uboot_prompt(&mut session)?;
    session.send_line("boot");
    session.expect_for(flow::BANNER, END)?;
    flow::stop_countdown(&mut session)?;
    the_prompt(&mut session)?;
    session.send_line("poweroff");
    session.expect_exit(END).map(drop)
}

#[test]
fn the_witness() -> Result<()> {
    let mut session = flow::baton_on(machine(here!())?)?;
    let report = witness::boot(&mut session)?;
    for rule in [
        "mode.hyp",
        "firmware.already_on",
        "firmware.registers",
        "places.unreserved",
    ] {
        assert_eq!(report.rule(rule), Some("PASS"), "{}", report.text);
    }
    let pages = "report: range reserved=5fffe000..60000000\n";
    assert!(report.text.contains(pages), "{}", report.text);
    Ok(())
}

#[test]
fn the_witness_with_gic3() -> Result<()> {
    let mut session = flow::baton_on(gic3(machine(here!())?))?;
    witness::boot(&mut session).map(drop)
}

/// `go` leaves U-Boot's MMU and caches on, in secure state.
#[test]
fn by_go() -> Result<()> {
    let mut session = machine(here!())?.with_working_go().start()?;
    flow::uboot_prompt(&mut session)?;
    flow::uboot_load(&mut session, 0x4020_3000, "baton.zimg")?;
    session.send_line("go 40203000 ${fdtcontroladdr}");
    session.expect_for(flow::BANNER, END)?;
    flow::stop_countdown(&mut session)?;
    flow::is_baton(&mut session)?;
    let entry = session.run_ok("hyp entry")?;
    // As U-Boot had it in secure state; what HYP has is new.
    for row in [
        "SVC F I A\n",
        "HSCTLR    30c50878\n",
        "SCTLR     00c5187d ! MMU D-cache I-cache\n",
    ] {
        ensure!(session, entry.contains(row), "no {row:?} in {entry}");
    }
    witness::boot(&mut session).map(drop)
}

/// Through Debian into Baton again, which finds monitor and reservation in the tree, installs
/// nothing and needs nothing, and out again.
#[test]
fn round_through_debian() -> Result<()> {
    let mut session = flow::baton_on(machine(here!())?)?;
    linux::boot_lab(&mut session, "HYP", 1)?;
    linux::kexec_to_prompt(&mut session)?;
    let facts = session.run_ok("bdinfo")?;
    for line in [
        "mode        = HYP\n",
        "reserved    = [0x5fffe000-0x5fffffff] baton-monitor@5fffe000\n",
        "PSCI        = 1.0",
    ] {
        ensure!(session, facts.contains(line), "no {line:?} in {facts}");
    }
    let entry = session.run_ok("hyp entry")?;
    ensure!(session, entry.contains("   HYP "), "not in HYP: {entry}");
    linux::boot_lab(&mut session, "HYP", 1)?;
    linux::run_ok(
        &mut session,
        "test -d /proc/device-tree/reserved-memory/baton-monitor@5fffe000",
    )?;
    session.send("poweroff -f\n");
    session.expect_exit(END).map(drop)
}

/// Secure state, and no HYP to go to: SVC, and it says so.
#[test]
fn without_virtualization() -> Result<()> {
    let machine = machine(here!())?.without_virtualization();
    let mut session = flow::baton_on(machine)?;
    let said = session.transcript();
    let line = "no HYP: this processor has none; running and booting in secure SVC";
    ensure!(session, said.contains(line), "no {line:?}");
    let facts = session.run_ok("bdinfo")?;
    ensure!(session, facts.contains("= secure SVC\n"), "{facts}");
    session.run_err("md 0 1")?;
    // No PSCI, so nothing that turns the machine off at the end.
    session.run_ok("setenv bootargs report.then=halt")?;
    session.send_line("bootz report.zimg initrd.img");
    session.expect("initrd.img\r\n")?;
    let report = witness::read(&mut session)?;
    assert_eq!(report.rule("mode.entry"), Some("PASS"), "{}", report.text);
    Ok(())
}

/// A board with so little memory that Baton stays where it was put: the monitor goes behind it.
#[test]
fn the_home_in_place() -> Result<()> {
    let machine = Machine::vexpress_a15(here!())?.secure().memory(4);
    let mut session = machine.append("baton.bootdelay=9").start()?;
    flow::stop_countdown(&mut session)?;
    let said = session.transcript();
    let line = "no room at the top of low memory: staying at [0x80010000-0x801fdfff]";
    ensure!(session, said.contains(line), "no {line:?}");
    let facts = session.run_ok("bdinfo")?;
    for line in [
        "PSCI        = 1.0",
        "reserved    = [0x801fe000-0x801fffff] Baton's monitor\n",
    ] {
        ensure!(session, facts.contains(line), "no {line:?} in {facts}");
    }
    session.send_line("reset");
    flow::stop_countdown(&mut session)?;
    session.run_err("md 801fe000 1")?;
    session.send_line("poweroff");
    session.expect_exit(END).map(drop)
}

/// Not even there is room: the monitor is closed, and says so; the prompt is there in HYP.
#[test]
fn nowhere_to_stay() -> Result<()> {
    let machine = Machine::vexpress_a15(here!())?.secure().memory(3);
    let mut session = machine.append("baton.bootdelay=9").start()?;
    flow::stop_countdown(&mut session)?;
    let said = session.transcript();
    let line = "Baton's monitor: no room to stay: no PSCI, and interrupts stay secure";
    ensure!(session, said.contains(line), "no {line:?}");
    let facts = session.run_ok("bdinfo")?;
    for line in ["mode        = HYP\n", "PSCI        = none\n"] {
        ensure!(session, facts.contains(line), "no {line:?} in {facts}");
    }
    session.run_err("exception undefined")?;
    flow::is_baton(&mut session)
}
