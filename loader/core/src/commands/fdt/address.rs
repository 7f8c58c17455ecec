//! `fdt addr`: where the working tree came from, and where to take another one from.

use alloc::format;
use core::fmt::Write;

use platform_api::{PhysAddr, PhysRange, PhysicalMemory};

use super::{super::parse_hex, CommandError, Context, edit::MAX_PADDING, no_tree, written};
use crate::devicetree::{HEADER_SIZE, WorkingTree, blob_size};

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    match *arguments {
        [] => match cx.tree.as_ref().ok_or_else(no_tree)?.source() {
            Some(source) => written(writeln!(cx, "Working fdt: {:08x}", source.as_u64())),
            None => written(writeln!(cx, "Working fdt: not in memory")),
        },
        ["-c"] => {
            let control = control(cx)?.ok_or_else(|| {
                CommandError::Message("the first stage gave no device tree".into())
            })?;
            written(writeln!(cx, "Control fdt: {control:08x}"))
        }
        ["-c", ..] => Err(CommandError::Message(
            "the control tree is the first stage's; set the working tree instead".into(),
        )),
        [address] => set(cx, parse_hex(address)?, None),
        [address, length] => set(cx, parse_hex(address)?, Some(parse_hex(length)?)),
        _ => Err(CommandError::Usage),
    }
}

/// Where the first stage's tree lies: `fdtcontroladdr`, as U-Boot has it, or what the board says
/// if the variable was deleted.
fn control(cx: &Context<'_>) -> Result<Option<u64>, CommandError> {
    match cx.env.get("fdtcontroladdr") {
        Some(text) => parse_hex(text).map(Some),
        None => Ok(cx.board.tree_address.map(PhysAddr::as_u64)),
    }
}

fn set(cx: &mut Context<'_>, address: u64, length: Option<u64>) -> Result<(), CommandError> {
    let tree = take(cx.machine.memory, address, length)?;
    cx.env.try_set("fdtaddr", &format!("{address:x}"))?;
    cx.tree = Some(tree);
    written(writeln!(cx, "Working FDT set to {address:x}"))
}

fn bytes(memory: &dyn PhysicalMemory, address: u64, size: usize) -> Result<&[u8], CommandError> {
    let size = u64::try_from(size).unwrap_or(u64::MAX);
    let range = PhysRange::from_size(PhysAddr::new(address), size).ok_or_else(|| {
        CommandError::Message(format!(
            "{size:#x} bytes at {address:#x} leave the address space"
        ))
    })?;
    Ok(memory.bytes(range)?)
}

/// Takes the tree at `address`; with a length, room is left behind it up to that length.
pub(super) fn take(
    memory: &dyn PhysicalMemory,
    address: u64,
    length: Option<u64>,
) -> Result<WorkingTree, CommandError> {
    let total = blob_size(bytes(memory, address, HEADER_SIZE)?)?;
    let mut tree = WorkingTree::load(bytes(memory, address, total)?)?;
    tree.set_source(Some(PhysAddr::new(address)));
    if let Some(length) = length {
        let needed = tree.dtb_size(0)?;
        let padding = usize::try_from(length)
            .ok()
            .and_then(|length| length.checked_sub(needed))
            .filter(|&padding| padding <= MAX_PADDING);
        tree.set_padding(padding.ok_or_else(|| {
            CommandError::Message(format!(
                "a length of {length:#x} does not do for a tree of {needed:#x} bytes"
            ))
        })?);
    }
    Ok(tree)
}
