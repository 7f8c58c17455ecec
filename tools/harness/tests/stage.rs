//! `kexec` at Baton's prompt: staged now, checked again and started later.

use harness::{Result, Session, build, ensure, flow, here, witness};

/// Stages the witness with the arguments it judges by, and returns what was said.
fn stage_witness(session: &mut Session) -> Result<String> {
    let arguments = report_format::Arguments {
        image: Some(build::crc32("payloads/report.zimg")?),
        initrd: Some(build::crc32("initrd.img")?),
        then: report_format::Then::PowerOff,
    };
    session.run_ok(&format!(
        "kexec -l report.zimg --initrd=initrd.img --command-line='{arguments}'"
    ))
}

/// Returns the address at the start of the line of the plan that names `what`.
fn place_of<'a>(said: &'a str, what: &str) -> Option<&'a str> {
    let line = said.lines().find(|line| line.contains(what))?;
    line.strip_prefix("[0x")?.split('-').next()
}

#[test]
fn the_witness_is_staged_and_started() -> Result<()> {
    let mut session = flow::baton(here!())?;
    assert_eq!(session.run_ok("kexec -s")?, "0\n");
    session.run_err("kexec -e")?;
    let said = stage_witness(&mut session)?;
    for piece in ["payloads/report.zimg", "initrd.img"] {
        let sum = format!("crc32 {:08x}", build::crc32(piece)?);
        ensure!(session, said.contains(&sum), "{piece}: no {sum} in {said}");
    }
    let status = session.run_ok("kexec -s")?;
    ensure!(session, status.starts_with("1\nEntry "), "{status}");
    // It can be unloaded, staged again, and much can happen in between.
    session.run_ok("kexec -u")?;
    assert_eq!(session.run_ok("kexec -s")?, "0\n");
    stage_witness(&mut session)?;
    session.run_ok("load virtio 0:1 50000000 zImage")?;
    session.run_err("md 20000000 1")?;
    session.run_ok("setenv bootargs something else")?;
    session.send_line("kexec -e");
    session.expect("kexec -e\r\n")?;
    let report = witness::read(&mut session)?;
    for rule in ["image.crc", "initrd.crc"] {
        ensure!(
            session,
            report.rule(rule) == Some("PASS"),
            "{rule}: {:?}",
            report.rule(rule)
        );
    }
    Ok(())
}

/// `mw` may write anywhere in RAM, as into reserved memory; `load` may not; and `kexec -e` tells.
#[test]
fn a_byte_that_moved_is_told() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let said = stage_witness(&mut session)?;
    session.forbid("Starting kernel");
    for (what, offset) in [("image,", 0x100), ("initrd,", 0x42), ("device tree,", 0x30)] {
        let place = place_of(&said, what).unwrap_or_default().to_owned();
        let at = u32::from_str_radix(&place, 16).map_err(|_| {
            harness::Error::check(format!("no line of the plan names \"{what}\": {said}"))
        })? + offset;
        let load = session.run_err(&format!("load virtio 0:1 {at:x} boot.scr"))?;
        ensure!(session, load.contains("what kexec staged"), "{load}");
        let shown = session.run_ok(&format!("md.b {at:x} 1"))?;
        let byte = shown.split_ascii_whitespace().nth(1).unwrap_or_default();
        let byte = u8::from_str_radix(byte, 16)
            .map_err(|_| harness::Error::check(format!("no byte in {shown}")))?;
        session.run_ok(&format!("mw.b {at:x} {:x}", byte ^ 1))?;
        let refused = session.run_err("kexec -e")?;
        let name = what.trim_end_matches(',');
        ensure!(
            session,
            refused.contains(&format!("{name} at [0x{place}-"))
                && refused.contains("changed since it was staged"),
            "{refused}"
        );
        // It is still staged, and as good as before once the byte is back.
        session.run_ok(&format!("mw.b {at:x} {byte:x}"))?;
    }
    session.allow_all();
    session.send_line("kexec -e");
    session.expect("kexec -e\r\n")?;
    witness::read(&mut session).map(drop)
}

/// Debian's kernel, by way of the one-word form too.
#[test]
fn debian_is_staged_and_started() -> Result<()> {
    let mut session = flow::baton(here!())?;
    session.run_ok("kexec --load zImage --ramdisk=initrd.img --append=\"console=ttyAMA0\"")?;
    session.send_line("kexec --exec");
    flow::linux(&mut session, "HYP", 2)
}
