//! Reading lines back.

use core::fmt;

use crate::{Line, PREFIX, Tally, Value, Verdict};

/// A line has the prefix, but is none of ours: a transcript that was cut or mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseError<'a> {
    /// The word after the prefix is none we know.
    UnknownKind(&'a str),
    /// The rest of the line does not read as its kind wants.
    Malformed {
        /// The word after the prefix.
        kind: &'a str,
        /// What follows it.
        rest: &'a str,
    },
}

impl fmt::Display for ParseError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKind(kind) => write!(f, "the witness has no line of kind \"{kind}\""),
            Self::Malformed { kind, rest } => {
                write!(f, "\"{rest}\" is not how a line of kind \"{kind}\" goes on")
            }
        }
    }
}

impl core::error::Error for ParseError<'_> {}

impl<'a> Line<'a> {
    /// Reads a line; a line end after it is ignored. `None` if it is not the witness's.
    pub fn parse(text: &'a str) -> Option<Result<Self, ParseError<'a>>> {
        let body = text.strip_prefix(PREFIX)?.trim_end_matches(['\r', '\n']);
        let (kind, rest) = body.split_once(' ').unwrap_or((body, ""));
        let line = match kind {
            "reg" => register(rest),
            "range" => range(rest),
            "crc" => crc(rest),
            "rule" => rule(rest),
            "info" => rest
                .split_once(' ')
                .map(|(name, text)| Line::Info { name, text }),
            "FAULT" => fault(rest),
            "hop" => hop(rest),
            "done" => tally(rest).map(Line::Done),
            _ => return Some(Err(ParseError::UnknownKind(kind))),
        };
        Some(line.ok_or(ParseError::Malformed { kind, rest }))
    }
}

/// Reads hexadecimal digits and nothing else: `from_str_radix` alone would take a sign.
fn hex(text: &str) -> Option<u64> {
    match Value::parse(text)? {
        Value::Number(number) => Some(number),
        Value::Word(_) => None,
    }
}

fn hex32(text: &str) -> Option<u32> {
    u32::try_from(hex(text)?).ok()
}

fn decimal(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// Splits the next word off, which must be `key=value`, and returns the value and the rest.
fn field<'a>(text: &'a str, key: &str) -> Option<(&'a str, &'a str)> {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    Some((word.strip_prefix(key)?.strip_prefix('=')?, rest))
}

fn register(rest: &str) -> Option<Line<'_>> {
    let (name, value) = rest.split_once('=')?;
    let value = hex(value)?;
    Some(Line::Register { name, value })
}

fn range(rest: &str) -> Option<Line<'_>> {
    let (name, value) = rest.split_once('=')?;
    let (start, end) = value.split_once("..")?;
    Some(Line::Range {
        name,
        start: hex(start)?,
        end: hex(end)?,
    })
}

fn crc(rest: &str) -> Option<Line<'_>> {
    let (name, value) = rest.split_once('=')?;
    let value = hex32(value)?;
    Some(Line::Crc { name, value })
}

fn rule(rest: &str) -> Option<Line<'_>> {
    let (name, rest) = rest.split_once(' ')?;
    let (verdict, rest) = rest.split_once(' ').unwrap_or((rest, ""));
    let verdict = match verdict {
        "PASS" if rest.is_empty() => Verdict::Pass,
        "FAIL" => {
            let (got, rest) = field(rest, "got")?;
            let (want, rest) = field(rest, "want")?;
            if !rest.is_empty() {
                return None;
            }
            Verdict::Fail {
                got: Value::parse(got)?,
                want: Value::parse(want)?,
            }
        }
        "SKIP" => Verdict::Skip { reason: rest },
        _ => return None,
    };
    Some(Line::Rule { name, verdict })
}

fn fault(rest: &str) -> Option<Line<'_>> {
    let (name, rest) = rest.split_once(' ')?;
    let (pc, rest) = field(rest, "pc")?;
    let (address, rest) = field(rest, "address")?;
    let (status, rest) = field(rest, "status")?;
    rest.is_empty().then_some(())?;
    Some(Line::Fault {
        name,
        pc: hex32(pc)?,
        address: hex32(address)?,
        status: hex32(status)?,
    })
}

fn hop(rest: &str) -> Option<Line<'_>> {
    let (number, rest) = rest.split_once(' ')?;
    Some(Line::Hop {
        number: decimal(number)?,
        tally: tally(rest)?,
    })
}

fn tally(rest: &str) -> Option<Tally> {
    let (pass, rest) = field(rest, "pass")?;
    let (fail, rest) = field(rest, "fail")?;
    let (skip, rest) = field(rest, "skip")?;
    rest.is_empty().then_some(())?;
    Some(Tally {
        pass: decimal(pass)?,
        fail: decimal(fail)?,
        skip: decimal(skip)?,
    })
}
