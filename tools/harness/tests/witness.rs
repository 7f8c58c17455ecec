//! What a payload is owed, judged by the payload.

use harness::{Card, Machine, Result, flow, here, witness};

/// Boots the witness and checks that it was entered in HYP and that nothing was left unjudged
/// that matters.
fn in_hyp(machine: Machine) -> Result<()> {
    let mut session = flow::baton_on(machine.card(Card::built()?))?;
    let report = witness::boot(&mut session)?;
    for rule in [
        "mode.hyp",
        "hyp.hsctlr",
        "hyp.hvbar",
        "pl1.sctlr",
        "places.disjoint",
        "initrd.ram",
        "tree.valid",
        "tree.initrd",
        "cpus.off",
    ] {
        assert_eq!(report.rule(rule), Some("PASS"), "{rule}: {}", report.text);
    }
    Ok(())
}

#[test]
fn with_128_mib() -> Result<()> {
    in_hyp(Machine::virt(here!()).memory(128))
}

#[test]
fn with_512_mib() -> Result<()> {
    in_hyp(Machine::virt(here!()))
}

#[test]
fn with_2_gib() -> Result<()> {
    in_hyp(Machine::virt(here!()).memory(2048))
}

#[test]
fn with_3_gib() -> Result<()> {
    in_hyp(Machine::virt(here!()).memory(3072))
}

#[test]
fn on_a_cortex_a7() -> Result<()> {
    in_hyp(Machine::virt(here!()).cpu("cortex-a7"))
}

#[test]
fn on_eight_processors() -> Result<()> {
    in_hyp(Machine::virt(here!()).cpu("cortex-a7").cpus(8))
}

#[test]
fn in_svc() -> Result<()> {
    let machine = Machine::virt(here!())
        .without_virtualization()
        .card(Card::built()?);
    let mut session = flow::baton_on(machine)?;
    let report = witness::boot(&mut session)?;
    assert_eq!(report.rule("mode.entry"), Some("PASS"), "{}", report.text);
    assert_eq!(report.rule("pl1.sctlr"), Some("PASS"), "{}", report.text);
    Ok(())
}

/// The pieces at addresses of the user's own.
#[test]
fn from_addresses() -> Result<()> {
    let mut session = flow::baton(here!())?;
    session.run_ok("load virtio 0:1 4c000000 initrd.img")?;
    session.run_ok("setenv initrdsize ${filesize}")?;
    session.run_ok("load virtio 0:1 48000000 report.zimg")?;
    let report = witness::boot_by(&mut session, "bootz 48000000 4c000000:${initrdsize}")?;
    assert_eq!(report.rule("mode.hyp"), Some("PASS"), "{}", report.text);
    Ok(())
}

/// A file that changed on its way is told: the rules can fail.
#[test]
fn a_changed_initrd_is_told() -> Result<()> {
    let card = Card::built()?.with_changed("initrd.img", |bytes| {
        let middle = bytes.len() / 2;
        if let Some(byte) = bytes.get_mut(middle) {
            *byte ^= 1;
        }
    })?;
    let mut session = flow::baton_on(Machine::virt(here!()).card(card))?;
    let error = witness::boot(&mut session).unwrap_err().to_string();
    assert!(error.contains("rule initrd.crc FAIL"), "{error}");
    Ok(())
}
