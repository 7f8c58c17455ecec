//! `go`: call a program at an address.

use core::fmt::Write as _;

use platform_api::{MemoryError, PhysAddr, PhysRange};

use super::{Command, CommandError, Group, parse_hex};
use crate::context::Context;

#[cfg(test)]
mod tests;

/// The descriptor.
pub static GO: Command = Command {
    name: "go",
    aliases: &[],
    group: Group::Boot,
    summary: "start application at address 'addr'",
    usage: "ADDR [ARG ...]\n    \
            - calls ADDR with argc and argv; argv[0] is ADDR as typed, MMU and caches are off",
    example: "go 42000000 hello",
    run,
};

/// Bytes of the first instruction.
const INSTRUCTION: u64 = 4;

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let called = arguments.get(1..).unwrap_or_default();
    let [address, ..] = *called else {
        return Err(CommandError::usage());
    };
    let entry = PhysAddr::new(parse_hex(address)?);
    // Bit 0 set calls Thumb code, as U-Boot's `go` does.
    let first = PhysRange::from_size(entry.align_down(2), INSTRUCTION).unwrap_or_default();
    if first.is_empty() || entry.as_u32().is_none() {
        return Err(MemoryError::Unaddressable(entry).into());
    }
    cx.map.ledger().check(first, "application")?;
    let _ = writeln!(
        cx,
        "## Starting application at 0x{:08X} ...",
        entry.as_u64()
    );
    let result = cx.machine.launcher.call(entry, called);
    let _ = writeln!(cx, "## Application terminated, rc = 0x{result:X}");
    if result == 0 {
        Ok(())
    } else {
        Err(CommandError::status(1))
    }
}
