//! SD hosts by the SD Association's specification, by each way their data can take: ADMA2, SDMA and
//! the buffer port of an i.MX 7's, and the BCM2835's, which has the port alone.

use std::{fs, path::PathBuf, process::Command};

use harness::{Card, Error, Machine, Result, Session, build, flow, here};

/// What QEMU's log says of a way: a descriptor was fetched, a block went through the port.
const ADMA2: &str = "sdhci_adma_loop";
const PORT: &str = "sdhci_read_dataport";

/// An i.MX 7's card slot, its prompt reached, with capabilities of the test's choice and a log of
/// what QEMU's controller does.
fn imx7d_sdb(name: &str, capabilities: Option<u32>) -> Result<(Session, PathBuf)> {
    let log = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("{}.trace", name.replace(':', "-")));
    let mut machine = Machine::imx7d_sdb(name)?
        .card(Card::built_for("imx7d-sdb")?)
        .append("console=ttymxc0,115200")
        .argument("-d")
        .argument(format!("trace:{ADMA2},trace:{PORT}"))
        .argument("-D")
        .argument(&log);
    if let Some(word) = capabilities {
        machine = machine
            .argument("-global")
            .argument(format!("imx-usdhc.capareg={word}"));
    }
    let mut session = machine.start()?;
    session.expect(flow::BANNER)?;
    session.expect("Model: Freescale i.MX7 SabreSD Board\r\n")?;
    flow::stop_countdown(&mut session)?;
    Ok((session, log))
}

/// Reads and writes, aligned for DMA and not, over SDMA's boundaries of 512 KiB and not.
fn moves(session: &mut Session, free: u32) -> Result<()> {
    let [kernel, odd, back] = [0, 0x100_0004, 0x200_0000].map(|offset| free + offset);
    session.run_ok(&format!("load mmc 0:1 {kernel:x} zImage"))?;
    let expected = build::crc32("kernel/zImage")?;
    let said = session.run_ok(&format!("crc32 {kernel:x} ${{filesize}}"))?;
    assert!(said.contains(&format!("{expected:08x}")), "{said}");
    session.run_ok(&format!("load mmc 0:1 {odd:x} zImage"))?;
    session.run_ok(&format!("cmp.b {kernel:x} {odd:x} ${{filesize}}"))?;
    // Behind the files: 2 MiB from 40 KiB below a boundary, and back to another place.
    let from = kernel + 0x7_6000;
    session.run_ok(&format!("mmc write {from:x} 60000 1000"))?;
    session.run_ok(&format!("mmc read {back:x} 60000 1000"))?;
    session.run_ok(&format!("cmp.b {from:x} {back:x} 200000"))?;
    // One block, from and to memory that is not aligned.
    session.run_ok(&format!("mmc write {:x} 60001 1", odd + 1))?;
    session.run_ok(&format!("mmc read {:x} 60001 1", back + 3))?;
    session.run_ok(&format!("cmp.b {:x} {:x} 200", odd + 1, back + 3))?;
    let said = session.run_err(&format!("mmc read {back:x} 80000 1"))?;
    assert!(said.contains("are not on the device"), "{said}");
    Ok(())
}

fn took(log: &PathBuf, way: &str) -> bool {
    fs::read_to_string(log).is_ok_and(|text| text.contains(way))
}

/// As the controller comes: by a chain of descriptors; and then Debian, on both processors.
#[test]
fn adma2() -> Result<()> {
    let (mut session, log) = imx7d_sdb(here!(), None)?;
    let said = session.run_ok("mmc list")?;
    // The second and third slot are empty.
    assert!(said.starts_with("mmc@30b40000: 0 (SD)\n"), "{said}");
    let said = session.run_ok("mmc info")?;
    for line in [
        "Device: FSL_SDHC",
        "Bus Speed: 50000000",
        "Mode: SD High Speed (50MHz)",
        "Capacity: 256 MiB",
        "Bus Width: 4-bit",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    moves(&mut session, 0x8800_0000)?;
    assert!(took(&log, ADMA2) && !took(&log, PORT));
    session.run_ok("mmc test 60000 400")?;
    session.send_line("boot");
    flow::linux(&mut session, "HYP", 2)
}

/// The controller says that it has no ADMA2: from one address on, with a stop at boundaries.
#[test]
fn sdma() -> Result<()> {
    let (mut session, log) = imx7d_sdb(here!(), Some(0x0560_34b4))?;
    moves(&mut session, 0x8800_0000)?;
    assert!(!took(&log, ADMA2) && !took(&log, PORT));
    Ok(())
}

/// The controller says that it masters no bus.
#[test]
fn port() -> Result<()> {
    let (mut session, log) = imx7d_sdb(here!(), Some(0x0520_34b4))?;
    moves(&mut session, 0x8800_0000)?;
    assert!(!took(&log, ADMA2) && took(&log, PORT));
    Ok(())
}

/// Debian's tree for the Raspberry Pi 2, changed so that the card slot is the SDHCI's.
fn sdhci_tree(name: &str) -> Result<PathBuf> {
    let tree = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("bcm2835-{name}.dtb"));
    let failed = |error| Error::io(format!("changing {}", tree.display()), error);
    fs::copy(build::file("kernel/dtbs/bcm2836-rpi-2-b.dtb")?, &tree).map_err(failed)?;
    for (node, status) in [
        ("/soc/mmc@7e300000", "okay"),
        ("/soc/mmc@7e202000", "disabled"),
    ] {
        let mut put = Command::new("fdtput");
        put.args(["-t", "s"])
            .arg(&tree)
            .args([node, "status", status]);
        if !put.status().map_err(failed)?.success() {
            return Err(Error::check(format!("fdtput of {node} failed")));
        }
    }
    Ok(tree)
}

/// The Raspberry Pi's second host, where its tree gives it the card: the pins stay as they are.
#[test]
fn bcm2835() -> Result<()> {
    let mut session = Machine::raspi2b(here!())?
        .card(Card::built_for("raspi2b")?)
        .dtb(&sdhci_tree("card")?)
        .start()?;
    session.expect(flow::BANNER)?;
    flow::stop_countdown(&mut session)?;
    let said = session.run_ok("mmc list")?;
    assert_eq!(said.trim_end(), "mmc@7e300000: 0 (SD)");
    let said = session.run_ok("mmc info")?;
    assert!(said.contains("Device: bcm2835_sdhci"), "{said}");
    moves(&mut session, 0x0800_0000)
}

/// Nobody in the slot: said by name, at once, and the prompt lives; on every host of this file, and
/// on the Raspberry Pi's own.
#[test]
fn empty_slots() -> Result<()> {
    let boards = [
        Machine::imx7d_sdb(&format!("{}-imx7d", here!()))?,
        Machine::raspi2b(&format!("{}-sdhost", here!()))?,
        Machine::raspi2b(&format!("{}-bcm2835", here!()))?.dtb(&sdhci_tree("empty")?),
    ];
    for board in boards {
        let mut session = board.start()?;
        flow::stop_countdown(&mut session)?;
        let said = session.run_err("mmc rescan")?;
        assert!(said.contains("no card"), "{said}");
        let said = session.run_err("ls mmc 0:1")?;
        assert!(said.contains("no card"), "{said}");
        flow::is_baton(&mut session)?;
    }
    Ok(())
}
