//! Keeps the blob in memory as the working tree is, where `fdt addr` named it.

use alloc::{format, vec::Vec};

use platform_api::{PhysAddr, PhysRange};

use super::{super::parse_hex, CommandError, Context, WorkingTree, edit::MAX_PADDING, no_tree};

/// Bytes of a page: what `resize` ends the blob at.
const PAGE: u64 = 4096;
/// Room for reservations that `resize` leaves, as U-Boot does: five entries.
const RESERVE_ROOM: u64 = 5 * 16;

/// Changes the working tree, and the blob in memory with it. If either fails, both stay as they
/// are.
pub(super) fn edit(
    cx: &mut Context<'_>,
    change: impl FnOnce(&mut WorkingTree) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let tree = cx.tree.as_mut().ok_or_else(no_tree)?;
    let before = tree.clone();
    let result = change(tree).and_then(|()| fit(tree, &before));
    let result = result.and_then(|()| write_back(cx));
    if result.is_err() {
        cx.tree = Some(before);
    }
    result
}

/// Gives the free bytes behind the tree to what was added, so that the blob stays as long as it
/// was.
fn fit(tree: &mut WorkingTree, before: &WorkingTree) -> Result<(), CommandError> {
    if !tree.is_in_place() {
        return Ok(());
    }
    let total = before.dtb_size(before.padding())?;
    let needed = tree.dtb_size(0)?;
    let padding = total.checked_sub(needed).ok_or_else(|| {
        CommandError::message(format!(
            "libfdt: FDT_ERR_NOSPACE\n\
             the tree takes {needed:#x} bytes and has {total:#x}: make room with \"fdt resize\""
        ))
    })?;
    tree.set_padding(padding & !7);
    Ok(())
}

/// Writes the tree to where it came from, if it is to be kept there. What is free behind it is
/// left as it is.
pub(super) fn write_back(cx: &mut Context<'_>) -> Result<(), CommandError> {
    let Some(tree) = cx.tree.as_ref().filter(|tree| tree.is_in_place()) else {
        return Ok(());
    };
    let Some(address) = tree.source() else {
        return Ok(());
    };
    let (range, blob) = blob_at(tree, address)?;
    let target = cx.machine.memory.bytes_mut(range)?;
    let used = tree.dtb_size(0)?.min(target.len());
    if let (Some(target), Some(blob)) = (target.get_mut(..used), blob.get(..used)) {
        target.copy_from_slice(blob);
    }
    Ok(())
}

/// Returns where the blob goes, its free bytes included, and what it is without them.
fn blob_at(tree: &WorkingTree, address: PhysAddr) -> Result<(PhysRange, Vec<u8>), CommandError> {
    let blob = tree.to_dtb(tree.padding())?;
    let range = PhysRange::from_size(address, blob.len() as u64).ok_or_else(|| {
        CommandError::message(format!("{:#x} bytes at {address} wrap", blob.len()))
    })?;
    Ok((range, blob))
}

/// `fdt resize`: ends the blob at a page's end, with room for a few reservations and as many
/// bytes more as are asked for.
pub(super) fn resize(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let extra = match *arguments {
        [] => 0,
        [extra] => parse_hex(extra)?,
        _ => return Err(CommandError::usage()),
    };
    let tree = cx.tree.as_mut().ok_or_else(no_tree)?;
    let offset = tree.source().map_or(0, PhysAddr::as_u64) % PAGE;
    let needed = tree.dtb_size(0)? as u64;
    let total = (needed + RESERVE_ROOM + offset)
        .checked_add(extra)
        .and_then(|end| end.checked_next_multiple_of(PAGE))
        .map(|end| end - offset);
    let padding = total
        .and_then(|total| usize::try_from(total - needed).ok())
        .filter(|&padding| padding <= MAX_PADDING)
        .ok_or_else(|| {
            CommandError::message(format!("{extra:#x} bytes behind the tree are too many"))
        })?;
    let before = tree.padding();
    tree.set_padding(padding);
    let result = write_back(cx);
    if let (Err(_), Some(tree)) = (&result, cx.tree.as_mut()) {
        tree.set_padding(before);
    }
    result
}
