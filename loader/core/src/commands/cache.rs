//! `cache`, `icache`, `dcache`: the processor's caches.
//!
//! `dcache off` is refused. What U-Boot can do at its prompt is not safe here: stack, heap and
//! tables would have to be cleaned behind the compiler's back, RAM outside the tables becomes
//! reachable, and what it would be good for, a program that runs with the caches off, `go` does.

use alloc::{format, string::String};
use core::fmt::Write;

use platform_api::{CacheCommand, CacheKind, CacheLevel, Inspect};

use super::{Command, CommandError, Group};
use crate::context::Context;

/// `cache`.
pub static CACHE: Command = Command {
    name: "cache",
    aliases: &[],
    group: Group::Info,
    summary: "show the caches: size, shape, and which of them a handoff cleans",
    usage: "",
    example: "cache",
    run: cache,
};

/// `icache`.
pub static ICACHE: Command = Command {
    name: "icache",
    aliases: &[],
    group: Group::Misc,
    summary: "enable or disable instruction cache",
    usage: "[on, off, flush]\n    - enable, disable, or flush instruction cache",
    example: "icache",
    run: icache,
};

/// `dcache`.
pub static DCACHE: Command = Command {
    name: "dcache",
    aliases: &[],
    group: Group::Misc,
    summary: "show or flush data cache",
    usage: "[on, flush]\n    - show or flush data cache; it cannot be disabled: `go' runs programs without",
    example: "dcache",
    run: dcache,
};

fn inspector<'a>(cx: &Context<'a>) -> Result<&'a dyn Inspect, CommandError> {
    cx.inspect
        .ok_or_else(|| CommandError::message("this processor cannot be looked into".into()))
}

fn on_off(on: bool) -> &'static str {
    if on { "ON" } else { "OFF" }
}

fn cache(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    if arguments.len() != 1 {
        return Err(CommandError::usage());
    }
    let inspect = inspector(cx)?;
    let mut text = String::new();
    inspect.caches(&mut |level: CacheLevel| {
        let (number, kind, size) = (level.level, level.kind, level.size() >> 10);
        let _ = write!(
            text,
            "L{number} {kind:<11} {size:>5} KiB, {} ways of {} lines of {} bytes",
            level.ways, level.sets, level.line
        );
        text.push_str(if level.ours {
            "; cleaned by a handoff\n"
        } else {
            "\n"
        });
    });
    let (data, instructions) = (CacheKind::Data, CacheKind::Instruction);
    let _ = writeln!(
        text,
        "Data cache is {}, instruction cache is {}",
        on_off(inspect.cache_is_on(data)),
        on_off(inspect.cache_is_on(instructions))
    );
    let _ = cx.write_str(&text);
    Ok(())
}

fn icache(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let inspect = inspector(cx)?;
    match arguments {
        [_] => {
            let state = on_off(inspect.cache_is_on(CacheKind::Instruction));
            let _ = writeln!(cx, "Instruction Cache is {state}");
        }
        [_, "on"] => inspect.maintain(CacheCommand::Instructions(true)),
        [_, "off"] => inspect.maintain(CacheCommand::Instructions(false)),
        [_, "flush"] => inspect.maintain(CacheCommand::ForgetInstructions),
        _ => return Err(CommandError::usage()),
    }
    Ok(())
}

fn dcache(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let inspect = inspector(cx)?;
    let on = inspect.cache_is_on(CacheKind::Data);
    match arguments {
        [_] => {
            let _ = writeln!(cx, "Data (writeback) Cache is {}", on_off(on));
        }
        // As it is already; without page tables it never can be.
        [_, "on"] if on => {}
        [_, "on" | "off"] => {
            let state = on_off(on);
            return Err(CommandError::message(format!(
                "the data cache stays {state} as long as Baton runs: `go` runs programs without"
            )));
        }
        [_, "flush"] => inspect.maintain(CacheCommand::FlushData),
        _ => return Err(CommandError::usage()),
    }
    Ok(())
}

#[cfg(test)]
#[path = "cache_tests.rs"]
mod tests;
