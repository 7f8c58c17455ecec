//! `fdt get`: a property into a variable.

use alloc::{format, string::String};
use core::fmt::Write;

use super::{super::parse_hex, CommandError, Context, WorkingTree, no_tree, property_of};
use crate::devicetree::render::as_strings;

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let tree = cx.tree.as_ref().ok_or_else(no_tree)?;
    let (variable, text) = look_up(tree, arguments)?;
    Ok(cx.env.try_set(variable, &text)?)
}

/// Returns the variable's name and its new value.
pub(super) fn look_up<'n>(
    tree: &WorkingTree,
    arguments: &[&'n str],
) -> Result<(&'n str, String), CommandError> {
    Ok(match *arguments {
        ["value", variable, path, name] => (variable, value(tree, path, name, 0)?),
        ["value", variable, path, name, index] => {
            let index = usize::try_from(parse_hex(index)?).unwrap_or(usize::MAX);
            (variable, value(tree, path, name, index)?)
        }
        ["size", variable, path] => {
            let children = tree.children(tree.node(path)?).count();
            (variable, format!("{children:x}"))
        }
        ["size", variable, path, name] => {
            let length = property_of(tree, tree.node(path)?, name)?.len();
            (variable, format!("{length:x}"))
        }
        _ => return Err(CommandError::Usage),
    })
}

/// One string of a list, one cell of several, or all bytes as hexadecimal digits.
fn value(tree: &WorkingTree, path: &str, name: &str, index: usize) -> Result<String, CommandError> {
    let value = property_of(tree, tree.node(path)?, name)?;
    let missing = || CommandError::Message(format!("{path} {name} has no item {index:x}"));
    if let Some(text) = as_strings(value) {
        let part = text.split('\0').nth(index).ok_or_else(missing)?;
        return Ok(String::from(part));
    }
    if let (cells, []) = value.as_chunks::<4>()
        && !value.is_empty()
    {
        let cell = cells.get(index).ok_or_else(missing)?;
        return Ok(format!("0x{:08X}", u32::from_be_bytes(*cell)));
    }
    let mut text = String::new();
    for byte in value {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}
