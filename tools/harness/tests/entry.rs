//! Every way in: what starts the image, in which mode, where it is put.

use harness::{Card, Machine, Result, build, ensure, flow, here, regex, witness};

/// Says that Baton runs in `mode` with its caches on, and works.
fn works(session: &mut harness::Session, mode: &str) -> Result<()> {
    flow::is_baton(session)?;
    let info = session.run_ok("bdinfo")?;
    ensure!(
        session,
        info.contains(&format!("= {mode}\n")),
        "not in {mode}: {info}"
    );
    ensure!(
        session,
        info.contains("= on, lines of"),
        "caches are off: {info}"
    );
    session.run_ok("load virtio 0:1 48000000 zImage")?;
    let sum = session.run_ok("crc32 48000000 ${filesize}")?;
    let wanted = format!("==> {:08x}", build::crc32("kernel/zImage")?);
    ensure!(session, sum.contains(&wanted), "{sum} is not {wanted}");
    Ok(())
}

/// The image runs wherever it is put: at U-Boot's usual address, 4 KiB-aligned ones that are
/// aligned to nothing more, across 128 MiB boundaries, near the top, and by both of U-Boot's ways.
fn at(name: &str, address: u32, start: &str) -> Result<()> {
    let mut machine = Machine::virt(name).card(Card::built()?);
    if start.starts_with("go") {
        machine = machine.with_working_go();
    }
    let mut session = machine.start()?;
    flow::uboot_prompt(&mut session)?;
    flow::uboot_load(&mut session, address, "baton.zimg")?;
    session.send_line(start);
    session.expect_for(flow::BANNER, harness::DEFAULT_TIMEOUT)?;
    flow::stop_countdown(&mut session)?;
    works(&mut session, "HYP")?;
    witness::boot(&mut session).map(drop)
}

#[test]
fn bootz_at_the_usual_address() -> Result<()> {
    at(here!(), 0x4040_0000, "bootz 40400000 - ${fdtcontroladdr}")
}

#[test]
fn bootz_at_an_odd_page() -> Result<()> {
    at(here!(), 0x4020_3000, "bootz 40203000 - ${fdtcontroladdr}")
}

#[test]
fn bootz_across_128_mib() -> Result<()> {
    at(here!(), 0x47ff_f000, "bootz 47fff000 - ${fdtcontroladdr}")
}

#[test]
fn bootz_near_the_top() -> Result<()> {
    // U-Boot itself is above; we move over where we are.
    at(here!(), 0x5d80_1000, "bootz 5d801000 - ${fdtcontroladdr}")
}

#[test]
fn bootz_with_the_tree_at_the_start_of_ram() -> Result<()> {
    at(here!(), 0x4040_0000, "bootz 40400000 - 40000000")
}

/// `go` leaves U-Boot's MMU and caches on and passes words in the place of a tree.
#[test]
fn go_with_a_tree() -> Result<()> {
    at(here!(), 0x4020_3000, "go 40203000 ${fdtcontroladdr}")
}

#[test]
fn go_near_the_top() -> Result<()> {
    at(here!(), 0x5c80_1000, "go 5c801000 ${fdtcontroladdr}")
}

/// `go` with these words after the address, which name no tree: Baton says `said`, and goes on with
/// the tree that QEMU left at the start of RAM.
fn go_without_a_tree(name: &str, words: &str, said: &str) -> Result<()> {
    let machine = Machine::virt(name).card(Card::built()?);
    let mut session = machine.with_working_go().start()?;
    flow::uboot_prompt(&mut session)?;
    flow::uboot_load(&mut session, 0x4020_0000, "baton.zimg")?;
    session.run_ok("mw.l 48000000 12345678 100")?;
    let command = format!("go 40200000{words}");
    session.send_line(&command);
    session.expect(format!("{command}\r\n"))?;
    session.forbid(flow::BANNER);
    session.expect_for(regex(said), harness::DEFAULT_TIMEOUT)?;
    session.allow_all();
    flow::stop_countdown(&mut session)?;
    works(&mut session, "HYP")
}

