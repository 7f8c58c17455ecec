//! Boards that one can buy, emulated, from their boot ROM on.

use std::time::Duration;

use harness::{Card, Machine, Result, flow, here};

/// How long SPL and U-Boot take, emulated: they wait for a display, USB and a network that are
/// not there.
const FIRST_STAGE: Duration = Duration::from_secs(120);

/// Goes from power-on through SPL, U-Boot and its script to Baton's countdown.
fn orangepi_pc(name: &str) -> Result<harness::Session> {
    let card = Card::built_for("orangepi-pc")?;
    let mut session = Machine::orangepi_pc(name).card(card).start()?;
    session.expect_for("U-Boot SPL ", FIRST_STAGE)?;
    session.expect_for("Starting kernel ...", FIRST_STAGE)?;
    session.expect(flow::BANNER)?;
    session.expect("Cortex-A7 in HYP mode\r\n")?;
    session.expect("Model: Xunlong Orange Pi PC\r\n")?;
    Ok(session)
}

/// Boot ROM, SPL, U-Boot, Baton, Debian: all four processors in HYP, nobody at the keyboard.
#[test]
fn orangepi_pc_untouched() -> Result<()> {
    let mut session = orangepi_pc(here!())?;
    flow::linux(&mut session, "HYP", 4)
}

/// The prompt on a DesignWare UART: commands, a fault, the line that a verbose handoff prints.
#[test]
fn orangepi_pc_prompt() -> Result<()> {
    let mut session = orangepi_pc(here!())?;
    flow::stop_countdown(&mut session)?;
    flow::is_baton(&mut session)?;
    let facts = session.run_ok("bdinfo")?;
    assert!(facts.contains("/soc/serial@1c28000"), "{facts}");
    assert!(facts.contains("PSCI        = 0.1 by SMC"), "{facts}");
    let fault = session.run_err("md 0")?;
    assert!(
        fault.contains("Data Abort in HYP: read of 0x00000000"),
        "{fault}"
    );
    session.run_ok("setenv bootargs console=ttyS0,115200")?;
    session.send_line("bootz -v zImage");
    session.expect("CMSTRVJ")?;
    session.expect_for(
        "CPU: All CPU(s) started in HYP mode",
        Duration::from_secs(240),
    )?;
    Ok(())
}
