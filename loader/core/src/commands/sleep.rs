//! `sleep`: waits.

use super::{Command, CommandError, Group};
use crate::context::Context;

/// `sleep`.
pub static SLEEP: Command = Command {
    name: "sleep",
    aliases: &[],
    group: Group::Misc,
    summary: "delay execution for some time",
    usage: "N\n    - delay execution for N seconds (N is _decimal_ and can be\n      fractional)",
    example: "sleep 0.1",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [_, text] = arguments else {
        return Err(CommandError::usage());
    };
    let wait = microseconds(text).ok_or_else(|| {
        CommandError::message(alloc::format!("\"{text}\" is not a number of seconds"))
    })?;
    let start = cx.machine.clock.microseconds();
    while cx.machine.clock.microseconds().wrapping_sub(start) < wait {
        if cx.interrupted() {
            return Err(CommandError::interrupted());
        }
    }
    Ok(())
}

/// Parses decimal seconds; digits beyond microseconds are cut.
fn microseconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole = decimal(whole)?.checked_mul(1_000_000)?;
    let digits = fraction.bytes().chain(core::iter::repeat(b'0')).take(6);
    decimal(fraction)?;
    let fraction = digits.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    whole.checked_add(fraction)
}

/// Parses digits alone; none are 0. Signs, which `parse` would take, are refused.
fn decimal(digits: &str) -> Option<u64> {
    match digits {
        "" => Some(0),
        _ if !digits.bytes().all(|byte| byte.is_ascii_digit()) => None,
        _ => digits.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::microseconds;

    #[test]
    fn parses_seconds() {
        for (text, expected) in [
            ("2", Some(2_000_000)),
            ("0.1", Some(100_000)),
            (".5", Some(500_000)),
            ("1.", Some(1_000_000)),
            ("0.1234569", Some(123_456)),
            ("", None),
            (".", None),
            ("-1", None),
            ("+1", None),
            ("1.-1", None),
            ("1e3", None),
            ("99999999999999999999", None),
        ] {
            assert_eq!(microseconds(text), expected, "{text}");
        }
    }
}
