//! Boards that enter Baton in secure state: it comes out in HYP, and its own monitor starts the
//! processors, resets and powers off from then on.

use std::time::Duration;

use harness::{
    Card, FirstStage, Machine, Result, Session, build, ensure, flow, here, linux, witness,
};

/// See `boards.rs`.
const FIRST_STAGE: Duration = Duration::from_secs(120);
/// Linux to its first lines, or to a reset.
const LINUX: Duration = Duration::from_secs(120);

/// What Baton says of its way.
const SAID: &str = "entered in secure SVC; in HYP by Baton's monitor";

/// A Versatile Express whose processors come out of reset in secure state.
fn vexpress(name: &str) -> Result<Machine> {
    Ok(Machine::vexpress_a15(name)?.secure().cpus(2))
}

/// At Baton's countdown, after it was entered in secure state: to its prompt, which says so.
fn in_hyp(session: &mut Session) -> Result<()> {
    session.expect_for(SAID, FIRST_STAGE)?;
    flow::stop_countdown(session)?;
    flow::is_baton(session)?;
    let facts = session.run_ok("bdinfo")?;
    for line in [
        "mode        = HYP\n",
        "PSCI        = 1.0 by SMC, Baton's\n",
        "] Baton's monitor\n",
    ] {
        ensure!(session, facts.contains(line), "no {line:?} in {facts}");
    }
    let bound = session.run_ok("dm tree")?;
    ensure!(
        session,
        bound.contains("psci (Baton's monitor)\n"),
        "{bound}"
    );
    Ok(())
}

/// Takes every processor but the first away and back, in Linux.
fn hotplug(session: &mut Session, cpus: u32) -> Result<()> {
    for cpu in 1..cpus {
        let online = format!("/sys/devices/system/cpu/cpu{cpu}/online");
        for _ in 0..3 {
            linux::run_ok(session, &format!("echo 0 > {online}"))?;
            let said = linux::run_ok(session, "nproc")?;
            ensure!(
                session,
                said.trim() == (cpus - 1).to_string(),
                "{said} without {cpu}"
            );
            linux::run_ok(session, &format!("echo 1 > {online}"))?;
            // It works, and is not only counted.
            linux::run_ok(session, &format!("taskset {:x} true", 1 << cpu))?;
        }
    }
    let said = linux::run_ok(session, "nproc")?;
    ensure!(
        session,
        said.trim() == cpus.to_string(),
        "{said} at the end"
    );
    Ok(())
}

/// Linux calls our monitor for everything.
fn by_our_psci(session: &mut Session) -> Result<()> {
    let said = linux::run_ok(session, "dmesg | grep psci:")?;
    ensure!(
        session,
        said.contains("PSCIv1.0 detected in firmware"),
        "{said}"
    );
    let said = linux::run_ok(session, "cat /proc/device-tree/cpus/cpu*/enable-method")?;
    ensure!(session, said.starts_with("psci\0psci"), "{said}");
    linux::run_ok(
        session,
        "grep -q baton,monitor /proc/device-tree/reserved-memory/baton-monitor@*/compatible",
    )?;
    Ok(())
}

/// What Debian's kernel says of itself where nobody takes it to HYP. (`vexpress_a15` below has the
/// same kernel with Baton in between.)
#[test]
fn vexpress_a15_without_baton_is_in_svc() -> Result<()> {
    let machine = vexpress(here!())?.first_stage(FirstStage::Kernel {
        image: build::file("kernel/zImage")?,
        append: Some("console=ttyAMA0 earlycon=pl011,0x1c090000".to_owned()),
        initrd: None,
        dtb: Some(build::file("kernel/dtbs/vexpress-v2p-ca15-tc1.dtb")?),
    });
    let mut session = machine.start()?;
    session.expect_for("CPU: All CPU(s) started in SVC mode.", LINUX)?;
    Ok(())
}

/// Debian with two processors in HYP, out of a reset by Linux and into a power-off by Linux.
#[test]
fn vexpress_a15() -> Result<()> {
    let machine = vexpress(here!())?
        .card(Card::built_for("vexpress-a15")?)
        .append("console=ttyAMA0");
    let mut session = machine.start()?;
    in_hyp(&mut session)?;
    session.send_line("boot");
    flow::linux(&mut session, "HYP", 2)?;
    by_our_psci(&mut session)?;
    hotplug(&mut session, 2)?;
    session.send("reboot -f\n");
    in_hyp(&mut session)?;
    session.send_line("boot");
    flow::linux(&mut session, "HYP", 2)?;
    session.send("poweroff -f\n");
    let status = session.expect_exit(LINUX)?;
    assert!(status.success(), "{status}");
    Ok(())
}

