//! Boots the witness and reads its report.

use std::time::Duration;

use report_format::{Arguments, Line, PREFIX, Tally, Then, Verdict};

use crate::{
    build,
    error::{Error, ErrorKind, Result},
    pattern::regex,
    session::Session,
};

/// How long the witness may take: it computes three CRCs with its caches off.
const PATIENCE: Duration = Duration::from_secs(120);

/// What the witness said.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Its rules in order: name, and `PASS`, `FAIL got=.. want=..` or `SKIP reason`.
    pub rules: Vec<(String, String)>,
    /// How many of each.
    pub tally: Tally,
    /// Every line of it.
    pub text: String,
}

impl Report {
    /// Returns a rule's verdict.
    pub fn rule(&self, name: &str) -> Option<&str> {
        let found = self.rules.iter().find(|(rule, _)| rule == name);
        found.map(|(_, verdict)| verdict.as_str())
    }
}

/// At Baton's prompt, has the witness booted from the card with the initrd, and returns its
/// report: complete, with no rule failed, and with the image and the initrd intact.
///
/// # Errors
/// There is no report, or it is cut, or a rule failed.
pub fn boot(session: &mut Session) -> Result<Report> {
    boot_by(session, "bootz report.zimg initrd.img")
}

/// As [`boot`], by a command of one's own.
///
/// # Errors
/// As [`boot`].
pub fn boot_by(session: &mut Session, command: &str) -> Result<Report> {
    let arguments = Arguments {
        image: Some(build::crc32("payloads/report.zimg")?),
        initrd: Some(build::crc32("initrd.img")?),
        then: Then::PowerOff,
    };
    session.run_ok(&format!("setenv bootargs {arguments}"))?;
    session.send_line(command);
    session.expect(format!("{command}\r\n"))?;
    let report = read(session)?;
    for rule in ["image.crc", "initrd.crc"] {
        let verdict = report.rule(rule).unwrap_or("no such rule").to_owned();
        check(session, verdict == "PASS", || format!("{rule}: {verdict}"))?;
    }
    let status = session.expect_exit(PATIENCE)?;
    check(session, status.success(), || {
        format!("the witness did not turn the machine off: {status}")
    })?;
    Ok(report)
}

/// Reads a report from its first line to its last.
///
/// # Errors
/// As [`boot`].
pub fn read(session: &mut Session) -> Result<Report> {
    // A prompt means that the command failed and there will be no report.
    session.forbid(regex("(?m)^=> "));
    let end = session.expect_for(regex("(?m)^report: done .*\r?\n"), PATIENCE)?;
    session.allow_all();
    let text = (end.before + &end.text).replace('\r', "");
    let (report, said) = match parse(&text) {
        Ok(parsed) => parsed,
        Err(error) => return Err(session.fail_with(error)),
    };
    let counted = report.tally;
    check(session, said == Some(counted), || {
        format!("the report says {said:?}, but its lines are {counted:?}")
    })?;
    check(session, counted.pass > 0, || "no rule passed".to_owned())?;
    Ok(report)
}

/// Reads the rules of a report that goes on.
///
/// # Errors
/// A rule failed, or a line cannot be read.
pub fn rules(text: &str) -> Result<Report> {
    parse(&text.replace('\r', "")).map(|(report, _)| report)
}

/// Reads a report's lines, and what it says of itself at its end.
fn parse(text: &str) -> Result<(Report, Option<Tally>)> {
    let mut report = Report::default();
    let mut said = None;
    for line in text.lines().filter(|line| line.starts_with(PREFIX)) {
        report.text.push_str(line);
        report.text.push('\n');
        let parsed = match Line::parse(line) {
            Some(Ok(parsed)) => parsed,
            Some(Err(error)) => return Err(Error::check(format!("{line}: {error}"))),
            None => continue,
        };
        report.tally.count(&parsed);
        match parsed {
            Line::Rule {
                verdict: Verdict::Fail { .. },
                ..
            }
            | Line::Fault { .. } => return Err(Error::check(line)),
            Line::Rule { name, verdict } => {
                report.rules.push((name.to_owned(), verdict.to_string()));
            }
            Line::Done(tally) => said = Some(tally),
            _ => {}
        }
    }
    Ok((report, said))
}

fn check(session: &mut Session, good: bool, message: impl FnOnce() -> String) -> Result<()> {
    if good {
        return Ok(());
    }
    Err(session.fail(ErrorKind::Check(message())))
}
