//! `hyp`: shows the state of the processor's privileged registers and of the page tables.

use alloc::string::String;
use core::fmt::Write;

use platform_api::{Inspect, Mapping, PhysRange, Register, When};

use super::{Command, CommandError, Group};
use crate::context::Context;

/// `hyp`.
pub static HYP: Command = Command {
    name: "hyp",
    aliases: &[],
    group: Group::Info,
    summary: "show HYP's registers, as found at entry and now, and its page tables",
    usage: "\n    - prints the registers as they are, with the fields that are set\n\
            entry\n    - as the caller left them; '!' is what had to be undone\n\
            map\n    - prints what is mapped, and how; nothing is writable and executable",
    example: "hyp map",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let inspect = cx
        .inspect
        .ok_or_else(|| CommandError::message("this processor cannot be looked into".into()))?;
    let mut text = String::new();
    let result = match arguments {
        [_] => {
            registers(inspect, When::Now, &mut text);
            Ok(())
        }
        [_, "entry"] => {
            registers(inspect, When::Entry, &mut text);
            Ok(())
        }
        [_, "map"] => {
            let own: Option<PhysRange> = cx.map.loader.first().map(|claim| claim.range);
            map(inspect, own, &mut text)
        }
        _ => Err(CommandError::usage()),
    };
    let _ = cx.write_str(&text);
    result
}

fn registers(inspect: &dyn Inspect, when: When, out: &mut String) {
    inspect.registers(when, &mut |row: &Register<'_>| {
        let mark = if row.undone && when == When::Entry {
            '!'
        } else {
            ' '
        };
        let (name, value, digits) = (row.name, row.value, row.digits);
        // Aligned by hand: padding of a formatted text would need a copy of it.
        let line = out.len();
        let _ = write!(out, "{name:<9} {value:0digits$x} {mark} {}", row.meaning);
        let used = out.get(line..).map_or(0, |line| line.trim_end().len());
        out.truncate(line + used);
        out.push('\n');
    });
}

/// Writes the mappings, and the holes inside the loader's own memory: its guard pages.
fn map(
    inspect: &dyn Inspect,
    own: Option<PhysRange>,
    out: &mut String,
) -> Result<(), CommandError> {
    let mut both = None;
    let mut last: Option<PhysRange> = None;
    inspect.mappings(&mut |mapping: Mapping| {
        let hole = last.and_then(|last| PhysRange::new(last.end(), mapping.range.start()));
        if let (Some(hole), Some(own)) = (hole, own)
            && own.contains_range(hole)
            && hole.size() > 0
        {
            let _ = writeln!(out, "{hole} --- guard");
        }
        last = Some(mapping.range);
        if mapping.write && mapping.execute {
            both = Some(mapping.range);
        }
        let flag = |set: bool, letter| if set { letter } else { '-' };
        let kind = if mapping.device { "device" } else { "memory" };
        let _ = writeln!(
            out,
            "{} r{}{} {kind}",
            mapping.range,
            flag(mapping.write, 'w'),
            flag(mapping.execute, 'x'),
        );
    });
    match (last, both) {
        (None, _) => Err(CommandError::message(
            "the MMU is off: nothing is mapped, everything is reachable".into(),
        )),
        (_, Some(range)) => Err(CommandError::message(alloc::format!(
            "{range} is writable and executable"
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[path = "hyp_tests.rs"]
mod tests;
