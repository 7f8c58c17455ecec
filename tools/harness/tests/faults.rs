//! A fault is an error message: decoded, with registers and a backtrace, and then the prompt.

use harness::{Result, Session, ensure, flow, here, regex, witness};

/// Runs a command that faults. The report must have what `wanted` (regular expressions) and
/// every register and a backtrace, and the prompt must be back with status 1.
fn faults(session: &mut Session, command: &str, wanted: &[&str]) -> Result<String> {
    let report = session.run_err(command)?;
    let registers = [
        r"(?i)\bpc\b",
        r"(?i)\blr\b",
        r"(?i)\bsp\b",
        r"(?i)\br0\b",
        r"(?i)\br12\b",
    ];
    // Offsets into our image: what `addr2line` takes.
    let frames = r"(?im)^.*(backtrace|#0|baton\+0x[0-9a-f]+)";
    for wanted in wanted.iter().chain(&registers).chain(&[frames]) {
        ensure!(
            session,
            found(wanted, &report),
            "{command}: no /{wanted}/ in:\n{report}"
        );
    }
    alive(session)?;
    Ok(report)
}

/// Runs a command on an address that cannot be used: refused or faulted, but named.
fn refused(session: &mut Session, command: &str, address: &str) -> Result<()> {
    let report = session.run_err(command)?;
    ensure!(
        session,
        report.contains(address),
        "{command}: no {address} in:\n{report}"
    );
    alive(session)
}

fn found(expression: &str, text: &str) -> bool {
    match regex(expression) {
        harness::Pattern::Regex(regex) => regex.is_match(text),
        harness::Pattern::Literal(literal) => text.contains(&literal),
    }
}

/// Memory, storage and the shell still work.
fn alive(session: &mut Session) -> Result<()> {
    session.run_ok("mw.l 48000000 600d600d 4")?;
    let dump = session.run_ok("md.l 48000000 1")?;
    ensure!(
        session,
        dump.starts_with("48000000: 600d600d"),
        "memory: {dump}"
    );
    Ok(())
}

#[test]
fn an_undefined_instruction() -> Result<()> {
    let mut session = flow::baton(here!())?;
    faults(&mut session, "exception undefined", &["(?i)undefined"])?;
    witness::boot(&mut session).map(drop)
}

#[test]
fn a_data_abort() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let report = faults(
        &mut session,
        "exception data",
        &["(?i)data abort", "(?i)translation"],
    )?;
    assert!(found("(?i)(HSR|syndrome)", &report), "{report}");
    witness::boot(&mut session).map(drop)
}

#[test]
fn a_prefetch_abort() -> Result<()> {
    let mut session = flow::baton(here!())?;
    faults(
        &mut session,
        "exception prefetch",
        &["(?i)(prefetch|instruction) abort"],
    )?;
    witness::boot(&mut session).map(drop)
}

#[test]
fn an_unaligned_access() -> Result<()> {
    let mut session = flow::baton(here!())?;
    faults(&mut session, "exception unaligned", &["(?i)align"])?;
    witness::boot(&mut session).map(drop)
}

#[test]
fn a_stack_overflow() -> Result<()> {
    let mut session = flow::baton(here!())?;
    faults(&mut session, "exception stack", &["(?i)stack overflow"])?;
    // The stack is as deep as before.
    faults(&mut session, "exception stack", &["(?i)stack overflow"])?;
    witness::boot(&mut session).map(drop)
}

#[test]
fn a_hypervisor_call() -> Result<()> {
    let mut session = flow::baton(here!())?;
    faults(&mut session, "exception hvc", &["(?i)hvc"])?;
    witness::boot(&mut session).map(drop)
}

#[test]
fn addresses_that_cannot_be_used() -> Result<()> {
    let mut session = flow::baton(here!())?;
    // Nothing at 0; nothing in the board's hole; nothing behind RAM. A copy may
    // begin at either end.
    for (command, address) in [
        ("md.l 0 1", "0000"),
        ("mw.l 0 1", "0000"),
        ("md.l 0e800000 1", "e800000"),
        ("md.l 70000000 1", "70000000"),
        ("mw.l 70000000 1", "70000000"),
        ("cp.l 48000000 70000000 4", "7000000"),
        ("cp.l 70000000 48000000 4", "7000000"),
        ("cmp.l 70000000 48000000 4", "70000000"),
        ("crc32 70000000 100", "70000000"),
        ("md.l fffffffc 2", "fffffffc"),
        ("go 70000000", "70000000"),
    ] {
        refused(&mut session, command, address)?;
    }
    // Unaligned ones may work (in RAM, and in QEMU everywhere) or fault; either way there is
    // a prompt.
    for command in [
        "md.l 48000101 1",
        "mw.l 48000102 1",
        "md.w 48000103 1",
        "md.l 9000001 1",
    ] {
        session.run(command)?;
        alive(&mut session)?;
    }
    witness::boot(&mut session).map(drop)
}

/// A range that starts well and ends badly ends at the prompt, and spares Baton on its way.
#[test]
fn ranges_that_leave_ram() -> Result<()> {
    let mut session = flow::baton(here!())?;
    for command in [
        "cp.l 48000000 48000100 10000000",
        "cp.l 48000200 48000100 10000000",
        "mw.l 5b000000 0 10000000",
        "md.l 5ffffffc 2",
        "crc32 48000000 40000000",
    ] {
        let report = session.run_err(command)?;
        ensure!(session, !report.is_empty(), "{command} says nothing");
        alive(&mut session)?;
    }
    witness::boot(&mut session).map(drop)
}

#[test]
fn a_hundred_in_a_row_and_the_kernel_still_boots() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let kinds = ["undefined", "data", "prefetch", "unaligned", "stack"];
    for kind in kinds.iter().cycle().take(100) {
        let report = session.run_err(&format!("exception {kind}"))?;
        ensure!(session, !report.is_empty(), "exception {kind} says nothing");
    }
    alive(&mut session)?;
    session.send_line("boot");
    flow::linux(&mut session, "HYP", 2)
}

/// In SVC the vectors are others; the manners are the same.
#[test]
fn faults_in_svc() -> Result<()> {
    // Before the other machine starts: one test, one machine at a time.
    let in_hyp =
        flow::baton_direct(harness::Machine::virt(here!()))?.run_err("exception undefined")?;
    let machine = harness::Machine::virt(here!())
        .without_virtualization()
        .card(harness::Card::built()?);
    let mut session = flow::baton_direct(machine)?;
    let report = faults(&mut session, "exception undefined", &["(?i)undefined"])?;
    let offset = |text: &str| Some(text.split_once("pc : ")?.1.split(')').next()?.to_owned());
    ensure!(
        session,
        offset(&report).is_some() && offset(&report) == offset(&in_hyp),
        "the same instruction has another address in HYP: {report}{in_hyp}"
    );
    faults(&mut session, "exception data", &["(?i)data abort"])?;
    faults(
        &mut session,
        "exception prefetch",
        &["(?i)(prefetch|instruction) abort"],
    )?;
    faults(&mut session, "exception stack", &["(?i)stack overflow"])?;
    refused(&mut session, "md.l 70000000 1", "70000000")?;
    witness::boot(&mut session).map(drop)
}
