//! Memory that the first stage keeps: its initrd, and what is not even to be mapped.

use harness::{Card, FirstStage, Machine, Result, Session, build, ensure, flow, here, witness};

/// QEMU is the first stage, with an initrd.
fn with_initrd(name: &str, append: &str) -> Result<Machine> {
    let machine = Machine::virt(name).card(Card::built()?);
    Ok(machine.first_stage(FirstStage::Kernel {
        image: build::file("baton.zimg")?,
        append: Some(append.to_owned()),
        initrd: Some(build::file("initrd.img")?),
        dtb: None,
    }))
}

/// At Baton's prompt, with QEMU's initrd. Returns its address and size, as `initrdfile` has them.
fn baton_with_initrd(name: &str) -> Result<(Session, String)> {
    let mut session = with_initrd(name, "console=ttyAMA0")?.start()?;
    flow::stop_countdown(&mut session)?;
    flow::is_baton(&mut session)?;
    let said = session.transcript();
    ensure!(
        session,
        said.contains("first stage's initrd at [0x"),
        "not said: {said}"
    );
    let place = session.run_ok("echo ${initrdfile}")?.trim().to_owned();
    let size = build::read("initrd.img")?.len();
    ensure!(session, place.ends_with(&format!(":{size:x}")), "{place}");
    Ok((session, place))
}

#[test]
fn the_first_stages_initrd_is_used() -> Result<()> {
    let (mut session, place) = baton_with_initrd(here!())?;
    let address = place.split(':').next().unwrap_or_default();
    // It is kept, and can be read.
    let refused = session.run_err(&format!("load virtio 0:1 {address} boot.scr"))?;
    ensure!(
        session,
        refused.contains("first stage's initrd"),
        "{refused}"
    );
    let plan = session.run_ok("bootz -n report.zimg")?;
    let sum = format!("initrd, crc32 {:08x}", build::crc32("initrd.img")?);
    ensure!(session, plan.contains(&sum), "{plan}");
    ensure!(session, !plan.contains("first stage"), "{plan}");
    // Not asked for, it is still not overwritten.
    let plan = session.run_ok("bootz -n report.zimg -")?;
    ensure!(session, plan.contains("first stage's initrd"), "{plan}");
    ensure!(session, !plan.contains("initrd, crc32"), "{plan}");
    let report = witness::boot_by(&mut session, "bootz report.zimg")?;
    ensure!(session, report.text.contains("PASS"), "{}", report.text);
    Ok(())
}

#[test]
fn kexec_reuses_it_when_told_to() -> Result<()> {
    let (mut session, _) = baton_with_initrd(here!())?;
    let plain = session.run_ok("kexec -l zImage")?;
    ensure!(session, !plain.contains("initrd, crc32"), "{plain}");
    let reused = session.run_ok("kexec -l zImage --reuseinitrd")?;
    ensure!(session, reused.contains("initrd, crc32"), "{reused}");
    session.run_ok("kexec -u")?;
    // It is kept all the same.
    let address = session.run_ok("echo ${initrdfile}")?;
    let address = address.split(':').next().unwrap_or_default();
    session
        .run_err(&format!("load virtio 0:1 {address} boot.scr"))
        .map(drop)
}

/// Nobody touches the keyboard: the kernel from the card, the initrd from QEMU.
#[test]
fn debian_boots_with_it() -> Result<()> {
    let machine = with_initrd(here!(), "console=ttyAMA0 baton.bootdelay=0")?;
    let card = Card::built()?.without("initrd.img")?;
    let mut session = machine.card(card).start()?;
    flow::linux(&mut session, "HYP", 2)
}

