//! `fdt addr` and `fdt move`: where the working tree is, and where to take another one from.

use alloc::format;
use core::fmt::Write;

use platform_api::{PhysAddr, PhysRange, PhysicalMemory};

use super::{
    super::parse_hex, CommandError, Context, edit::MAX_PADDING, in_place, no_tree, written,
};
use crate::devicetree::{HEADER_SIZE, WorkingTree, blob_size};

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (mut is_control, mut quiet) = (false, false);
    let mut rest = arguments;
    while let [option, others @ ..] = rest
        && let Some(letters) = option.strip_prefix('-')
    {
        for letter in letters.chars() {
            match letter {
                'c' => is_control = true,
                'q' => quiet = true,
                _ => return Err(CommandError::usage()),
            }
        }
        rest = others;
    }
    match *rest {
        [] if is_control => {
            let control = control(cx)?.ok_or_else(|| {
                CommandError::message("the first stage gave no device tree".into())
            })?;
            written(writeln!(cx, "Control fdt: {control:08x}"))
        }
        [] => match cx.tree.as_ref().ok_or_else(no_tree)?.source() {
            Some(source) => written(writeln!(cx, "Working fdt: {:08x}", source.as_u64())),
            None => written(writeln!(cx, "Working fdt: not in memory")),
        },
        [_] | [_, _] if is_control => Err(CommandError::message(
            "the control tree is the first stage's; set the working tree instead".into(),
        )),
        [address] => set(cx, parse_hex(address)?, None, quiet),
        [address, length] => set(cx, parse_hex(address)?, Some(parse_hex(length)?), quiet),
        _ => Err(CommandError::usage()),
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

fn set(
    cx: &mut Context<'_>,
    address: u64,
    length: Option<u64>,
    quiet: bool,
) -> Result<(), CommandError> {
    let mut tree = take(cx.machine.memory, address, length)?;
    // Memory that is somebody's is left alone: then only the copy is edited.
    let range = PhysRange::from_size(
        PhysAddr::new(address),
        tree.dtb_size(tree.padding())? as u64,
    );
    let range = range.unwrap_or_default();
    tree.set_in_place(cx.machine.memory.bytes_mut(range).is_ok());
    cx.env.try_set("fdtaddr", &format!("{address:x}"))?;
    cx.tree = Some(tree);
    if length.is_some() {
        in_place::write_back(cx)?;
    }
    if quiet {
        return Ok(());
    }
    written(writeln!(cx, "Working FDT set to {address:x}"))
}

/// `fdt move`: takes the tree at an address, writes it to another one and works on it there.
pub(super) fn copy(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (from, to, length) = match *arguments {
        [from, to] => (from, to, None),
        [from, to, length] => (from, to, Some(parse_hex(length)?)),
        _ => return Err(CommandError::usage()),
    };
    let to = parse_hex(to)?;
    let mut tree = take(cx.machine.memory, parse_hex(from)?, length)?;
    tree.set_source(Some(PhysAddr::new(to)));
    tree.set_in_place(true);
    let before = cx.tree.replace(tree);
    if let Err(error) = in_place::write_back(cx) {
        cx.tree = before;
        return Err(error);
    }
    cx.env.try_set("fdtaddr", &format!("{to:x}"))?;
    written(writeln!(cx, "Working FDT set to {to:x}"))
}

fn bytes(memory: &dyn PhysicalMemory, address: u64, size: usize) -> Result<&[u8], CommandError> {
    let size = u64::try_from(size).unwrap_or(u64::MAX);
    let range = PhysRange::from_size(PhysAddr::new(address), size).ok_or_else(|| {
        CommandError::message(format!(
            "{size:#x} bytes at {address:#x} leave the address space"
        ))
    })?;
    Ok(memory.bytes(range)?)
}

/// Takes the tree at `address`, with the room that it has behind it, or with a length up to that
/// length.
pub(super) fn take(
    memory: &dyn PhysicalMemory,
    address: u64,
    length: Option<u64>,
) -> Result<WorkingTree, CommandError> {
    let total = blob_size(bytes(memory, address, HEADER_SIZE)?)?;
    let mut tree = WorkingTree::load(bytes(memory, address, total)?)?;
    tree.set_source(Some(PhysAddr::new(address)));
    let needed = tree.dtb_size(0)?;
    let padding = match length {
        None => total.saturating_sub(needed),
        Some(length) => usize::try_from(length)
            .ok()
            .and_then(|length| length.checked_sub(needed))
            .filter(|&padding| padding <= MAX_PADDING)
            .ok_or_else(|| {
                CommandError::message(format!(
                    "a length of {length:#x} does not do for a tree of {needed:#x} bytes"
                ))
            })?,
    };
    tree.set_padding(padding & !7);
    Ok(tree)
}
