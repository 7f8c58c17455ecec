//! The fast chain of `make soak`, short: relay -> Baton -> relay ...

use harness::{
    Result, here,
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
