//! Boards that one can buy, emulated, from their boot ROM on.

use std::time::Duration;

use harness::{Card, Machine, Result, flow, here, regex};

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

/// The card's protocol and the host's DMA, both ways, into aligned and unaligned memory.
#[test]
fn orangepi_pc_card() -> Result<()> {
    let mut session = orangepi_pc(here!())?;
    flow::stop_countdown(&mut session)?;
    let said = session.run_ok("mmc list")?;
    assert_eq!(said.trim_end(), "mmc@1c0f000: 0 (SD)");
    let said = session.run_ok("mmc info")?;
    for line in [
        "Device: sunxi-mmc",
        "Bus Speed: 50000000",
        "Mode: SD High Speed (50MHz)",
        "Rd Block Len: 512",
        "High Capacity: No",
        "Capacity: 256 MiB",
        "Bus Width: 4-bit",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    // Between the first stage and the partition.
    session.run_ok("mw.l 48000000 5aa51234 100")?;
    session.run_ok("mmc write 48000000 7d0 2")?;
    session.run_ok("mw.l 48000000 0 100")?;
    session.run_ok("mmc read 49000004 7d0 2")?;
    let said = session.run_ok("md.l 490003fc 3")?;
    assert!(said.contains("490003fc: 5aa51234 5aa51234"), "{said}");
    session.run_ok("mmc erase 7d0 1")?;
    session.run_ok("mmc read 49000000 7d0 2")?;
    session.run_err("cmp.l 49000000 49000200 1")?;
    session.run_ok("mmc test 0 400")?;
    // What came by DMA into place, and by way of a buffer.
    session.run_ok("load mmc 0:1 44000000 zImage")?;
    session.run_ok("load mmc 0:1 4a000004 zImage")?;
    let said = session.run_ok("cmp.b 44000000 4a000004 ${filesize}")?;
    assert!(said.contains("were the same"), "{said}");
    let expected = harness::build::crc32("kernel/zImage")?;
    let said = session.run_ok("crc32 44000000 ${filesize}")?;
    assert!(said.contains(&format!("{expected:08x}")), "{said}");
    let said = session.run_err("mmc read 48000000 80000 1")?;
    assert!(
        said.contains("blocks 0x80000..0x80001 are not on the device"),
        "{said}"
    );
    Ok(())
}

/// QEMU's own start, the PL181 and Debian: both processors in HYP.
#[test]
fn vexpress_a15() -> Result<()> {
    let mut session = Machine::vexpress_a15(here!())?
        .card(Card::built_for("vexpress-a15")?)
        .append("console=ttyAMA0")
        .start()?;
    session.expect(flow::BANNER)?;
    session.expect("Model: V2P-CA15\r\n")?;
    flow::stop_countdown(&mut session)?;
    let said = session.run_ok("mmc list")?;
    assert_eq!(said.trim_end(), "mmc@50000: 0 (SD)");
    // A block, many blocks, and back.
    session.run_ok("load mmc 0:1 90000000 zImage")?;
    let expected = harness::build::crc32("kernel/zImage")?;
    let said = session.run_ok("crc32 90000000 ${filesize}")?;
    assert!(said.contains(&format!("{expected:08x}")), "{said}");
    session.run_ok("mmc write 90000000 10 80")?;
    session.run_ok("mmc read 91000001 10 80")?;
    session.run_ok("cmp.b 90000000 91000001 10000")?;
    session.send_line("boot");
    flow::linux(&mut session, "HYP", 2)
}

/// A Cortex-A9 has no HYP, no long descriptors and no generic timer: Baton runs in SVC, without MMU,
/// by an SP804's clock, and says so.
#[test]
fn vexpress_a9() -> Result<()> {
    let mut session = Machine::vexpress_a9(here!())?
        .card(Card::built_for("vexpress-a15")?)
        .append("console=ttyAMA0 baton.bootdelay=3")
        .start()?;
    session.expect("no HYP: this processor has none; running and booting in secure SVC\r\n")?;
    session.expect("no long page-table descriptors: MMU and data cache stay off\r\n")?;
    session.expect("CPU:   Cortex-A9 in secure SVC mode\r\n")?;
    flow::stop_countdown(&mut session)?;
    flow::is_baton(&mut session)?;
    let facts = session.run_ok("bdinfo")?;
    assert!(facts.contains("timer       = 1000000 Hz"), "{facts}");
    assert!(facts.contains("caches      = off"), "{facts}");
    let tree = session.run_ok("dm tree")?;
    assert!(tree.contains("[ + ]   arm_sp804 "), "{tree}");
    // QEMU leaves the SP805 out; it is looked at and left alone.
    assert!(tree.contains("[   ]   sp805_wdt "), "{tree}");
    assert_eq!(session.run_ok("wdt list")?, "");
    // By that clock a second is a second, however slow the host.
    let said = session.run_ok("time sleep 1")?;
    assert!(
        said.contains("time: ") && !said.contains("time: 0."),
        "{said}"
    );
    session.run_ok("load mmc 0:1 62000000 zImage")?;
    let expected = harness::build::crc32("kernel/zImage")?;
    let said = session.run_ok("crc32 62000000 ${filesize}")?;
    assert!(said.contains(&format!("{expected:08x}")), "{said}");
    session.run_err("exception undefined")?;
    session.run_ok("true")?;
    session.send_line("bootz report.zimg initrd.img");
    let report = session.expect("report: done pass=")?;
    let failed: Vec<&str> = { report.before.lines() }
        .filter(|line| line.contains(" FAIL "))
        .filter_map(|line| line.split(' ').nth(2))
        .collect();
    // What the processor has not.
    assert_eq!(failed, ["timer.cntfrq"], "{}", report.before);
    Ok(())
}

/// The Raspberry Pi 2 as its firmware enters a kernel, in HYP: the PL011 that stdout-path names,
/// the card on `sdhost`, Debian on all four processors.
#[test]
fn raspi2b() -> Result<()> {
    let mut session = Machine::raspi2b(here!())?
        .card(Card::built_for("raspi2b")?)
        .append("console=ttyAMA0,115200")
        .start()?;
    session.expect(flow::BANNER)?;
    session.expect("Cortex-A7 in HYP mode\r\n")?;
    session.expect("Model: Raspberry Pi 2 Model B\r\n")?;
    flow::stop_countdown(&mut session)?;
    let facts = session.run_ok("bdinfo")?;
    assert!(facts.contains("/soc/serial@7e201000"), "{facts}");
    let said = session.run_ok("mmc list")?;
    assert_eq!(said.trim_end(), "mmc@7e202000: 0 (SD)");
    let said = session.run_ok("mmc info")?;
    for line in [
        "Device: sdhost-bcm2835",
        "Bus Speed: 50000000",
        "Bus Width: 4-bit",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    session.run_ok("load mmc 0:1 8000000 zImage")?;
    let expected = harness::build::crc32("kernel/zImage")?;
    let said = session.run_ok("crc32 8000000 ${filesize}")?;
    assert!(said.contains(&format!("{expected:08x}")), "{said}");
    // Behind the files: more than a command moves, and back to where no word begins; a block.
    session.run_ok("mmc write 8000000 60000 500")?;
    session.run_ok("mmc read 9000001 60000 500")?;
    session.run_ok("cmp.b 8000000 9000001 a0000")?;
    session.run_ok("mmc write 8000003 60001 1")?;
    session.run_ok("mmc read 9000000 60001 1")?;
    session.run_ok("cmp.b 8000003 9000000 200")?;
    // What the firmware keeps: the first page, where the other processors wait.
    let refused = session.run_err("mw 800 0")?;
    assert!(refused.contains("800"), "{refused}");
    session.send_line("boot");
    flow::linux(&mut session, "HYP", 4)
}

/// What the witness finds on a board without GIC and PSCI.
#[test]
fn raspi2b_witness() -> Result<()> {
    let mut session = Machine::raspi2b(here!())?
        .card(Card::built_for("raspi2b")?)
        .start()?;
    flow::stop_countdown(&mut session)?;
    // It has no way to power the board off, so the report's end is all there is to wait for.
    session.run_ok("setenv bootargs console=ttyAMA0")?;
    session.forbid("FAIL");
    session.send_line("bootz report.zimg initrd.img");
    for rule in ["mode.hyp", "pl1.sctlr", "tree.memory", "places.unreserved"] {
        session.expect_for(format!("rule {rule} PASS"), Duration::from_secs(120))?;
    }
    session.expect(regex("done pass=[0-9]+ fail=0"))?;
    Ok(())
}

/// QEMU's own start of the Raspberry Pi: non-secure SVC, with HVC let through to vectors that nobody
/// has set. The question for a stub lands in QEMU's boot code, which enters Baton again, in HYP.
#[test]
fn raspi2b_by_qemu_alone() -> Result<()> {
    let mut session = Machine::raspi2b_without_stub(here!())?
        .card(Card::built_for("raspi2b")?)
        .append("console=ttyAMA0,115200 baton.bootdelay=-1")
        .start()?;
    session.expect(flow::BANNER)?;
    session.expect("Cortex-A7 in HYP mode\r\n")?;
    session.expect_prompt()?;
    flow::is_baton(&mut session)?;
    session.run_ok("load mmc 0:1 8000000 zImage").map(drop)
}
