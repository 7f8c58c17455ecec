//! What `hyp` and `cache` show is what the machine has.

use harness::{Machine, Result, Session, ensure, flow, here};

/// Checks the page tables as `hyp map` prints them: the loader's sections, its guards, nothing
/// writable and executable, nothing at 0.
fn map(session: &mut Session) -> Result<()> {
    let shown = session.run_ok("hyp map")?;
    let rows: Vec<&str> = shown.lines().collect();
    let count = |what: &str| rows.iter().filter(|row| row.contains(what)).count();
    ensure!(session, count(" r-x memory") == 1, "{shown}");
    ensure!(session, count(" r-- memory") == 1, "{shown}");
    ensure!(session, count(" --- guard") == 2, "{shown}");
    ensure!(session, count("wx") == 0, "{shown}");
    ensure!(session, count("[0x00000000-") == 0, "{shown}");
    ensure!(session, count(" rw- device") > 0, "{shown}");
    // A guard is one: to look there is a fault.
    let guard = rows.iter().find(|row| row.contains("guard"));
    let address = guard.and_then(|row| row.get(3..11)).unwrap_or_default();
    let fault = session.run_err(&format!("md {address} 1"))?;
    ensure!(session, fault.contains("Data Abort"), "{fault}");
    Ok(())
}

/// Checks that memory survives what can be done to the caches.
fn caches(session: &mut Session) -> Result<()> {
    let shown = session.run_ok("cache")?;
    ensure!(session, shown.contains("L1 data"), "{shown}");
    ensure!(
        session,
        shown.contains("Data cache is ON, instruction cache is ON\n"),
        "{shown}"
    );
    session.run_ok("mw.l 48000000 a5f09876 1000")?;
    let before = session.run_ok("crc32 48000000 4000")?;
    session.run_ok("icache off; dcache flush; icache flush")?;
    assert_eq!(session.run_ok("icache")?, "Instruction Cache is OFF\n");
    assert_eq!(session.run_ok("crc32 48000000 4000")?, before);
    session.run_ok("icache on")?;
    assert_eq!(session.run_ok("icache")?, "Instruction Cache is ON\n");
    let said = session.run_err("dcache off")?;
    ensure!(session, said.contains("stays ON"), "{said}");
    Ok(())
}

/// Returns a register's contents as a row shows them.
fn register<'a>(shown: &'a str, name: &str) -> &'a str {
    let row = shown
        .lines()
        .find(|row| row.split(' ').next() == Some(name));
    row.and_then(|row| row.split_whitespace().nth(1))
        .unwrap_or("no such row")
}

#[test]
fn in_hyp() -> Result<()> {
    let mut session = flow::baton_direct(Machine::virt(here!()))?;
    map(&mut session)?;
    caches(&mut session)?;
    let now = session.run_ok("hyp")?;
    // MMU, caches, WXN; the vectors are in the loader.
    assert_eq!(register(&now, "HSCTLR"), "30cd187d", "{now}");
    assert_eq!(register(&now, "HCR"), "00000000", "{now}");
    let entry = session.run_ok("hyp entry")?;
    assert_eq!(register(&entry, "HVBAR"), "00000000", "{entry}");
    assert!(entry.contains(" HYP F I A\n"), "{entry}");
    assert!(!entry.contains('!'), "QEMU leaves nothing: {entry}");
    Ok(())
}

#[test]
fn in_svc() -> Result<()> {
    let machine = Machine::virt(here!()).without_virtualization();
    let mut session = flow::baton_direct(machine)?;
    map(&mut session)?;
    caches(&mut session)?;
    let now = session.run_ok("hyp")?;
    assert_eq!(register(&now, "HSCTLR"), "no such row", "{now}");
    assert_eq!(register(&now, "SCTLR"), "00cd187d", "{now}");
    Ok(())
}
