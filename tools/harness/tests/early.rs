//! What Baton says when it cannot start, and how it takes its console over: entered by `go` of
//! another Baton, with a tree that was changed before.

use harness::{Card, Machine, Result, Session, flow, here, regex};

/// Goes to the prompt, with Baton's image at 44000000 and a copy of the tree, with room, at 48000000.
fn prepared(name: &str) -> Result<Session> {
    let mut session = flow::baton_direct(Machine::virt(name).cpus(1).card(Card::built()?))?;
    session.run_ok("load virtio 0:1 44000000 baton.zimg")?;
    session.run_ok("cp.b ${fdtcontroladdr} 48000000 8000")?;
    session.run_ok("fdt addr 48000000; fdt resize 4000")?;
    Ok(session)
}

/// Enters Baton with that tree.
fn enter(session: &mut Session) -> Result<()> {
    session.send_line("go 44000000 48000000");
    session.expect("## Starting application at 0x44000000 ...\r\n")?;
    Ok(())
}

/// Makes the changes, enters Baton, and waits for its last words.
fn stops(name: &str, changes: &[&str], words: &str) -> Result<()> {
    let mut session = prepared(name)?;
    for change in changes {
        session.run_ok(change)?;
    }
    session.forbid("CPU:   ");
    enter(&mut session)?;
    let words = format!(r"\r\nBaton stopped: {words}\. Reset the board\.\r\n");
    session.expect(regex(&words))?;
    Ok(())
}

/// Broken behind the console's node.
#[test]
fn a_broken_tree() -> Result<()> {
    let changes = [
        "fdt header get start off_dt_struct; fdt header get size size_dt_struct",
        "setexpr at 48000000 + ${start}; setexpr at ${at} + ${size}; setexpr at ${at} - 8",
        "mw.l ${at} 77000000",
    ];
    stops(
        here!(),
        &changes,
        r"device tree: bad device tree at offset 0x[0-9a-f]+: 0x77 is not a token",
    )
}

/// Sound, but with a property that cannot be used: found out with heap and MMU on.
#[test]
fn a_property_without_sense() -> Result<()> {
    stops(here!(), &["fdt set /chosen bootargs [ff fe]"], SENSELESS)
}

/// No stdout-path either: the tree's first UART it is.
#[test]
fn a_property_without_sense_and_no_console() -> Result<()> {
    let changes = [
        "fdt set /chosen bootargs [ff fe]",
        "fdt rm /chosen stdout-path",
    ];
    stops(here!(), &changes, SENSELESS)
}

/// What is wrong with those bytes.
const SENSELESS: &str = "/chosen: bootargs of 2 bytes makes no sense";

/// Sixteen banks with uneven ends leave no page table for the last devices. The console is mapped
/// before them.
#[test]
fn page_tables_used_up() -> Result<()> {
    let mut session = prepared(here!())?;
    for bank in 0..15 {
        // Nowhere near real memory, in three different GiB.
        let start = 0x7080_1000_u64 + bank % 3 * 0x2800_0000 + bank / 3 * 0x100_0000;
        let node = format!("/memory@{start:x}");
        session.run_ok(&format!("fdt mknode / memory@{start:x}"))?;
        session.run_ok(&format!("fdt set {node} device_type memory"))?;
        session.run_ok(&format!("fdt set {node} reg <0 {start:#x} 0 0x5fe000>"))?;
    }
    session.run_ok("fdt set /memory@40000000 reg <0 0x40001000 0 0x1fffe000>")?;
    session.forbid("CPU:   ");
    enter(&mut session)?;
    session.expect("Data Abort in HYP: read of 0x080")?;
    session.expect("Baton stopped: no command to return from. Reset the board.")?;
    Ok(())
}

/// The options of stdout-path are put into the UART, whose clock the tree tells; without options
/// the line stays as it was found.
#[test]
fn the_line_is_as_the_tree_wants_it() -> Result<()> {
    let mut session = prepared(here!())?;
    session.run_ok("fdt set /chosen bootargs baton.bootdelay=-1")?;
    session.run_ok("fdt mknode / aliases; fdt set /aliases console /pl011@9000000")?;
    let said = session.run_ok("coninfo")?;
    assert!(
        said.ends_with("\nLine: n5, at the rate of the first stage\n"),
        "{said}"
    );
    session.run_ok("fdt set /chosen stdout-path console:9600e7")?;
    enter(&mut session)?;
    session.expect(flow::BANNER)?;
    session.expect_prompt()?;
    let said = session.run_ok("coninfo")?;
    assert!(said.ends_with("\nLine: 9600e7\n"), "{said}");
    // 156.25: IBRD, FBRD; LCR_H: PEN, EPS, FEN, 7 bits.
    let said = session.run_ok("md.l 9000024 3")?;
    assert!(
        said.starts_with("09000024: 0000009c 00000010 00000056"),
        "{said}"
    );
    Ok(())
}
