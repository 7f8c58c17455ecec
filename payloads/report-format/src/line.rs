//! The lines, and how they are written.

use core::fmt;

use crate::Value;

/// What every line of a report begins with, in the first column.
pub const PREFIX: &str = "report: ";

/// One line of a report. Names are one word: `HSCTLR`, `mode.hyp`, `image`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// A register as it was at entry, or a device's register: `reg HSCTLR=30c50878`.
    Register {
        /// The manual's name, or `device.register`.
        name: &'a str,
        /// Its contents; 32-bit registers are printed in 8 digits, wider ones in 16.
        value: u64,
    },
    /// Where something lies, the last address exclusive: `range image=40010000..4001a000`.
    Range {
        /// What lies there.
        name: &'a str,
        /// The first address.
        start: u64,
        /// The first address after it.
        end: u64,
    },
    /// A CRC-32 (the one of zlib and U-Boot's `crc32`): `crc image=1234abcd`.
    Crc {
        /// Of what.
        name: &'a str,
        /// The sum.
        value: u32,
    },
    /// A rule and how it was judged: `rule mode.hyp PASS`.
    Rule {
        /// The rule's name, `group.rule`.
        name: &'a str,
        /// Whether it holds.
        verdict: Verdict<'a>,
    },
    /// A remark that nobody judges: `info tlb software cannot see whether it is empty`.
    Info {
        /// What it is about.
        name: &'a str,
        /// The remark, to the end of the line.
        text: &'a str,
    },
    /// The witness itself faulted: `FAULT data-abort pc=40011234 address=0 status=5`.
    Fault {
        /// The exception.
        name: &'a str,
        /// The instruction's address.
        pc: u32,
        /// The faulting address, where the exception has one.
        address: u32,
        /// The syndrome or fault-status register.
        status: u32,
    },
    /// A hop of a relay that goes on, and how its rules were judged: `hop 17 pass=57 fail=0 skip=3`.
    Hop {
        /// The hop, from 1.
        number: u32,
        /// Its rules.
        tally: Tally,
    },
    /// The last line: `done pass=40 fail=0 skip=2`.
    Done(Tally),
}

/// How a rule was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It holds.
    Pass,
    /// It does not.
    Fail {
        /// What was found.
        got: Value<'a>,
        /// What is owed.
        want: Value<'a>,
    },
    /// It does not apply, or nothing was said to compare with.
    Skip {
        /// Why, to the end of the line.
        reason: &'a str,
    },
}

/// How many rules passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rules that hold.
    pub pass: u32,
    /// Rules that do not, a fault of the witness among them.
    pub fail: u32,
    /// Rules that did not apply.
    pub skip: u32,
}

impl Tally {
    /// Counts a line, if it is one that counts: a rule, or a fault (as a failure).
    pub fn count(&mut self, line: &Line<'_>) {
        let counter = match line {
            Line::Rule {
                verdict: Verdict::Pass,
                ..
            } => &mut self.pass,
            Line::Rule {
                verdict: Verdict::Fail { .. },
                ..
            }
            | Line::Fault { .. } => &mut self.fail,
            Line::Rule {
                verdict: Verdict::Skip { .. },
                ..
            } => &mut self.skip,
            _ => return,
        };
        *counter = counter.saturating_add(1);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pass, fail, skip } = self;
        write!(f, "pass={pass} fail={fail} skip={skip}")
    }
}

impl fmt::Display for Verdict<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("PASS"),
            Self::Fail { got, want } => write!(f, "FAIL got={got} want={want}"),
            Self::Skip { reason } => write!(f, "SKIP {reason}"),
        }
    }
}

impl fmt::Display for Line<'_> {
    /// Writes the line with its prefix, without its end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PREFIX)?;
        match self {
            Self::Register { name, value } => {
                let digits = if *value > u64::from(u32::MAX) { 16 } else { 8 };
                write!(f, "reg {name}={value:0digits$x}")
            }
            Self::Range { name, start, end } => write!(f, "range {name}={start:08x}..{end:08x}"),
            Self::Crc { name, value } => write!(f, "crc {name}={value:08x}"),
            Self::Rule { name, verdict } => write!(f, "rule {name} {verdict}"),
            Self::Info { name, text } => write!(f, "info {name} {text}"),
            Self::Fault {
                name,
                pc,
                address,
                status,
            } => write!(
                f,
                "FAULT {name} pc={pc:08x} address={address:08x} status={status:08x}"
            ),
            Self::Hop { number, tally } => write!(f, "hop {number} {tally}"),
            Self::Done(tally) => write!(f, "done {tally}"),
        }
    }
}
