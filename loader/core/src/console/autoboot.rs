//! The countdown, in U-Boot's exact bytes: tools wait for them.

use core::fmt::Write;

use crate::context::Context;

/// Seconds counted down where `bootdelay` is not set, or is no number.
const DEFAULT_DELAY: i32 = 2;

/// What became of the countdown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Autoboot {
    /// Boot now.
    Boot,
    /// `bootdelay` forbids it.
    Disabled,
    /// This key stopped it.
    Stopped(u8),
}

/// Counts `bootdelay` seconds down. -1 disables the boot, a lower number boots without looking
/// at the keyboard, 0 boots at once unless a key has been typed already.
pub fn countdown(cx: &mut Context<'_>) -> Autoboot {
    let delay = cx.env.get("bootdelay").and_then(|text| text.parse().ok());
    match delay.unwrap_or(DEFAULT_DELAY) {
        -1 => Autoboot::Disabled,
        ..-1 => Autoboot::Boot,
        seconds => {
            let ended = count(cx, seconds);
            // Writing to a context cannot fail.
            let _ = cx.write_str("\n");
            ended
        }
    }
}

fn count(cx: &mut Context<'_>, mut seconds: i32) -> Autoboot {
    let _ = write!(cx, "Hit any key to stop autoboot: {seconds:2} ");
    if let Some(key) = poll_key(cx) {
        let _ = cx.write_str("\x08\x08\x08 0 ");
        return Autoboot::Stopped(key);
    }
    while seconds > 0 {
        let key = wait_second(cx);
        seconds = if key.is_some() { 0 } else { seconds - 1 };
        let _ = write!(cx, "\x08\x08\x08{seconds:2} ");
        if let Some(key) = key {
            return Autoboot::Stopped(key);
        }
    }
    Autoboot::Boot
}

fn poll_key(cx: &mut Context<'_>) -> Option<u8> {
    cx.input.poll(cx.machine.console);
    cx.input.next_byte()
}

/// Waits a second, or until a key.
fn wait_second(cx: &mut Context<'_>) -> Option<u8> {
    let second = u64::from(cx.machine.clock.frequency());
    let start = cx.machine.clock.ticks();
    while cx.machine.clock.ticks().wrapping_sub(start) < second {
        if let Some(key) = poll_key(cx) {
            return Some(key);
        }
    }
    None
}
