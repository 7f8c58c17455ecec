//! Debian's kernel to userspace: the job itself.

use std::time::Duration;

use harness::{Card, Machine, Result, build, flow, here};

/// From U-Boot's prompt on by itself: Baton's countdown runs out.
fn boots(machine: Machine, mode: &str) -> Result<()> {
    let mut session = machine.card(Card::built()?).start()?;
    flow::uboot_prompt(&mut session)?;
    flow::boot_card(&mut session)?;
    flow::linux(&mut session, mode, 2)
}

/// Nobody touches the keyboard from power-on to the shell.
#[test]
fn untouched() -> Result<()> {
    let mut session = Machine::virt(here!()).card(Card::built()?).start()?;
    session.expect(flow::COUNTDOWN)?;
    session.expect_for(flow::BANNER, Duration::from_secs(60))?;
    session.expect(flow::COUNTDOWN)?;
    flow::linux(&mut session, "HYP", 2)?;
    // The kernel says what the tree told it.
    session.send("cat /proc/cmdline; echo end-$((1 + 1))\n");
    let found = session.expect_for("end-2\r\n", Duration::from_secs(60))?;
    assert!(found.before.contains("console=ttyAMA0"), "{}", found.before);
    Ok(())
}

#[test]
fn with_128_mib() -> Result<()> {
    boots(Machine::virt(here!()).memory(128), "HYP")
}

#[test]
fn with_2_gib() -> Result<()> {
    boots(Machine::virt(here!()).memory(2048), "HYP")
}

#[test]
fn on_a_cortex_a7() -> Result<()> {
    boots(Machine::virt(here!()).cpu("cortex-a7"), "HYP")
}

#[test]
fn in_svc() -> Result<()> {
    boots(Machine::virt(here!()).without_virtualization(), "SVC")
}

#[test]
fn entered_by_qemu() -> Result<()> {
    let mut session = Machine::virt(here!())
        .card(Card::built()?)
        .kernel(&build::file("baton.zimg")?)
        .append("console=ttyAMA0 baton.bootdelay=0")
        .start()?;
    flow::linux(&mut session, "HYP", 2)
}

/// By hand, from places of the user's own.
#[test]
fn from_addresses() -> Result<()> {
    let mut session = flow::baton(here!())?;
    // Inside the first 128 MiB, above what the kernel inflates to.
    session.run_ok("load virtio 0:1 50000000 initrd.img")?;
    session.run_ok("setenv initrdsize ${filesize}")?;
    session.run_ok("load virtio 0:1 44000000 zImage")?;
    session.send_line("bootz 44000000 50000000:${initrdsize}");
    flow::linux(&mut session, "HYP", 2)
}

/// At a multiple of 128 MiB the decompressor would write its page tables over the image's end.
#[test]
fn a_bad_address_is_refused_and_a_better_one_works() -> Result<()> {
    let mut session = flow::baton(here!())?;
    session.run_ok("load virtio 0:1 48000000 zImage")?;
    let said = session.run_err("bootz 48000000 initrd.img")?;
    let better = said.rsplit_once("try 0x").map(|(_, rest)| rest);
    let better = better.and_then(|rest| rest.get(..8)).unwrap_or_default();
    assert_eq!(better.len(), 8, "no better address in: {said}");
    session.run_ok(&format!("load virtio 0:1 {better} zImage"))?;
    session.send_line(&format!("bootz {better} initrd.img"));
    flow::linux(&mut session, "HYP", 2)
}

/// After an evening at the prompt.
#[test]
fn after_much_else() -> Result<()> {
    let mut session = flow::baton(here!())?;
    session.run_ok("mw.l 48000000 ffffffff 400000")?;
    session.run_ok("load virtio 0:1 50000000 initrd.img")?;
    session.run_ok("fdt mknode / of-baton")?;
    session.run_ok("fdt set /of-baton says linux-reads-this")?;
    session.run_ok("setenv bootargs console=ttyAMA0 probe=yes")?;
    session.run_err("md.l 70000000 1")?;
    session.run_ok("bootz -n ${bootfile} ${initrdfile}")?;
    session.send_line("boot");
    flow::linux(&mut session, "HYP", 2)?;
    session.send("cat /proc/cmdline; echo end-$((1 + 1))\n");
    let found = session.expect_for("end-2\r\n", Duration::from_secs(60))?;
    assert!(found.before.contains("probe=yes"), "{}", found.before);
    // What `fdt` changed is what Linux got.
    session.send("cat /proc/device-tree/of-baton/says; echo end-$((1 + 2))\n");
    let found = session.expect_for("end-3\r\n", Duration::from_secs(60))?;
    assert!(
        found.before.contains("linux-reads-this"),
        "{}",
        found.before
    );
    Ok(())
}
