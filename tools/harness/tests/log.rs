//! What survives: the counter and the log, over kexec, over a reset, and as Linux sees them.

use std::time::Duration;

use harness::{Card, Machine, Result, Session, build, ensure, flow, here};

/// Returns what is after `name` in `log`'s first line: `boot 1, log at [0x..-0x..]`.
fn page(session: &mut Session) -> Result<(u32, String)> {
    let said = session.run_ok("log")?;
    let first = said.lines().next().unwrap_or_default();
    let parts = first
        .strip_prefix("boot ")
        .and_then(|rest| rest.split_once(", log at "));
    let count = parts.and_then(|(count, _)| count.parse().ok());
    match (count, parts) {
        (Some(count), Some((_, page))) => Ok((count, page.to_owned())),
        _ => Err(harness::Error::check(format!("no page in {said}"))),
    }
}

#[test]
fn errors_and_faults_are_kept() -> Result<()> {
    let mut session = flow::baton(here!())?;
    assert_eq!(page(&mut session)?.0, 1);
    session.run_err("load virtio 0:1 48000000 nosuch.img")?;
    session.run_err("md 20000000 1")?;
    let said = session.run_ok("log")?;
    for line in [
        "boot 1: Baton ",
        "entered at 0x4",
        "nosuch.img",
        "fault in md 20000000 1",
    ] {
        ensure!(session, said.contains(line), "no {line:?} in {said}");
    }
    // It is nobody's to write to.
    let page = page(&mut session)?.1;
    let start = page.get(3..11).unwrap_or_default().to_owned();
    for command in [
        format!("mw {start} 0"),
        format!("load virtio 0:1 {start} boot.scr"),
        format!("bootz report.zimg {start}:1000"),
    ] {
        session.run_err(&command)?;
    }
    session.run_ok("log clear")?;
    let said = session.run_ok("log")?;
    assert_eq!(said.lines().count(), 1, "{said}");
    Ok(())
}

/// A reset leaves memory as it is, and Baton looks where it would put a new page.
#[test]
fn a_reset_is_survived() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let (count, place) = page(&mut session)?;
    assert_eq!(count, 1);
    session.run_err("nosuch-command")?;
    session.send_line("reset");
    flow::baton_prompt(&mut session)?;
    let said = session.run_ok("log")?;
    ensure!(
        session,
        said.starts_with(&format!("boot 2, log at {place}\n")),
        "{said}"
    );
    ensure!(
        session,
        said.contains("Unknown command 'nosuch-command'"),
        "{said}"
    );
    Ok(())
}

/// Baton starts itself, as the relay does: the tree carries the page on.
#[test]
fn baton_after_baton() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let (_, place) = page(&mut session)?;
    for hop in 2..5 {
        session.send_line("bootz baton.zimg");
        session.expect("bootz baton.zimg\r\n")?;
        session.expect_for(flow::BANNER, Duration::from_secs(60))?;
        flow::stop_countdown(&mut session)?;
        let found = page(&mut session)?;
        ensure!(session, found == (hop, place.clone()), "{hop}: {found:?}");
        let said = session.run_ok("log")?;
        let before = hop - 1;
        for line in [
            format!("boot {before}: Baton "),
            "boot baton.zimg: entry 0x".to_owned(),
            "handing over".to_owned(),
            format!("boot {hop}: Baton "),
        ] {
            ensure!(session, said.contains(&line), "no {line:?} in {said}");
        }
        // One node, however many boots.
        let nodes = session.run_ok("fdt print /reserved-memory")?;
        assert_eq!(nodes.matches("baton-log@").count(), 1, "{nodes}");
    }
    Ok(())
}

/// Where the page is full of noise, it is a first boot. Noise that is nearly a log too.
#[test]
fn garbage_is_ignored() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let (_, place) = page(&mut session)?;
    let start = u32::from_str_radix(place.get(3..11).unwrap_or_default(), 16)
        .map_err(|_| harness::Error::check(format!("no page in {place}")))?;
    // U-Boot, after a reset, writes where the log was.
    for (offset, value) in [
        (0x18, 0xffff_ffff_u32),
        (0, 0x1234_5678),
        (0x10, 0xffff_ffff),
    ] {
        session.send_line("reset");
        flow::uboot_prompt(&mut session)?;
        session.run_ok(&format!("mw.l {:x} {value:x} 4", start + offset))?;
        flow::boot_card(&mut session)?;
        flow::stop_countdown(&mut session)?;
        let found = page(&mut session)?;
        ensure!(
            session,
            found == (1, place.clone()),
            "{offset:#x}: {found:?}"
        );
    }
    Ok(())
}

