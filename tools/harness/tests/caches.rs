//! Every handoff under the cache checker: not one line forgotten.

use std::time::Duration;

use harness::{
    Card, Machine, Result, Session, build,
    caches::{Verdicts, Watch, Watched},
    flow, here, linux,
    soak::squatter::squat,
    witness,
};

/// Starts a watched machine with the built card and goes from U-Boot's `bootz` to Baton's prompt.
fn by_bootz(machine: Machine) -> Result<Watch> {
    let mut watch = Watched::new(machine.card(Card::built()?))?.start()?;
    flow::baton_prompt(&mut watch.session)?;
    Ok(watch)
}

/// How long QEMU may take to end.
const END: Duration = Duration::from_secs(60);

/// How long Debian's programs may take when every access of theirs is looked at.
const SLOW: Duration = Duration::from_secs(180);

/// Boots the witness and lets it report, but for the CRCs, which take half a minute here: what is
/// in memory is the other tests' affair.
fn boot_witness(session: &mut Session, command: &str) -> Result<()> {
    session.run_ok("setenv bootargs report.then=poweroff")?;
    session.send_line(command);
    session.expect(format!("{command}\r\n"))?;
    witness::read(session)?;
    session.expect_exit(END).map(drop)
}

/// From the card, with the initrd.
fn boot_from_card(session: &mut Session) -> Result<()> {
    boot_witness(session, "bootz report.zimg initrd.img")
}

/// Files read by DMA to where they stay.
#[test]
fn bootz_and_the_witness() -> Result<()> {
    let mut watch = by_bootz(Machine::virt(here!()))?;
    boot_from_card(&mut watch.session)?;
    watch.all_clean(2).map(drop)
}

#[test]
fn on_a_cortex_a7() -> Result<()> {
    let mut watch = by_bootz(Machine::virt(here!()).cpu("cortex-a7"))?;
    boot_from_card(&mut watch.session)?;
    watch.all_clean(2).map(drop)
}

#[test]
fn in_svc() -> Result<()> {
    let mut watch = by_bootz(Machine::virt(here!()).without_virtualization())?;
    boot_from_card(&mut watch.session)?;
    watch.all_clean(2).map(drop)
}

/// From secure SVC: U-Boot's lines are secure, ours are not, and the monitor's pages are written past
/// all caches.
#[test]
fn from_secure_svc() -> Result<()> {
    let mut watch = by_bootz(Machine::virt(here!()).secure())?;
    boot_from_card(&mut watch.session)?;
    watch.all_clean(2).map(drop)
}

/// QEMU enters Baton itself: there are no caches to clean before.
#[test]
fn entered_by_qemu() -> Result<()> {
    let baton = build::file("baton.zimg")?;
    let machine = Machine::virt(here!()).card(Card::built()?).kernel(&baton);
    let mut watch = Watched::new(machine)?.start()?;
    watch.session.expect(flow::BANNER)?;
    flow::stop_countdown(&mut watch.session)?;
    boot_from_card(&mut watch.session)?;
    watch.all_clean(2).map(drop)
}

/// `go` leaves U-Boot's caches on; and Baton's own CPU writes the payload: the image, and an
/// initrd, are copies.
fn by_go(machine: Machine) -> Result<()> {
    let machine = machine.card(Card::built()?).with_working_go();
    let mut watch = Watched::new(machine)?.start()?;
    let session = &mut watch.session;
    flow::uboot_prompt(session)?;
    flow::uboot_load(session, 0x4040_0000, "baton.zimg")?;
    session.send_line("go 40400000");
    session.expect(flow::BANNER)?;
    flow::stop_countdown(session)?;
    session.run_ok("load virtio 0:1 4c000000 initrd.img")?;
    session.run_ok("cp.b 4c000000 4d000000 ${filesize}; setenv initrdsize ${filesize}")?;
    session.run_ok("load virtio 0:1 50000000 report.zimg")?;
    session.run_ok("cp.b 50000000 42000000 ${filesize}")?;
    boot_witness(session, "bootz 42000000 4d000000:${initrdsize}")?;
    let verdicts = watch.all_clean(2)?;
    let last = verdicts.handoffs.last();
    assert!(
        last.is_some_and(|verdict| verdict.dirty > 700),
        "the copies were dirty: {}",
        verdicts.text
    );
    Ok(())
}

#[test]
fn go_and_a_copied_image() -> Result<()> {
    by_go(Machine::virt(here!()))
}

/// U-Boot's caches are on, and what is in them is secure: all of it goes to memory before the state
/// changes.
#[test]
fn go_in_secure_svc() -> Result<()> {
    by_go(Machine::virt(here!()).secure())
}

/// Debian, until its decompressor has its own caches on.
#[test]
fn debian() -> Result<()> {
    let machine = Machine::virt(here!()).card(Card::built()?);
    let mut watch = Watched::new(machine)?.stop_after(2).start()?;
    let session = &mut watch.session;
    flow::baton_prompt(session)?;
    session.send_line("boot");
    flow::linux(session, "HYP", 1)?;
    watch.all_clean(2).map(drop)
}

/// The Orange Pi from its boot ROM on: SPL and U-Boot in secure state, whose banks of registers are
/// others, U-Boot's own monitor, Baton in HYP; files by the chip's DMA; Debian, as above.
#[test]
fn orangepi_pc_and_debian() -> Result<()> {
    let card = Card::built_for("orangepi-pc")?;
    let machine = Machine::orangepi_pc(here!()).card(card);
    let mut watch = Watched::new(machine)?.stop_after(2).start()?;
    let session = &mut watch.session;
    session.expect_for(flow::BANNER, SLOW)?;
    session.expect_for("Booting Linux on physical CPU", SLOW)?;
    watch.all_clean(2).map(drop)
}