/// U-Boot's `bootz` with an initrd: it writes a /memreserve/ entry for it, too.
#[test]
fn ubootz_with_an_initrd() -> Result<()> {
    let mut session = Machine::virt(here!()).card(Card::built()?).start()?;
    flow::uboot_prompt(&mut session)?;
    flow::uboot_load(&mut session, 0x4400_0000, "initrd.img")?;
    session.run_ok("setenv initrdsize ${filesize}")?;
    flow::uboot_load(&mut session, 0x4040_0000, "baton.zimg")?;
    session.send_line("bootz 40400000 44000000:${initrdsize} ${fdtcontroladdr}");
    session.expect_for(flow::BANNER, harness::DEFAULT_TIMEOUT)?;
    flow::stop_countdown(&mut session)?;
    flow::is_baton(&mut session)?;
    witness::boot_by(&mut session, "bootz report.zimg").map(drop)
}

/// At Baton's prompt; U-Boot's tree has a `no-map` region of `size` bytes at `start`.
fn baton_with_no_map(name: &str, start: u32, size: u32) -> Result<Session> {
    let card = Card::built()?.with_script(&format!(
        "load ${{devtype}} ${{devnum}}:${{distro_bootpart}} ${{kernel_addr_r}} baton.zimg\n\
         fdt addr ${{fdtcontroladdr}}\n\
         fdt resize 1000\n\
         fdt mknode / reserved-memory\n\
         fdt set /reserved-memory \\#address-cells <2>\n\
         fdt set /reserved-memory \\#size-cells <2>\n\
         fdt set /reserved-memory ranges\n\
         fdt mknode /reserved-memory secure@{start:x}\n\
         fdt set /reserved-memory/secure@{start:x} reg <0 {start:#x} 0 {size:#x}>\n\
         fdt set /reserved-memory/secure@{start:x} no-map\n\
         bootz ${{kernel_addr_r}} - ${{fdtcontroladdr}}\n"
    ))?;
    flow::baton_on(Machine::virt(name).card(card))
}

/// Where Baton itself would live: it goes elsewhere before anything is mapped.
#[test]
fn no_map_at_the_top_of_memory() -> Result<()> {
    let mut session = baton_with_no_map(here!(), 0x5f80_0000, 0x80_0000)?;
    let info = session.run_ok("bdinfo")?;
    ensure!(
        session,
        info.contains("loader      = [0x5f400000-0x5f7fffff] Baton\n"),
        "{info}"
    );
    for address in ["5f800000", "5ffffffc"] {
        let fault = session.run_err(&format!("md {address} 1"))?;
        ensure!(session, fault.contains("translation fault"), "{fault}");
    }
    witness::boot(&mut session).map(drop)
}

/// A first stage that contradicts itself: its tree lies in what it says is not to be mapped. There
/// is a prompt all the same.
#[test]
fn no_map_over_the_tree_itself() -> Result<()> {
    let mut session = baton_with_no_map(here!(), 0x5ec0_0000, 0x40_0000)?;
    let fault = session.run_err("md 5ec00000 1")?;
    ensure!(session, fault.contains("translation fault"), "{fault}");
    witness::boot(&mut session).map(drop)
}

/// The first stage's tree has a `no-map` region: it is never mapped, nothing is put there, and the
/// memory around it is as good as ever.
#[test]
fn no_map_is_not_mapped() -> Result<()> {
    let mut session = baton_with_no_map(here!(), 0x4c0f_f000, 0x30_2000)?;
    let info = session.run_ok("bdinfo")?;
    ensure!(session, info.contains("secure@4c0ff000"), "{info}");
    for address in ["4c0ff000", "4c1ffffc", "4c200000", "4c3ffffc", "4c400ffc"] {
        let fault = session.run_err(&format!("md {address} 1"))?;
        ensure!(session, fault.contains("translation fault"), "{fault}");
        let fault = session.run_err(&format!("mw {address} 1"))?;
        ensure!(session, fault.contains("translation fault"), "{fault}");
    }
    for address in ["4c0feffc", "4c401000"] {
        session.run_ok(&format!("mw {address} 600dcafe; md {address} 1"))?;
    }
    session.run_err("load virtio 0:1 4c3ff000 boot.scr")?;
    let report = witness::boot(&mut session)?;
    ensure!(
        session,
        report.rule("places.unreserved") == Some("PASS"),
        "{}",
        report.text
    );
    Ok(())
}