/// Linux shows it to everybody, and leaves the page alone.
#[test]
fn linux_reads_it() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let (_, place) = page(&mut session)?;
    session.run_err("no-such-thing")?;
    session.send_line("boot");
    flow::linux(&mut session, "HYP", 2)?;
    session.send(
        "cd /proc/device-tree; cat chosen/baton,log; hexdump -C chosen/baton,boot-count; \
         ls reserved-memory; mount -t debugfs none /sys/kernel/debug; \
         cat /sys/kernel/debug/memblock/reserved; echo end-$((1 + 1))\n",
    );
    let found = session
        .expect_for("end-2\r\n", Duration::from_secs(60))?
        .before;
    let node = format!("baton-log@{}", place.get(3..11).unwrap_or_default());
    for line in [
        "boot 1: Baton ",
        "Unknown command 'no-such-thing'",
        "boot zImage, initrd.img: entry 0x",
        "00000000  00 00 00 01 ",
        &node,
    ] {
        ensure!(session, found.contains(line), "no {line:?} in {found}");
    }
    // `  12: 0x000000005dfff000..0x000000005dffffff`: it is nobody's there.
    let number = |text: &str| u64::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok();
    let page = number(place.get(1..11).unwrap_or_default());
    let kept = found.lines().any(|line| {
        let ends = line
            .split_once(": ")
            .and_then(|(_, range)| range.split_once(".."));
        let ends = ends.and_then(|(start, end)| Some((number(start)?, number(end)?)));
        ends.zip(page)
            .is_some_and(|((start, end), page)| start <= page && page + 0xfff <= end)
    });
    ensure!(session, kept, "{place} is not reserved: {found}");
    Ok(())
}

/// 5 MiB have no room for much; a page there is.
#[test]
fn a_small_machine_has_it_too() -> Result<()> {
    let machine = Machine::virt(here!()).memory(5).card(Card::built()?);
    let mut session = flow::baton_direct(machine)?;
    let (count, place) = page(&mut session)?;
    ensure!(session, count == 1 && place.starts_with("[0x40"), "{place}");
    build::file("baton.zimg").map(drop)
}

/// Runs a command in Debian's shell, waits for its end, and returns what it printed.
fn in_linux(session: &mut Session, command: &str) -> Result<String> {
    session.send(&format!(
        "echo begin-$((1+1)); {command}; echo end-$?-$((1+1))\n"
    ));
    session.expect_for("begin-2\r\n", Duration::from_secs(60))?;
    let found = session.expect_for("end-0-2\r\n", Duration::from_secs(120))?;
    Ok(found.before.replace('\r', ""))
}

/// Baton, Debian, stock `kexec -l` and `kexec -e`, Baton, Debian, ...: the counter counts, the
/// page stays, the log of the run before is there, and the kernel says the same.
#[test]
fn kexec_from_linux_brings_it_back() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let (_, place) = page(&mut session)?;
    session.run_err("nosuch-command")?;
    for hop in 2..4 {
        session.run_ok("setenv initrdfile lab.img")?;
        session.send_line("boot");
        flow::linux(&mut session, "HYP", 2)?;
        let said = in_linux(&mut session, "cat /proc/device-tree/chosen/baton,log")?;
        ensure!(
            session,
            said.contains("boot zImage, lab.img: entry 0x"),
            "{said}"
        );
        in_linux(
            &mut session,
            "mkdir -p /tmp/card; mount -t vfat -o ro /dev/vda1 /tmp/card",
        )?;
        let line = "kexec -l /tmp/card/baton.zimg \
                    --command-line=\"$(cat /proc/cmdline) baton.bootdelay=-1\"";
        in_linux(&mut session, line)?;
        in_linux(&mut session, "umount /tmp/card")?;
        session.send("kexec -e\n");
        session.expect_for(harness::regex("(?m)^Baton "), Duration::from_secs(60))?;
        session.expect_prompt()?;
        let found = page(&mut session)?;
        ensure!(session, found == (hop, place.clone()), "{hop}: {found:?}");
        let said = session.run_ok("log")?;
        for line in [
            "Unknown command 'nosuch-command'".to_owned(),
            "boot zImage, lab.img: entry 0x".to_owned(),
            "handing over".to_owned(),
            format!("boot {hop}: Baton "),
        ] {
            ensure!(session, said.contains(&line), "no {line:?} in {said}");
        }
        let nodes = session.run_ok("fdt print /reserved-memory")?;
        assert_eq!(nodes.matches("baton-log@").count(), 1, "{nodes}");
    }
    Ok(())
}