#[test]
fn go_without_a_tree_says_so() -> Result<()> {
    go_without_a_tree(here!(), "", "no device tree was given")
}

#[test]
fn go_with_something_that_is_no_tree_says_so() -> Result<()> {
    // What was given is named: it was not "none".
    let said = "(?i)(48000000.*no device tree|no device tree.*48000000)";
    go_without_a_tree(here!(), " 48000000", said)
}

#[test]
fn qemu_enters_directly_in_hyp() -> Result<()> {
    let machine = Machine::virt(here!()).card(Card::built()?);
    let mut session = flow::baton_direct(machine)?;
    works(&mut session, "HYP")?;
    witness::boot(&mut session).map(drop)
}

#[test]
fn qemu_enters_directly_on_a_cortex_a7() -> Result<()> {
    let machine = Machine::virt(here!()).cpu("cortex-a7").card(Card::built()?);
    let mut session = flow::baton_direct(machine)?;
    works(&mut session, "HYP")?;
    let info = session.run_ok("bdinfo")?;
    assert!(info.contains("Cortex-A7"), "{info}");
    witness::boot(&mut session).map(drop)
}

/// 5 MiB hold no home beside the image: it stays where it is, clear of the tree at 2.5 MiB, and
/// knows what it was entered with.
#[test]
fn without_room_for_a_home_it_stays() -> Result<()> {
    let machine = Machine::virt(here!()).memory(5).card(Card::built()?);
    let mut session = flow::baton_direct(machine)?;
    let info = session.run_ok("bdinfo")?;
    for line in [
        "fdt_blob    = 0x40280000\n",
        "entered at  = 0x40010000\n",
        "loader      = [0x40010000-0x4027ffff] Baton\n",
    ] {
        ensure!(session, info.contains(line), "no {line:?} in {info}");
    }
    session
        .run_ok("load virtio 0:1 40300000 boot.scr")
        .map(drop)
}

#[test]
fn the_first_stage_sets_variables() -> Result<()> {
    let machine = Machine::virt(here!())
        .card(Card::built()?)
        .kernel(&build::file("baton.zimg")?)
        .append("console=ttyAMA0 baton.bootdelay=5 baton.bootcmd=\"echo hi there\" quiet");
    let mut session = machine.start()?;
    flow::stop_countdown(&mut session)?;
    flow::is_baton(&mut session)?;
    assert_eq!(session.run_ok("printenv bootdelay")?, "bootdelay=5\n");
    assert_eq!(
        session.run_ok("printenv bootcmd")?,
        "bootcmd=echo hi there\n"
    );
    assert_eq!(
        session.run_ok("printenv bootargs")?,
        "bootargs=console=ttyAMA0 quiet\n"
    );
    Ok(())
}

/// `bootdelay=0` does not wait, and a `bootcmd` that returns ends at the prompt.
#[test]
fn the_first_stage_gives_a_command() -> Result<()> {
    let machine = Machine::virt(here!())
        .kernel(&build::file("baton.zimg")?)
        .append("baton.bootdelay=0 baton.bootcmd=\"echo hi there\"");
    let mut session = machine.start()?;
    session.expect_for("hi there\r\n", harness::DEFAULT_TIMEOUT)?;
    session.expect_prompt()?;
    flow::is_baton(&mut session)
}

/// No HYP: said in one line, and everything works in SVC.
#[test]
fn svc_is_said_and_works() -> Result<()> {
    let machine = Machine::virt(here!())
        .without_virtualization()
        .card(Card::built()?);
    let mut session = flow::baton_direct(machine)?;
    let said = session.transcript();
    assert!(said.contains("SVC"), "{said}");
    works(&mut session, "SVC")?;
    let report = witness::boot(&mut session)?;
    assert_eq!(report.rule("mode.entry"), Some("PASS"), "{}", report.text);
    Ok(())
}

#[test]
fn svc_under_uboot_works() -> Result<()> {
    let machine = Machine::virt(here!())
        .without_virtualization()
        .card(Card::built()?);
    let mut session = flow::baton_on(machine)?;
    works(&mut session, "SVC")
}