/// The Orange Pi by `go`: U-Boot in secure state with its caches on, Baton's monitor, which starts the
/// other processors for the witness.
#[test]
fn orangepi_pc_by_go() -> Result<()> {
    let card = Card::built_for("orangepi-pc")?;
    let machine = Machine::orangepi_pc(here!()).card(card);
    let mut watch = Watched::new(machine)?.start()?;
    let session = &mut watch.session;
    session.expect_for("U-Boot SPL ", SLOW)?;
    session.expect_for(flow::COUNTDOWN, SLOW)?;
    session.send(" ");
    session.expect_prompt()?;
    session.run_ok("load mmc 0:1 42000000 baton.zimg")?;
    session.run_ok("load mmc 0:1 43000000 sun8i-h3-orangepi-pc.dtb")?;
    session.send_line("go 42000000 43000000 40000000 40000000");
    session.expect_for(flow::BANNER, SLOW)?;
    flow::stop_countdown(session)?;
    // Nothing turns this board off.
    session.run_ok("setenv bootargs report.then=halt")?;
    session.send_line("bootz report.zimg initrd.img");
    let report = witness::read(session)?;
    assert_eq!(report.rule("cpus.mode"), Some("PASS"), "{}", report.text);
    let verdicts = watch.verdicts()?;
    assert_eq!(verdicts.inconclusive, None, "{}", verdicts.text);
    let [first, second] = verdicts.handoffs.as_slice() else {
        panic!("{}", verdicts.text);
    };
    // U-Boot's processor copied the image from the card's FIFO, and `go` cleans nothing: Baton's first
    // instructions are in the checker's caches still, which are as large as memory. Those of the chip
    // hold 32 KiB, and what was copied behind them has pushed them out. Nothing else may be wrong.
    for violation in &first.violations {
        assert_eq!(violation.kind, "fetch-dirty", "{violation}");
        assert_eq!(violation.field("owner"), Some("image"), "{violation}");
    }
    assert_eq!(second.word.as_deref(), Some("CLEAN"), "{}", verdicts.text);
    Ok(())
}

/// The squatter is handed over to cleanly, and hands over in one of its ways: with everything
/// dirty. Baton reads nothing that it must not, and the handoff after it is clean again.
fn squatted(machine: Machine, way: &str) -> Result<Verdicts> {
    let squatter = build::read("payloads/squatter.zimg")?;
    let card = Card::built()?.with_file("squatter.zimg", &squatter)?;
    let machine = machine.card(card).kernel(&build::file("baton.zimg")?);
    // What devices write counts too: the squatter leaves lines over Baton's memory.
    let mut watch = Watched::new(machine)?.devices().start()?;
    let session = &mut watch.session;
    session.expect(flow::BANNER)?;
    flow::stop_countdown(session)?;
    squat(session, way)?;
    boot_from_card(session)?;
    let verdicts = watch.verdicts()?;
    assert_eq!(verdicts.inconclusive, None, "{}", verdicts.text);
    assert_eq!(verdicts.handoffs.len(), 4, "{}", verdicts.text);
    for (verdict, number) in verdicts.handoffs.iter().zip(1..) {
        if number != 3 {
            assert_eq!(verdict.word.as_deref(), Some("CLEAN"), "{}", verdicts.text);
        }
    }
    if let Some(taken_over) = verdicts.handoffs.get(2) {
        for violation in &taken_over.violations {
            let wrong = ["read-", "walk-", "write-", "fetch-stale"];
            let stumbled = wrong.iter().any(|kind| violation.kind.starts_with(kind));
            assert!(!stumbled, "{violation}\n{}", verdicts.text);
        }
    }
    Ok(verdicts)
}

#[test]
fn the_squatter_with_its_caches_on() -> Result<()> {
    squatted(Machine::virt(here!()), "hyp").map(drop)
}

#[test]
fn the_squatter_with_its_caches_off() -> Result<()> {
    squatted(Machine::virt(here!()), "off").map(drop)
}

#[test]
fn the_squatter_from_svc_through_its_stub() -> Result<()> {
    squatted(Machine::virt(here!()), "svc").map(drop)
}

#[test]
fn the_squatter_from_svc_through_an_old_stub() -> Result<()> {
    squatted(Machine::virt(here!()), "svc-old").map(drop)
}

/// Debian, followed all the way, and stock kexec-tools: the kernel hands over to Baton, and Baton
/// to the witness. Linux's own handoff ends with an ICIALLU that no DSB follows
/// (`v7_flush_kern_cache_all`, arch/arm/mm/cache-v7.S); nothing else may be wrong with it.
#[test]
fn kexec_from_debian() -> Result<()> {
    let mut watch = by_bootz(Machine::virt(here!()))?;
    let session = &mut watch.session;
    session.set_timeout(SLOW);
    linux::boot_lab(session, "HYP", 1)?;
    linux::kexec_to_prompt(session)?;
    boot_from_card(session)?;
    let verdicts = watch.verdicts()?;
    assert_eq!(verdicts.inconclusive, None, "{}", verdicts.text);
    assert_eq!(verdicts.handoffs.len(), 4, "{}", verdicts.text);
    for (verdict, number) in verdicts.handoffs.iter().zip(1..) {
        let wrong = |kind: &str| number != 3 || kind != "dsb";
        let found = verdict.violations.iter().find(|v| wrong(&v.kind));
        assert_eq!(found, None, "{}", verdicts.text);
        assert!(verdict.word.is_some(), "{}", verdicts.text);
    }
    Ok(())
}
