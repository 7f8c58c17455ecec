//! `bootz -n` shows the plan as a map and returns; `bootz -v` shows each step of the handoff.

use harness::{Card, Machine, Result, Session, build, ensure, flow, here, regex};

/// A row of the map: first and last address, and what it is.
fn rows(map: &str) -> Vec<(u64, u64, String)> {
    let row = |line: &str| {
        let (range, rest) = line.strip_prefix("[0x")?.split_once(']')?;
        let (first, last) = range.split_once("-0x")?;
        Some((
            u64::from_str_radix(first, 16).ok()?,
            u64::from_str_radix(last, 16).ok()?,
            rest.trim().to_owned(),
        ))
    };
    map.lines().filter_map(row).collect()
}

/// Plans a boot, and judges the map: everything in RAM, nothing on top of another.
fn plan(session: &mut Session, command: &str, mib: u64) -> Result<String> {
    let map = session.run_ok(command)?;
    let rows = rows(&map);
    for what in ["initrd", "device tree"] {
        let there = rows.iter().any(|(_, _, row)| row.contains(what));
        ensure!(session, there, "no {what} in the map:\n{map}");
    }
    ensure!(session, rows.len() >= 3, "too few rows:\n{map}");
    let end = 0x4000_0000 + (mib << 20);
    for (index, (first, last, what)) in rows.iter().enumerate() {
        let inside = 0x4000_0000 <= *first && first <= last && *last < end;
        ensure!(session, inside, "{what} is not in RAM:\n{map}");
        for (other_first, other_last, other) in rows.iter().skip(index + 1) {
            let apart = last < other_first || other_last < first;
            ensure!(session, apart, "{what} and {other} overlap:\n{map}");
        }
    }
    Ok(map)
}

/// The plan's places depend on the memory's size; its rules don't.
fn plans(name: &str, mib: u32) -> Result<()> {
    let machine = Machine::virt(name).memory(mib).card(Card::built()?);
    let mut session = flow::baton_on(machine)?;
    let map = plan(&mut session, "bootz -n zImage initrd.img", mib.into())?;
    ensure!(session, !map.contains("Starting"), "{map}");
    // The same again: planning leaves nothing behind.
    let again = plan(&mut session, "bootz -n zImage initrd.img", mib.into())?;
    ensure!(session, map == again, "{map} became {again}");
    plan(&mut session, "bootz -n report.zimg initrd.img", mib.into())?;
    flow::is_baton(&mut session)
}

#[test]
fn with_128_mib() -> Result<()> {
    plans(here!(), 128)
}

#[test]
fn with_512_mib() -> Result<()> {
    plans(here!(), 512)
}

#[test]
fn with_3_gib() -> Result<()> {
    plans(here!(), 3072)
}

#[test]
fn a_dry_run_refuses_what_a_boot_would() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let said = session.run_err("bootz -n nosuch.zimg")?;
    assert!(said.contains("nosuch.zimg"), "{said}");
    let said = session.run_err("bootz -n zImage 40400000:1000")?;
    assert!(said.contains("40400000"), "{said}");
    Ok(())
}

/// One raw character before each step that can hang, on the last line before the kernel's first.
#[test]
fn a_verbose_handoff_shows_its_steps() -> Result<()> {
    let mut session = flow::baton(here!())?;
    session.send_line("bootz -v zImage initrd.img");
    let kernel = regex(r"\[    0\.000000\] Booting Linux");
    let found = session.expect_for(kernel, std::time::Duration::from_secs(120))?;
    let before = found.before.replace('\r', "");
    let steps = before.lines().rev().find(|line| !line.trim().is_empty());
    let steps = steps.unwrap_or_default().to_owned();
    ensure!(
        session,
        steps.len() >= 4 && !steps.contains(' '),
        "no steps before the kernel: {before}"
    );
    flow::linux(&mut session, "HYP", 2)
}

/// The kernel stays where it is put: it need not move itself before it inflates.
#[test]
fn the_kernel_does_not_lie_where_it_inflates() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let kernel = u64::try_from(build::read("kernel/zImage")?.len()).unwrap();
    let map = session.run_ok("bootz -n zImage initrd.img")?;
    let rows = rows(&map);
    let image = rows.iter().find(|(first, last, what)| {
        last - first + 1 >= kernel && last - first < kernel + 0x1000 && !what.contains("initrd")
    });
    let Some((first, _, _)) = image else {
        return Err(session.fail(harness::ErrorKind::Check(format!("no image in:\n{map}"))));
    };
    // It inflates to more than 10 MiB from 32 KiB on.
    ensure!(session, *first > 0x4000_8000 + (10 << 20), "{map}");
    ensure!(session, *first + kernel <= 0x4800_0000, "{map}");
    Ok(())
}
