//! What cannot be done is refused: the offending value is named, `$?` is 1, the prompt lives,
//! and nothing has changed.

use harness::{Card, Machine, Result, Session, build, ensure, flow, here, witness};

/// Memory that every refused command could have written: 1 MiB at [`flow::FREE`].
const CANARY: &str = "crc32 48000000 100000";

/// Refuses each command, and checks what it says and that it did nothing.
fn refuses(session: &mut Session, commands: &[(&str, &str)]) -> Result<()> {
    session.run_ok("mw.l 48000000 5a5a5a5a 40000")?;
    let before = session.run_ok(CANARY)?;
    session.forbid("Starting kernel");
    for (command, named) in commands {
        let said = session.run_err(command)?;
        ensure!(
            session,
            said.contains(named),
            "{command}: no \"{named}\" in:\n{said}"
        );
        let after = session.run_ok(CANARY)?;
        ensure!(session, before == after, "{command}: memory changed");
    }
    session.allow_all();
    flow::is_baton(session)
}

/// The built card with a change.
fn baton_with(name: &str, change: impl FnOnce(Card) -> Result<Card>) -> Result<Session> {
    flow::baton_on(Machine::virt(name).card(change(Card::built()?)?))
}

/// Bytes that are nothing, the same in every run (xorshift32).
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let bytes = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    });
    bytes.take(length).collect()
}

#[test]
fn files_and_volumes_that_are_not_there() -> Result<()> {
    let mut session = baton_with(here!(), |card| card.with_directory("folder"))?;
    refuses(
        &mut session,
        &[
            ("load virtio 0:1 48000000 nosuch.bin", "nosuch.bin"),
            ("load virtio 0:1 48000000 folder/nosuch.bin", "nosuch.bin"),
            ("load virtio 0:1 48000000 zImage/nosuch.bin", "zImage"),
            ("load virtio 0:1 48000000 folder", "folder"),
            ("ls virtio 0:1 nosuch", "nosuch"),
            ("load virtio 0:5 48000000 zImage", "5"),
            ("load virtio 7:1 48000000 zImage", "7"),
            ("load mmc 0:1 48000000 zImage", "mmc"),
            ("load virtio x:1 48000000 zImage", "x:1"),
            ("load virtio 0:1 4800000g zImage", "4800000g"),
            ("ls virtio 0:9", "9"),
            ("part list virtio 3", "3"),
            ("bootz nosuch.zimg", "nosuch.zimg"),
            ("bootz folder", "folder"),
            ("bootz zImage nosuch.img", "nosuch.img"),
            ("bootz zImage folder", "folder"),
            ("bootz zImage initrd.img nosuch.dtb", "nosuch.dtb"),
        ],
    )?;
    witness::boot(&mut session).map(drop)
}

#[test]
fn kernels_that_are_none() -> Result<()> {
    let kernel = build::read("kernel/zImage")?;
    let mut session = baton_with(here!(), |card| {
        card.with_file("short.zimg", &kernel[..100_000])?
            .with_file("header.zimg", &kernel[..0x30])?
            .with_file("table.zimg", &kernel[..0x40])?
            .with_file("noise.zimg", &noise(100_000))?
            .with_file("empty.zimg", b"")?
            .with_file("tags.zimg", &{
                // The tag table is said to lie far outside.
                let mut broken = kernel.clone();
                broken[0x38..0x3c].copy_from_slice(&0xffff_fff0_u32.to_le_bytes());
                broken
            })?
            .with_file("end.zimg", &{
                let mut broken = kernel.clone();
                broken[0x2c..0x30].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
                broken
            })
    })?;
    refuses(
        &mut session,
        &[
            (
                "bootz short.zimg initrd.img",
                "truncated zImage: 100000 bytes",
            ),
            ("bootz header.zimg initrd.img", "zImage"),
            ("bootz table.zimg initrd.img", "zImage"),
            ("bootz noise.zimg initrd.img", "magic"),
            ("bootz empty.zimg initrd.img", "zImage"),
            ("bootz tags.zimg initrd.img", "0xfffffff0"),
            ("bootz end.zimg initrd.img", "zImage"),
            ("bootz initrd.img", "magic"),
            // The same out of memory.
            ("bootz 48000000", "magic"),
            ("bootz 70000000", "70000000"),
            ("bootz 0", "0"),
            ("bootelf 48000000", "ELF"),
        ],
    )?;
    witness::boot(&mut session).map(drop)
}

#[test]
fn kernels_in_memory_that_are_cut() -> Result<()> {
    let mut session = flow::baton(here!())?;
    session.run_ok("load virtio 0:1 50000000 zImage")?;
    session.run_ok("mw.l 5000002c ffffffff")?;
    refuses(&mut session, &[("bootz 50000000", "zImage")])?;
    session.run_ok("load virtio 0:1 50000000 zImage")?;
    session.run_ok("mw.l 50000024 0")?;
    refuses(&mut session, &[("bootz 50000000", "magic")])
}

