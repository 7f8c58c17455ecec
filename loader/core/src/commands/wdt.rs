//! `wdt`: watchdogs.

use alloc::format;
use core::fmt::Write;

use platform_api::{KICK_PERIOD_MS, Watchdog};

use super::{Command, CommandError, Group};
use crate::{context::Context, watchdog::WatchdogDevice};

/// The descriptor.
pub static WDT: Command = Command {
    name: "wdt",
    aliases: &[],
    group: Group::Misc,
    summary: "Watchdog sub-system",
    usage: "list - list watchdog devices\n\
            dev [<name>] - get/set current watchdog device\n\
            start <timeout ms> [flags] - start watchdog timer\n\
            stop - stop watchdog timer\n\
            reset - reset watchdog timer\n\
            expire [flags] - expire watchdog timer immediately",
    example: "wdt list",
    run,
};

/// How long a watchdog may take to expire that was told to, in microseconds: the slowest counts
/// half a second.
const PATIENCE_US: u64 = 2_000_000;

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    // Flags are for drivers that have any; none of ours has.
    match *arguments {
        [_, "list"] => list(cx),
        [_, "dev"] => {
            let Some(watchdog) = current(cx) else {
                return Err(CommandError::message(
                    "No watchdog timer device set!".into(),
                ));
            };
            let line = format!("dev: {}\n", watchdog.name());
            let _ = cx.write_str(&line);
        }
        [_, "dev", name] => set_current(cx, name)?,
        [_, "start", timeout] | [_, "start", timeout, _] => start(cx, timeout)?,
        [_, "stop"] => device(cx)?.stop(),
        [_, "reset"] => device(cx)?.kick(),
        [_, "expire"] | [_, "expire", _] => return expire(cx),
        _ => return Err(CommandError::usage()),
    }
    Ok(())
}

fn list(cx: &mut Context<'_>) {
    let mut lines = alloc::string::String::new();
    for watchdog in &cx.watchdogs.devices {
        let _ = writeln!(lines, "{} ({})", watchdog.name(), watchdog.driver);
    }
    // Writing to a context cannot fail.
    let _ = cx.write_str(&lines);
}

fn current<'c, 'a>(cx: &'c Context<'a>) -> Option<&'c WatchdogDevice<'a>> {
    cx.watchdogs.devices.get(cx.watchdogs.current?)
}

fn device<'c>(cx: &'c Context<'_>) -> Result<&'c dyn Watchdog, CommandError> {
    let watchdog = current(cx).map(|watchdog| watchdog.device);
    watchdog.ok_or_else(|| CommandError::message("No device set, use 'wdt dev' first".into()))
}

fn set_current(cx: &mut Context<'_>, name: &str) -> Result<(), CommandError> {
    let mut watchdogs = cx.watchdogs.devices.iter();
    // As in U-Boot, one that is not found leaves none.
    cx.watchdogs.current = watchdogs.position(|watchdog| watchdog.name() == name);
    if cx.watchdogs.current.is_none() {
        let text = format!("Can't get the watchdog timer: {name}");
        return Err(CommandError::message(text));
    }
    Ok(())
}

fn start(cx: &mut Context<'_>, timeout: &str) -> Result<(), CommandError> {
    let set = device(cx)?.start(milliseconds(timeout)?);
    let name = current(cx).map_or("", WatchdogDevice::name);
    let line = format!(
        "WDT:   Started {name} with servicing every {KICK_PERIOD_MS}ms ({}s timeout)\n",
        set / 1000
    );
    let _ = cx.write_str(&line);
    Ok(())
}

/// Has the machine reset, and waits for it without a look at the console, which would kick.
fn expire(cx: &mut Context<'_>) -> Result<(), CommandError> {
    cx.machine.console.flush();
    device(cx)?.expire();
    let clock = cx.machine.clock;
    let start = clock.microseconds();
    while clock.microseconds().wrapping_sub(start) < PATIENCE_US {
        core::hint::spin_loop();
    }
    device(cx)?.stop();
    Err(CommandError::message(
        "Expiring watchdog timer failed: nothing was reset".into(),
    ))
}

/// Parses milliseconds: decimal, or hexadecimal behind `0x`. More than 32 bits are the most.
fn milliseconds(text: &str) -> Result<u32, CommandError> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(CommandError::message(format!(
            "\"{text}\" is not a number of milliseconds"
        )));
    }
    Ok(u32::from_str_radix(digits, radix).unwrap_or(u32::MAX))
}
