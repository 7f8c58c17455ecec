//! `fdt chosen` and `fdt memory`: what `bootz` sets by itself, set by hand.

use alloc::string::String;

use platform_api::{PhysAddr, PhysRange};

use super::{super::parse_hex, CommandError, Context, WorkingTree, in_place};
use crate::devicetree::fixups::{self, FixupFacts};

/// Facts that change nothing.
const NOTHING: FixupFacts<'static> = FixupFacts {
    bootargs: None,
    initrd: None,
    memory: &[],
    reservations: &[],
    entropy: None,
    boot_cpu: 0,
    monitor: None,
    started: &[],
    console: None,
    log: None,
};

fn range(start: &str, size: &str) -> Result<PhysRange, CommandError> {
    let (start, size) = (parse_hex(start)?, parse_hex(size)?);
    PhysRange::from_size(PhysAddr::new(start), size).ok_or_else(|| {
        CommandError::message(alloc::format!(
            "{size:x} bytes at {start:08x} end beyond the last address"
        ))
    })
}

/// Applies the fixups of these names.
fn fix(tree: &mut WorkingTree, facts: &FixupFacts<'_>, names: &[&str]) -> Result<(), CommandError> {
    let wanted = fixups::FIXUPS
        .iter()
        .filter(|fixup| names.contains(&fixup.name));
    for fixup in wanted {
        (fixup.apply)(tree, facts)?;
    }
    Ok(())
}

/// Makes /chosen, with the arguments of the environment and the place of an initrd.
pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let initrd = match *arguments {
        [] => None,
        [start, size] => Some(range(start, size)?),
        _ => return Err(CommandError::usage()),
    };
    let bootargs = cx.env.get("bootargs").map(String::from);
    in_place::edit(cx, |tree| {
        tree.ensure_node(tree.root(), "chosen")?;
        let facts = FixupFacts {
            bootargs: bootargs.as_deref(),
            initrd,
            ..NOTHING
        };
        fix(tree, &facts, &["bootargs"])?;
        match initrd {
            Some(initrd) => {
                tree.add_reservation(initrd.start().as_u64(), initrd.size());
                fix(tree, &facts, &["initrd"])
            }
            None => Ok(()),
        }
    })
}

/// Makes /memory say that there is one bank.
pub(super) fn memory(tree: &mut WorkingTree, arguments: &[&str]) -> Result<(), CommandError> {
    let [start, size] = arguments else {
        return Err(CommandError::usage());
    };
    let facts = FixupFacts {
        memory: &[range(start, size)?],
        ..NOTHING
    };
    fix(tree, &facts, &["memory"])
}