#[test]
fn places_that_are_taken() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let info = session.run_ok("bdinfo")?;
    // `loader      = [0x5fe00000-0x5fffffff] image`: one line for each of the loader's claims.
    let loader: Vec<String> = info
        .lines()
        .filter(|line| line.starts_with("loader "))
        .filter_map(|line| Some(line.split_once("[0x")?.1.split_once('-')?.0.to_owned()))
        .collect();
    ensure!(
        session,
        !loader.is_empty(),
        "bdinfo does not say where the loader is: {info}"
    );
    let over: Vec<(String, String)> = loader
        .iter()
        .map(|start| (format!("load virtio 0:1 {start} initrd.img"), start.clone()))
        .collect();
    let over: Vec<(&str, &str)> = over
        .iter()
        .map(|(command, start)| (command.as_str(), start.as_str()))
        .collect();
    refuses(&mut session, &over)?;
    let kernel = build::read("kernel/zImage")?.len();
    refuses(
        &mut session,
        &[
            ("load virtio 0:1 0 zImage", "0x00000000"),
            ("load virtio 0:1 9000000 zImage", "0x09000000"),
            ("load virtio 0:1 70000000 zImage", "0x70000000"),
            ("load virtio 0:1 3ffff000 zImage", "0x3ffff000"),
            // Into the loader, whose top is RAM's, or over its end.
            ("load virtio 0:1 5ffff000 zImage", "0x5ffff000"),
            ("load virtio 0:1 fffff000 zImage", "fffff000"),
        ],
    )?;
    // A part of a file is asked for, and fits; all of it would not.
    assert!(kernel > 0x1000);
    session.run_ok("load virtio 0:1 48000000 zImage 1000")?;
    assert_eq!(session.run_ok("echo ${filesize}")?, "1000\n");
    witness::boot(&mut session).map(drop)
}

/// The first stage's tree reserves memory: nothing is loaded there, nothing placed there.
#[test]
fn memory_that_is_reserved() -> Result<()> {
    let card = Card::built()?.with_script(
        "load ${devtype} ${devnum}:${distro_bootpart} ${kernel_addr_r} baton.zimg\n\
         fdt addr ${fdtcontroladdr}\n\
         fdt resize 1000\n\
         fdt rsvmem add 0x4c000000 0x100000\n\
         bootz ${kernel_addr_r} - ${fdtcontroladdr}\n",
    )?;
    let mut session = flow::baton_on(Machine::virt(here!()).card(card))?;
    let info = session.run_ok("bdinfo")?;
    assert!(info.contains("0x4c000000-0x4c0fffff"), "{info}");
    refuses(
        &mut session,
        &[
            ("load virtio 0:1 4c000000 boot.scr", "0x4c000000"),
            ("load virtio 0:1 4c0fff00 zImage", "0x4c0fff00"),
            ("load virtio 0:1 4bfff000 zImage", "0x4bfff000"),
        ],
    )?;
    // Up to the first byte and from the last one on is allowed.
    session.run_ok("load virtio 0:1 4bfff000 zImage 1000")?;
    session.run_ok("load virtio 0:1 4c100000 zImage")?;
    // The reservation is in the tree that the payload gets.
    let report = witness::boot(&mut session)?;
    assert_eq!(
        report.rule("places.unreserved"),
        Some("PASS"),
        "{}",
        report.text
    );
    Ok(())
}

/// What the kernel would decompress over is refused with the reason.
#[test]
fn an_initrd_where_the_kernel_inflates() -> Result<()> {
    let mut session = flow::baton(here!())?;
    session.run_ok("load virtio 0:1 40400000 initrd.img")?;
    refuses(
        &mut session,
        &[
            ("bootz zImage 40400000:${filesize}", "0x40400000"),
            ("bootz zImage 48000000:70000000", "48000000"),
            ("bootz zImage 70000000:1000", "70000000"),
            ("bootz zImage 48000000:xyz", "xyz"),
            ("bootz zImage initrd.img 48000000", "magic"),
            ("bootz zImage initrd.img 70000000", "70000000"),
        ],
    )?;
    witness::boot(&mut session).map(drop)
}

#[test]
fn an_initrd_larger_than_memory() -> Result<()> {
    let card = Card::blank(256)?
        .with_built_files()?
        .with_file("huge.img", &vec![0; 130 << 20])?;
    let mut session = flow::baton_on(Machine::virt(here!()).memory(128).card(card))?;
    let said = session.run_err("bootz zImage huge.img")?;
    // 130 MiB, one way or another.
    ensure!(
        session,
        said.contains("8200000") || said.contains("136314880") || said.contains("130 MiB"),
        "{said}"
    );
    let said = session.run_err("load virtio 0:1 42000000 huge.img")?;
    ensure!(session, said.contains("42000000"), "{said}");
    witness::boot(&mut session).map(drop)
}

#[test]
fn words_that_make_no_sense() -> Result<()> {
    let mut session = flow::baton(here!())?;
    for command in [
        "md",
        "mw 1",
        "cp 1 2",
        "cmp 1 2",
        "crc32 1",
        "setenv",
        "run",
        "bootz",
        "go",
        "bootelf",
        "load virtio",
        "part",
        "fdt",
        "virtio",
        "sleep",
    ] {
        // Some of them mean something without an argument; none of them may take us away.
        let output = session.run(command)?;
        ensure!(
            session,
            output.status <= 1,
            "{command}: status {}",
            output.status
        );
    }
    for (command, named) in [
        ("md zz", "zz"),
        ("md 123456789012345678", "123456789012345678"),
        ("sleep abc", "abc"),
        ("echo a; fi", "fi"),
        ("setenv 'a=b' c", "a=b"),
        ("fdt print /nosuch", "/nosuch"),
    ] {
        let said = session.run_err(command)?;
        ensure!(
            session,
            said.contains(named),
            "{command}: no \"{named}\" in:\n{said}"
        );
    }
    flow::is_baton(&mut session)
}
