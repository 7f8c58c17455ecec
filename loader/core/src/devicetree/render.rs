//! Prints nodes and values the way U-Boot's `fdt print` does.

use core::fmt::{self, Write};

use super::{NodeId, WorkingTree};

/// Prints a node; nodes more than `levels` below it are left out (1: the names of its children).
///
/// # Errors
/// The writer's.
pub fn node(out: &mut dyn Write, tree: &WorkingTree, node: NodeId, levels: usize) -> fmt::Result {
    subtree(out, tree, node, levels, 0)
}

fn subtree(
    out: &mut dyn Write,
    tree: &WorkingTree,
    node: NodeId,
    levels: usize,
    indent: usize,
) -> fmt::Result {
    let name = match tree.name(node) {
        "" => "/",
        name => name,
    };
    tabs(out, indent)?;
    writeln!(out, "{name} {{")?;
    if levels > 0 {
        for (name, value) in tree.properties(node) {
            tabs(out, indent + 1)?;
            property(out, name, value)?;
            out.write_str(";\n")?;
        }
        // The depth of a working tree is limited, and so is this recursion.
        for child in tree.children(node) {
            subtree(out, tree, child, levels - 1, indent + 1)?;
        }
    }
    tabs(out, indent)?;
    out.write_str("};\n")
}

fn tabs(out: &mut dyn Write, count: usize) -> fmt::Result {
    (0..count).try_for_each(|_| out.write_char('\t'))
}

/// Prints `name = value`, or `name` alone where the value is empty.
///
/// # Errors
/// The writer's.
pub fn property(out: &mut dyn Write, name: &str, value: &[u8]) -> fmt::Result {
    out.write_str(name)?;
    if value.is_empty() {
        return Ok(());
    }
    out.write_str(" = ")?;
    self::value(out, value)
}

/// Prints a value: as strings if it looks like strings, as cells if it can be, else as bytes.
///
/// # Errors
/// The writer's.
pub fn value(out: &mut dyn Write, value: &[u8]) -> fmt::Result {
    if let Some(text) = as_strings(value) {
        for (index, part) in text.split('\0').enumerate() {
            let separator = if index > 0 { ", " } else { "" };
            write!(out, "{separator}\"{part}\"")?;
        }
        return Ok(());
    }
    if let (cells, []) = value.as_chunks::<4>() {
        for (index, cell) in cells.iter().enumerate() {
            let separator = if index > 0 { ' ' } else { '<' };
            write!(out, "{separator}{:#010x}", u32::from_be_bytes(*cell))?;
        }
        return out.write_char('>');
    }
    for (index, byte) in value.iter().enumerate() {
        let separator = if index > 0 { ' ' } else { '[' };
        write!(out, "{separator}{byte:02x}")?;
    }
    out.write_char(']')
}

/// Returns the value without its last NUL if it is printable strings, none of them empty.
pub fn as_strings(value: &[u8]) -> Option<&str> {
    let text = value.strip_suffix(&[0])?;
    let printable = |byte: &u8| matches!(byte, b' '..=b'~');
    let all = text
        .split(|&byte| byte == 0)
        .all(|part| !part.is_empty() && part.iter().all(printable));
    core::str::from_utf8(text).ok().filter(|_| all)
}
