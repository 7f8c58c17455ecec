//! Reset and power-off where no PSCI does it: by what the board has.

use std::time::Duration;

use harness::{Card, Machine, Result, flow, here};

const END: Duration = Duration::from_secs(30);
/// See `boards.rs`.
const FIRST_STAGE: Duration = Duration::from_secs(120);

/// The Versatile Express, by its system registers, from HYP.
#[test]
fn vexpress_a15() -> Result<()> {
    let machine = Machine::vexpress_a15(here!())?.append("baton.bootdelay=9");
    let mut session = machine.start()?;
    flow::stop_countdown(&mut session)?;
    let facts = session.run_ok("bdinfo")?;
    assert!(facts.contains("PSCI        = none"), "{facts}");
    session.send_line("reset");
    session.expect("resetting ...\r\n")?;
    flow::stop_countdown(&mut session)?;
    flow::is_baton(&mut session)?;
    session.send_line("poweroff");
    let status = session.expect_exit(END)?;
    assert!(status.success(), "{status}");
    Ok(())
}

/// The Orange Pi, under U-Boot's PSCI 0.1, by the chip's watchdog. QEMU 7.2 has none: there the
/// prompt is back after a while, and says so.
fn orangepi_pc(machine: Machine) -> Result<harness::Session> {
    let card = Card::built_for("orangepi-pc")?;
    let mut session = machine.card(card).start()?;
    session.expect_for("Starting kernel ...", FIRST_STAGE)?;
    flow::stop_countdown(&mut session)?;
    flow::is_baton(&mut session)?;
    Ok(session)
}

#[test]
fn orangepi_pc_resets_by_its_watchdog() -> Result<()> {
    let mut session = orangepi_pc(Machine::orangepi_pc(here!()).on_newer_qemu()?)?;
    let said = session.run_err("poweroff")?;
    assert!(said.contains("use the switch"), "{said}");
    session.send_line("reset");
    session.expect("resetting ...\r\n")?;
    session.expect_for("U-Boot SPL ", END)?;
    session.expect_for("Starting kernel ...", FIRST_STAGE)?;
    flow::stop_countdown(&mut session)?;
    flow::is_baton(&mut session)
}

#[test]
fn a_watchdog_that_does_not_bite_is_told() -> Result<()> {
    let mut session = orangepi_pc(Machine::orangepi_pc(here!()))?;
    let said = session.run_err("reset")?;
    assert!(said.contains("had no effect"), "{said}");
    flow::is_baton(&mut session)
}

/// The Raspberry Pi 2, by its power manager.
#[test]
fn raspi2b() -> Result<()> {
    let card = Card::built_for("raspi2b")?;
    let machine = Machine::raspi2b(here!())?.card(card);
    let mut session = machine.append("console=ttyAMA0").start()?;
    flow::stop_countdown(&mut session)?;
    session.send_line("reset");
    session.expect("resetting ...\r\n")?;
    flow::stop_countdown(&mut session)?;
    flow::is_baton(&mut session)?;
    session.send_line("poweroff");
    let status = session.expect_exit(END)?;
    assert!(status.success(), "{status}");
    Ok(())
}