/// By kexec from there into Baton and on to Debian: the monitor is below all of them.
#[test]
fn vexpress_a15_kexec() -> Result<()> {
    let machine = vexpress(here!())?
        .virtio_card(Card::built_for("vexpress-a15")?)
        .append("console=ttyAMA0");
    let mut session = machine.start()?;
    in_hyp(&mut session)?;
    for _ in 0..2 {
        linux::boot_lab(&mut session, "HYP", 2)?;
        hotplug(&mut session, 2)?;
        linux::kexec_to_prompt(&mut session)?;
        let facts = session.run_ok("bdinfo")?;
        for line in ["PSCI        = 1.0 by SMC, Baton's\n", "baton-monitor"] {
            ensure!(session, facts.contains(line), "no {line:?} in {facts}");
        }
    }
    let report = witness::boot(&mut session)?;
    found_the_others(&report);
    Ok(())
}

/// The rules that only pass if the others were started.
fn found_the_others(report: &witness::Report) {
    for rule in [
        "mode.hyp",
        "cpus.off",
        "cpus.start",
        "cpus.mode",
        "cpus.stop",
    ] {
        assert_eq!(report.rule(rule), Some("PASS"), "{rule}: {}", report.text);
    }
}

#[test]
fn vexpress_a15_witness() -> Result<()> {
    let machine = vexpress(here!())?
        .card(Card::built_for("vexpress-a15")?)
        .append("console=ttyAMA0");
    let mut session = machine.start()?;
    in_hyp(&mut session)?;
    let report = witness::boot(&mut session)?;
    found_the_others(&report);
    Ok(())
}

/// From power-on to U-Boot's prompt, with Baton and the board's tree in memory: U-Boot is in secure
/// state, with its MMU and caches on, and its PSCI is not there before it boots a kernel itself.
fn orangepi_at_uboot(machine: Machine) -> Result<Session> {
    let card = Card::built_for("orangepi-pc")?;
    let mut session = machine.card(card).start()?;
    session.expect_for("U-Boot SPL ", FIRST_STAGE)?;
    session.expect_for(flow::COUNTDOWN, FIRST_STAGE)?;
    session.send(" ");
    session.expect_prompt()?;
    session.run_ok("load mmc 0:1 42000000 baton.zimg")?;
    Ok(session)
}

/// `go` with the tree's address and the memory's: four processors in HYP.
#[test]
fn orangepi_pc_by_go() -> Result<()> {
    let mut session = orangepi_at_uboot(Machine::orangepi_pc(here!()))?;
    session.run_ok("load mmc 0:1 43000000 sun8i-h3-orangepi-pc.dtb")?;
    session.send_line("go 42000000 43000000 40000000 40000000");
    in_hyp(&mut session)?;
    let facts = session.run_ok("bdinfo")?;
    ensure!(
        session,
        facts.contains("[0x40000000-0x7fffffff]"),
        "{facts}"
    );
    session.run_ok("setenv bootargs console=ttyS0,115200")?;
    session.send_line("boot");
    flow::linux(&mut session, "HYP", 4)?;
    by_our_psci(&mut session)?;
    hotplug(&mut session, 4)
}

/// The same to the witness, with a tree that Baton finds by itself, and no word of memory: U-Boot
/// writes that into a tree only when it boots a kernel.
#[test]
fn orangepi_pc_by_go_witness() -> Result<()> {
    let mut session = orangepi_at_uboot(Machine::orangepi_pc(here!()))?;
    session.run_ok("load mmc 0:1 41000000 sun8i-h3-orangepi-pc.dtb")?;
    session.send_line("go 42000000");
    session.expect("no device tree was given: using the one found at 0x41000000")?;
    session.expect("no memory in the device tree: using a part")?;
    flow::stop_countdown(&mut session)?;
    let facts = session.run_ok("bdinfo")?;
    ensure!(
        session,
        facts.contains("[0x40000000-0x43ffffff]"),
        "{facts}"
    );
    let then = "report.then=halt console=ttyS0,115200";
    session.run_ok(&format!("setenv bootargs {then}"))?;
    session.send_line("bootz report.zimg initrd.img");
    let report = witness::read(&mut session)?;
    found_the_others(&report);
    Ok(())
}

/// The monitor resets the chip by its watchdog, which Debian 12's QEMU has not.
#[test]
fn orangepi_pc_by_go_resets() -> Result<()> {
    let mut session = orangepi_at_uboot(Machine::orangepi_pc(here!()).on_newer_qemu()?)?;
    session.run_ok("load mmc 0:1 43000000 sun8i-h3-orangepi-pc.dtb")?;
    session.send_line("go 42000000 43000000 40000000 40000000");
    in_hyp(&mut session)?;
    // Nothing turns this board off.
    let said = session.run_err("poweroff")?;
    ensure!(session, said.contains("PSCI answered -1"), "{said}");
    session.send_line("reset");
    session.expect_for("U-Boot SPL ", FIRST_STAGE)?;
    Ok(())
}
