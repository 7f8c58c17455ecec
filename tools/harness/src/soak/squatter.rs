//! squatter -> Baton -> Debian, and a reset: each hop in another of the squatter's ways.
//!
//! The second Baton must say what it found, and the kernel must come up in HYP on every
//! processor. Debian's kernel has 8 at most: with more, every other hop boots the witness in its
//! place, which starts each.

use std::time::Duration;

use report_format::{Arguments, Then};

use super::{Chain, Kind, Setup};
use crate::{
    build,
    card::Card,
    error::{ErrorKind, Result},
    flow,
    pattern::regex,
    session::Session,
    witness,
};

/// The chain.
pub static SQUATTER: Kind = Kind {
    name: "squatter",
    about: "squatter -> Baton -> Debian, and a reset; in turn from HYP and SVC, caches on and off",
    max_cpus: 16,
    one_in: 10,
    start,
};

/// The ways that Baton takes HYP over from, and registers that it must have found in use.
const WAYS: &[(&str, &[&str])] = &[
    (
        "hyp",
        &[
            "HSCTLR",
            "HCR",
            "HCPTR",
            "HSTR",
            "HDCR",
            "CNTHP_CTL",
            "SCTLR",
            "GIC",
        ],
    ),
    (
        "off",
        &[
            "HSCTLR",
            "HCR",
            "HCPTR",
            "HSTR",
            "HDCR",
            "CNTHP_CTL",
            "SCTLR",
            "GIC",
        ],
    ),
    (
        "svc",
        &["HSCTLR", "HCR", "CNTVOFF", "CNTHP_CTL", "SCTLR", "GIC"],
    ),
    (
        "svc-old",
        &["HSCTLR", "HCR", "CNTVOFF", "CNTHP_CTL", "CNTV_CTL", "GIC"],
    ),
];

/// What Debian's kernel is built for.
const DEBIAN_CPUS: u32 = 8;
const PATIENCE: Duration = Duration::from_secs(120);

struct Squatter {
    session: Session,
    cpus: u32,
}

/// Starts a machine that QEMU enters Baton on, with a card that has the squatter too.
fn start(setup: &Setup) -> Result<Box<dyn Chain>> {
    let card =
        Card::built()?.with_file("squatter.zimg", &build::read("payloads/squatter.zimg")?)?;
    let machine = setup.machine().card(card);
    let session = machine.kernel(&build::file("baton.zimg")?).start()?;
    let cpus = setup.cpus;
    Ok(Box::new(Squatter { session, cpus }))
}

/// At Baton's prompt, has the squatter enter Baton in this way, up to that one's prompt, and
/// returns what it said before its countdown.
///
/// # Errors
/// A step does not show on the console.
pub fn squat(session: &mut Session, way: &str) -> Result<String> {
    session.run_ok(&format!("setenv bootargs console=ttyAMA0 squat={way}"))?;
    session.send_line("bootz squatter.zimg baton.zimg");
    session.forbid(regex("(?m)^report: (FAULT|rule) .*\r?\n"));
    session.expect_for(regex("(?m)^report: info squat .*\r?\n"), PATIENCE)?;
    let said = session.expect_for(flow::COUNTDOWN, PATIENCE)?.before;
    session.allow_all();
    session.send(" ");
    session.expect_prompt()?;
    Ok(said.replace('\r', ""))
}

/// Checks that Baton said what it found, and that `hyp entry` shows it. Returns how many
/// registers those are.
///
/// # Errors
/// Names the register that is missing.
pub fn found(session: &mut Session, said: &str, registers: &[&str]) -> Result<u32> {
    let line = said
        .lines()
        .find(|line| line.starts_with("undone of a former owner:"));
    let line = line.unwrap_or("nothing").to_owned();
    let shown = session.run_ok("hyp entry")?;
    for name in registers {
        let row = shown
            .lines()
            .find(|row| row.split_whitespace().next() == Some(name));
        if !line.contains(&format!(" {name}="))
            || row.is_none_or(|row| row.split_whitespace().nth(2) != Some("!"))
        {
            let why = format!("{name} was not found in use: {line}; {row:?}");
            return Err(session.fail(ErrorKind::Check(why)));
        }
    }
    Ok(u32::try_from(registers.len()).unwrap_or(u32::MAX))
}

impl Squatter {
    /// Boots the witness, which resets the machine, and returns how many rules it passed.
    fn witness(&mut self) -> Result<u32> {
        let arguments = Arguments {
            image: Some(build::crc32("payloads/report.zimg")?),
            initrd: Some(build::crc32("initrd.img")?),
            then: Then::Reset,
        };
        let session = &mut self.session;
        session.run_ok(&format!("setenv bootargs {arguments}"))?;
        session.send_line("bootz report.zimg initrd.img");
        session.expect("bootz report.zimg initrd.img\r\n")?;
        let report = witness::read(session)?;
        Ok(report.tally.pass)
    }

    /// Boots Debian's kernel, and has it reset the machine.
    fn debian(&mut self) -> Result<u32> {
        // By name: the squatter's tree still names its own initrd, which is Baton's image.
        let command = "bootz zImage initrd.img";
        self.session.send_line(command);
        self.session.expect(format!("{command}\r\n"))?;
        flow::linux(&mut self.session, "HYP", self.cpus.min(DEBIAN_CPUS))?;
        self.session.send("reboot -f\n");
        // HYP, the number of processors, a shell.
        Ok(3)
    }
}

impl Chain for Squatter {
    fn hop(&mut self, number: u32) -> Result<u32> {
        // QEMU enters Baton at the start and after each reset.
        self.session.expect_for(flow::BANNER, PATIENCE)?;
        flow::stop_countdown(&mut self.session)?;
        let index = number.saturating_sub(1) as usize % WAYS.len();
        let Some((way, registers)) = WAYS.get(index) else {
            return Ok(0);
        };
        let said = squat(&mut self.session, way)?;
        let rules = found(&mut self.session, &said, registers)?;
        // Every way meets both.
        let witness = self.cpus > DEBIAN_CPUS && (number / 4 + number) % 2 == 1;
        let more = if witness {
            self.witness()?
        } else {
            self.debian()?
        };
        Ok(rules + more)
    }

    fn finish(&mut self) -> Result<()> {
        // The last reset: Baton is entered once more, and turns the machine off.
        self.session.expect_for(flow::BANNER, PATIENCE)?;
        flow::stop_countdown(&mut self.session)?;
        self.session.send_line("poweroff");
        self.session.expect_exit(PATIENCE).map(drop)
    }
}
