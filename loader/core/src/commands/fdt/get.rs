//! `fdt get`: a property into a variable.

use alloc::{format, string::String};
use core::fmt::Write;

use platform_api::{PhysRange, PhysicalMemory};

use super::{super::parse_hex, CommandError, Context, WorkingTree, no_tree, node_of, property_of};
use crate::devicetree::render::as_strings;

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let tree = cx.tree.as_ref().ok_or_else(no_tree)?;
    let (variable, text) = match *arguments {
        ["addr", variable, path, name] => {
            (variable, address(tree, &*cx.machine.memory, path, name)?)
        }
        _ => look_up(tree, arguments)?,
    };
    Ok(cx.env.try_set(variable, &text)?)
}

/// Returns the variable's name and its new value.
pub(super) fn look_up<'n>(
    tree: &WorkingTree,
    arguments: &[&'n str],
) -> Result<(&'n str, String), CommandError> {
    Ok(match *arguments {
        ["value", variable, path, name] => (variable, value(tree, path, name, None)?),
        // Decimal, as U-Boot has it.
        ["value", variable, path, name, index] => {
            let index = index.parse().map_err(|_| {
                CommandError::message(format!("\"{index}\" is not a decimal number"))
            })?;
            (variable, value(tree, path, name, Some(index))?)
        }
        ["name", variable, path, index] => {
            let wanted = usize::try_from(parse_hex(index)?).unwrap_or(usize::MAX);
            let child = tree.children(node_of(tree, path)?).nth(wanted);
            let child = child.ok_or_else(|| {
                CommandError::message(format!("libfdt node not found\n{path} has no node {index}"))
            })?;
            (variable, tree.name(child).into())
        }
        // The number of nodes is decimal, the bytes of a property are not: as in U-Boot.
        ["size", variable, path] => {
            let children = tree.children(node_of(tree, path)?).count();
            (variable, format!("{children}"))
        }
        ["size", variable, path, name] => {
            let length = property_of(tree, node_of(tree, path)?, name)?.len();
            (variable, format!("{length:x}"))
        }
        _ => return Err(CommandError::usage()),
    })
}

/// One string of a list, one cell of several, or all bytes as hexadecimal digits.
fn value(
    tree: &WorkingTree,
    path: &str,
    name: &str,
    index: Option<usize>,
) -> Result<String, CommandError> {
    let value = property_of(tree, node_of(tree, path)?, name)?;
    let missing = || {
        let index = index.unwrap_or(0);
        CommandError::message(format!("{path} {name} has no item {index}"))
    };
    if let Some(text) = as_strings(value) {
        let part = text.split('\0').nth(index.unwrap_or(0));
        return part.map(String::from).ok_or_else(missing);
    }
    let (cells, rest) = value.as_chunks::<4>();
    let wanted = match (cells, rest) {
        ([only], []) => Some(only),
        (cells, []) if !cells.is_empty() => match index {
            Some(index) => Some(cells.get(index).ok_or_else(missing)?),
            None => None,
        },
        _ => None,
    };
    if let Some(cell) = wanted {
        return Ok(format!("0x{:08X}", u32::from_be_bytes(*cell)));
    }
    let mut text = String::new();
    for byte in value {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// Returns where a property's value lies in memory: only where the blob there is the tree.
fn address(
    tree: &WorkingTree,
    memory: &dyn PhysicalMemory,
    path: &str,
    name: &str,
) -> Result<String, CommandError> {
    let node = node_of(tree, path)?;
    let value = property_of(tree, node, name)?;
    let offset = if tree.is_in_place() {
        tree.offset_when_written(node, name)?
    } else {
        tree.offset_in_blob(node, name)
    };
    let place = offset.and_then(|offset| {
        let start = tree.source()?.checked_add(offset as u64)?;
        let range = PhysRange::from_size(start, value.len() as u64)?;
        (memory.bytes(range).ok()? == value).then_some(start)
    });
    match place {
        Some(start) => Ok(format!("{:x}", start.as_u64())),
        None => Err(CommandError::message(format!(
            "{path} {name} is not in memory as the working tree has it: \
             write the tree there with \"fdt move\""
        ))),
    }
}
