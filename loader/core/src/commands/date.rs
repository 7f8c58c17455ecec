//! `date`: shows and sets the real-time clock.

use core::fmt::Write;

use super::{Command, CommandError, Group};
use crate::{calendar::DateTime, context::Context};

/// The descriptor.
pub static DATE: Command = Command {
    name: "date",
    aliases: &[],
    group: Group::Misc,
    summary: "get/set/reset date & time",
    usage: "[MMDDhhmm[[CC]YY][.ss]]\nreset\n  \
            - without arguments: print date & time\n  \
            - with numeric argument: set the system date & time\n  \
            - with 'reset' argument: reset the RTC",
    example: "date",
    run,
};

const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tues", "Wednes", "Thurs", "Fri", "Satur"];

/// What `date reset` sets: 2000-01-01 00:00:00.
const RESET: u64 = 946_684_800;

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let clock = cx.rtc.as_deref_mut().ok_or_else(|| {
        CommandError::message("Cannot find RTC: the device tree has no PL031".into())
    })?;
    let now = match *arguments {
        [_] => clock.seconds(),
        [_, "reset"] => {
            let result = clock.set_seconds(RESET);
            let now = clock.seconds();
            // Writing to a context cannot fail.
            let _ = cx.write_str("Reset RTC...\n");
            result?;
            now
        }
        [_, text] => {
            let Some(seconds) = parse(text, DateTime::from_seconds(clock.seconds())) else {
                // As in U-Boot this is no failure.
                let _ = cx.write_str("## Bad date format\n");
                return Ok(());
            };
            clock.set_seconds(seconds)?;
            // The clock may take a second to show it.
            seconds
        }
        _ => return Err(CommandError::usage()),
    };
    show(cx, now);
    Ok(())
}

fn show(cx: &mut Context<'_>, seconds: u64) {
    let date = DateTime::from_seconds(seconds);
    let weekday = usize::try_from(DateTime::weekday(seconds)).unwrap_or(0);
    let weekday = WEEKDAYS.get(weekday).copied().unwrap_or("unknown ");
    let DateTime {
        year,
        month,
        day,
        hour,
        minute,
        second,
    } = date;
    let _ = writeln!(
        cx,
        "Date: {year:4}-{month:02}-{day:02} ({weekday}day)    Time: {hour:2}:{minute:02}:{second:02}"
    );
}

/// Reads `MMDDhhmm[[CC]YY][.ss]`; what is not said is as in `now`, the seconds are 0.
fn parse(text: &str, now: DateTime) -> Option<u64> {
    let (digits, second) = match text.split_once('.') {
        Some((digits, second)) if second.len() == 2 => (digits, two_digits(second)?),
        Some(_) => return None,
        None => (text, 0),
    };
    let part = |index: usize| two_digits(digits.get(2 * index..2 * index + 2)?);
    let year = match digits.len() {
        8 => now.year,
        10 => now.year / 100 * 100 + part(4)?,
        12 => 100 * part(4)? + part(5)?,
        _ => return None,
    };
    DateTime {
        year,
        month: part(0)?,
        day: part(1)?,
        hour: part(2)?,
        minute: part(3)?,
        second,
    }
    .to_seconds()
}

/// Reads two decimal digits; a sign, which `parse` would take, is none.
fn two_digits(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form() {
        let now = DateTime::from_seconds(1_577_934_245);
        let parsed = |text| parse(text, now).map(DateTime::from_seconds);
        let date = DateTime {
            month: 12,
            day: 31,
            hour: 23,
            minute: 59,
            second: 0,
            ..now
        };
        assert_eq!(parsed("12312359"), Some(date));
        let date = DateTime { second: 58, ..date };
        assert_eq!(parsed("12312359.58"), Some(date));
        let date = DateTime { year: 2038, ..date };
        assert_eq!(parsed("1231235938.58"), Some(date));
        let date = DateTime { year: 1999, ..date };
        assert_eq!(parsed("123123591999.58"), Some(date));
        for bad in [
            "",
            "x",
            "1231235",
            "123123599",
            "+1312359",
            "13012359",
            "02302359",
            "12312459",
            "12312360",
            "12312359.",
            "12312359.5",
            "12312359.60",
            "12312359.+1",
            "\u{e9}\u{e9}\u{e9}\u{e9}",
            "123123590000",
        ] {
            assert_eq!(parse(bad, now), None, "{bad}");
        }
    }
}
