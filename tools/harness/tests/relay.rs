//! The fast chain of `make soak`, short: relay -> Baton -> relay ...

use std::time::Duration;

use harness::{
    Card, Machine, Result, build, ensure, flow, here, regex,
    soak::{self, Setup, relay::RELAY},
};

/// Runs the chain; every hop passes at least so many rules.
fn hops(name: &str, hops: u32, cpus: u32, rules: u64) -> Result<()> {
    let setup = Setup {
        name: name.to_owned(),
        hops,
        cpus,
    };
    let mut seen = 0;
    let summary = soak::run(&RELAY, &setup, &mut |_| seen += 1)?;
    assert_eq!((summary.hops, seen), (hops, hops));
    assert!(summary.rules >= rules * u64::from(hops), "{summary:?}");
    Ok(())
}

#[test]
fn fifty_hops() -> Result<()> {
    hops(here!(), 50, 1, 50)
}

/// Each hop starts the seven others and has them stop again.
#[test]
fn on_eight_processors() -> Result<()> {
    hops(here!(), 5, 8, 60)
}

#[test]
fn on_sixteen_processors() -> Result<()> {
    hops(here!(), 3, 16, 60)
}

/// In the middle of a chain, where hops are quiet: a relay that is not what it is told to be says
/// so, tells everything it found, and hands over to nobody.
#[test]
fn a_hop_that_is_not_good_is_the_last() -> Result<()> {
    let relay = build::read("payloads/relay.zimg")?;
    let card = Card::built()?.with_file("relay.zimg", &relay)?;
    let mut session = flow::baton_direct(Machine::virt(here!()).card(card))?;
    session.run_ok("setenv bootargs relay.hop=7 relay.of=9 report.image=12345678")?;
    session.send_line("bootz relay.zimg baton.zimg");
    session.forbid(flow::BANNER);
    let patience = Duration::from_secs(60);
    let end = session.expect_for(regex("(?m)^report: done .*\r?\n"), patience)?;
    let crc = harness::build::crc32("payloads/relay.zimg")?;
    let rule = format!("report: rule image.crc FAIL got={crc:x} want=12345678");
    ensure!(session, end.before.contains(&rule), "{}", end.before);
    for line in ["report: reg HSCTLR=", "report: crc image="] {
        ensure!(
            session,
            end.before.contains(line),
            "no {line} in {}",
            end.before
        );
    }
    ensure!(
        session,
        !end.before.contains("report: hop"),
        "{}",
        end.before
    );
    ensure!(session, end.text.contains("fail=2"), "{}", end.text);
    let status = session.expect_exit(patience)?;
    ensure!(session, status.success(), "{status}");
    Ok(())
}
