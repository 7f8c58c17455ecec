//! The fast chain: relay -> Baton -> relay ..., on one machine without a reset.
//!
//! Every hop is judged by the relay itself, by all of the witness's rules (`payloads/relay`); the
//! first one prints them all. Here the count is followed, and no hop may judge less than the
//! first did.

use std::time::Duration;

use report_format::{Arguments, Hops, Line, Tally, Then};

use super::{Chain, Kind, Setup};
use crate::{
    build,
    card::Card,
    error::{Error, ErrorKind, Result},
    pattern::regex,
    session::Session,
    witness,
};

/// The chain.
pub static RELAY: Kind = Kind {
    name: "relay",
    about: "relay -> Baton -> relay ..., each CPU started and stopped at each hop",
    max_cpus: 16,
    one_in: 1,
    start,
};

/// What the card holds besides the loader.
const IMAGE: &str = "relay.zimg";
const LOADER: &str = "baton.zimg";
/// How long a hop may take: a fraction of a second on a quiet host.
const PATIENCE: Duration = Duration::from_secs(60);

struct Relay {
    session: Session,
    hops: u32,
    /// How many rules the first hop judged and skipped.
    first: Tally,
}

fn start(setup: &Setup) -> Result<Box<dyn Chain>> {
    let loader = build::read(LOADER)?;
    let image = build::read("payloads/relay.zimg")?;
    let arguments = Arguments {
        image: Some(crc32fast::hash(&image)),
        initrd: Some(crc32fast::hash(&loader)),
        then: Then::PowerOff,
    };
    let hops = Hops {
        hop: 1,
        of: setup.hops,
    };
    let card = Card::blank(16)?
        .with_file(IMAGE, &image)?
        .with_file(LOADER, &loader)?;
    let machine = setup.machine().card(card).kernel(&build::file(LOADER)?);
    let mut session = machine
        .append(&format!(
            "console=ttyAMA0 {arguments} {hops} baton.bootdelay=-2 \
             baton.bootcmd=\"bootz {IMAGE} {LOADER}\""
        ))
        .start()?;
    // A prompt means that Baton refused: there will be no hop.
    session.forbid(regex("(?m)^=> "));
    session.forbid(regex("(?m)^report: (FAULT .*|rule \\S+ FAIL .*)\r?\n"));
    session.forbid("Baton stopped");
    Ok(Box::new(Relay {
        session,
        hops: setup.hops,
        first: Tally::default(),
    }))
}

impl Relay {
    fn check(&mut self, good: bool, why: impl FnOnce() -> String) -> Result<()> {
        if good {
            return Ok(());
        }
        Err(self.session.fail(ErrorKind::Check(why())))
    }

    /// Reads the first hop's report, all of it.
    fn read_first(&mut self, text: &str) -> Result<()> {
        let rules = witness::rules(text).map_err(|error| self.session.fail_with(error))?;
        for rule in ["image.crc", "initrd.crc", "mode.hyp", "cpus.off"] {
            let verdict = rules.rule(rule).unwrap_or("no such rule").to_owned();
            let alone = rule == "cpus.off" && verdict.starts_with("SKIP");
            self.check(verdict == "PASS" || alone, || format!("{rule}: {verdict}"))?;
        }
        Ok(())
    }
}

impl Chain for Relay {
    fn hop(&mut self, number: u32) -> Result<u32> {
        let line = regex("(?m)^report: hop .*\r?\n");
        let found = self.session.expect_for(line, PATIENCE)?;
        let tally = match Line::parse(found.text.trim_end()) {
            Some(Ok(Line::Hop { number: hop, tally })) if hop == number => tally,
            _ => {
                let said = found.text.trim_end().to_owned();
                return self
                    .check(false, || format!("not hop {number}: {said}"))
                    .map(|()| 0);
            }
        };
        if number == 1 {
            self.read_first(&found.before)?;
            self.first = tally;
        }
        let first = self.first;
        self.check(tally == first && tally.fail == 0, || {
            format!("judged {tally}, the first hop {first}")
        })?;
        Ok(tally.pass)
    }

    fn finish(&mut self) -> Result<()> {
        let hops = self.hops;
        self.session
            .expect_for(regex("(?m)^report: done .*\r?\n"), PATIENCE)?;
        let status = self.session.expect_exit(PATIENCE)?;
        if status.success() {
            return Ok(());
        }
        Err(Error::check(format!(
            "after {hops} hops the machine did not turn off: {status}"
        )))
    }
}
