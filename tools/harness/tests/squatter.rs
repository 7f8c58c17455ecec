//! HYP taken over from somebody who does not let go.

use harness::{
    Card, Machine, Result, Session, build, ensure, flow, here,
    soak::{
        self, Setup,
        squatter::{SQUATTER, found, squat},
    },
    witness,
};

/// Starts a machine with the squatter on its card, at Baton's prompt.
fn prompt(machine: Machine) -> Result<Session> {
    let squatter = build::read("payloads/squatter.zimg")?;
    let card = Card::built()?.with_file("squatter.zimg", &squatter)?;
    flow::baton_direct(machine.card(card))
}

/// Has the squatter enter Baton, which must say that these registers were in use, and then hands
/// over as if nothing had been.
fn taken_over(machine: Machine, way: &str, registers: &[&str]) -> Result<Session> {
    let mut session = prompt(machine)?;
    let said = squat(&mut session, way)?;
    found(&mut session, &said, registers)?;
    let info = session.run_ok("bdinfo")?;
    ensure!(session, info.contains("= HYP\n"), "not in HYP: {info}");
    let now = session.run_ok("hyp")?;
    for row in [
        "HCR       00000000\n",
        "CNTHP_CTL 00000000\n",
        "CNTVOFF   0000000000000000\n",
    ] {
        ensure!(session, now.contains(row), "no {row:?} in {now}");
    }
    session.run_ok("hyp map")?;
    let report = witness::boot(&mut session)?;
    for rule in [
        "mode.hyp",
        "hyp.hcr",
        "gic.active",
        "timer.cnthp",
        "cpus.mode",
    ] {
        assert_eq!(report.rule(rule), Some("PASS"), "{rule}: {}", report.text);
    }
    Ok(session)
}

const ALL: &[&str] = &[
    "HSCTLR",
    "HCR",
    "HCPTR",
    "HSTR",
    "HDCR",
    "CNTVOFF",
    "CNTHP_CTL",
    "CNTP_CTL",
    "CNTV_CTL",
    "SCTLR",
    "GIC",
];

#[test]
fn from_hyp_with_its_mmu_and_caches_on() -> Result<()> {
    taken_over(Machine::virt(here!()), "hyp", ALL).map(drop)
}

#[test]
fn from_hyp_with_them_off_and_nothing_cleaned() -> Result<()> {
    taken_over(Machine::virt(here!()).cpu("cortex-a7"), "off", ALL).map(drop)
}

#[test]
fn with_an_interrupt_controller_of_version_3() -> Result<()> {
    let machine = Machine::virt(here!())
        .argument("-machine")
        .argument("gic-version=3");
    taken_over(machine, "hyp", ALL).map(drop)
}

/// Linux's stub in HYP restarts who asks for it, since 4.12.
#[test]
fn from_svc_through_linuxs_stub() -> Result<()> {
    let registers = ["HSCTLR", "HCR", "CNTHP_CTL", "SCTLR", "GIC"];
    let session = taken_over(Machine::virt(here!()), "svc", &registers)?;
    let said = session.transcript();
    assert!(said.contains("taken to HYP by the stub there"), "{said}");
    Ok(())
}

/// The one before gives its vectors to anybody.
#[test]
fn from_svc_through_linuxs_old_stub() -> Result<()> {
    let registers = ["HSCTLR", "HCR", "CNTHP_CTL", "GIC"];
    let session = taken_over(Machine::virt(here!()), "svc-old", &registers)?;
    let said = session.transcript();
    assert!(said.contains("taken to HYP by the stub there"), "{said}");
    Ok(())
}

/// A hypervisor that keeps HYP answers that it knows no such call: Baton stays where it is.
#[test]
fn from_svc_under_a_hypervisor_that_stays() -> Result<()> {
    let mut session = prompt(Machine::virt(here!()).cpus(1))?;
    let said = squat(&mut session, "svc-none")?;
    ensure!(
        session,
        said.contains("entered in non-secure SVC"),
        "{said}"
    );
    found(&mut session, &said, &["CNTP_CTL", "CNTV_CTL", "GIC"])?;
    let report = witness::boot(&mut session)?;
    assert_eq!(report.rule("mode.entry"), Some("PASS"), "{}", report.text);
    Ok(())
}

/// A CPU that runs cannot be stopped from outside. It is named; nothing is handed over.
#[test]
fn cpus_left_running_are_named() -> Result<()> {
    let mut session = prompt(Machine::virt(here!()))?;
    let said = squat(&mut session, "hyp,cpus")?;
    found(&mut session, &said, ALL)?;
    let refusal = session.run_err("bootz zImage initrd.img")?;
    assert!(refusal.contains("CPU 0x1 is running"), "{refusal}");
    session.run_ok("version").map(drop)
}

/// The chain of `make soak`: two hops, to Debian.
#[test]
fn two_hops_to_debian() -> Result<()> {
    let setup = Setup {
        name: here!().to_owned(),
        hops: 2,
        cpus: 2,
    };
    let summary = soak::run(&SQUATTER, &setup, &mut |_| {})?;
    assert_eq!(summary.hops, 2);
    Ok(())
}
