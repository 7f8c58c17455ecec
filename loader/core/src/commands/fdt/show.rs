//! `fdt print`, `list` and `header`.

use alloc::format;
use core::fmt::Write;

use super::{CommandError, Context, WorkingTree, no_tree, node_of, property_of, written};
use crate::devicetree::{Header, MAGIC, render};

pub(super) fn print(
    tree: &WorkingTree,
    out: &mut dyn Write,
    arguments: &[&str],
) -> Result<(), CommandError> {
    show(tree, out, arguments, usize::MAX)
}

pub(super) fn list(
    tree: &WorkingTree,
    out: &mut dyn Write,
    arguments: &[&str],
) -> Result<(), CommandError> {
    show(tree, out, arguments, 1)
}

fn show(
    tree: &WorkingTree,
    out: &mut dyn Write,
    arguments: &[&str],
    levels: usize,
) -> Result<(), CommandError> {
    match *arguments {
        [] => written(render::node(out, tree, tree.root(), levels)),
        [path] => written(render::node(out, tree, node_of(tree, path)?, levels)),
        [path, name] => {
            let value = property_of(tree, node_of(tree, path)?, name)?;
            if value.is_empty() {
                return written(writeln!(out, "{path} {name}"));
            }
            written(render::property(out, name, value).and_then(|()| out.write_char('\n')))
        }
        _ => Err(CommandError::usage()),
    }
}

/// The fields by their names, in the order they lie in.
fn fields(header: &Header) -> [(&'static str, u32); 10] {
    [
        ("magic", MAGIC),
        ("totalsize", header.totalsize),
        ("off_dt_struct", header.off_dt_struct),
        ("off_dt_strings", header.off_dt_strings),
        ("off_mem_rsvmap", header.off_mem_rsvmap),
        ("version", header.version),
        ("last_comp_version", header.last_comp_version),
        ("boot_cpuid_phys", header.boot_cpuid_phys),
        ("size_dt_strings", header.size_dt_strings),
        ("size_dt_struct", header.size_dt_struct),
    ]
}

/// Shows the header that the tree has when it is written, or sets a variable to a field of it.
pub(super) fn header(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let tree = cx.tree.as_ref().ok_or_else(no_tree)?;
    let fields = fields(&tree.dtb_header(tree.padding())?);
    let reserved = tree.reservations().len();
    match *arguments {
        [] => {}
        ["get", variable, member] => {
            let field = fields.iter().find(|(name, _)| *name == member);
            let (_, value) = field.ok_or_else(|| {
                CommandError::message(format!("a device tree's header has no {member}"))
            })?;
            return Ok(cx.env.try_set(variable, &format!("{value:x}"))?);
        }
        _ => return Err(CommandError::usage()),
    }
    for (name, value) in fields {
        // The columns are U-Boot's.
        let name = format!("{name}:");
        let tabs = match name.len() {
            ..8 => "\t\t\t",
            8..16 => "\t\t",
            _ => "\t",
        };
        let _ = match name.as_str() {
            "totalsize:" => writeln!(cx, "{name}{tabs}{value:#x} ({value})"),
            "version:" | "last_comp_version:" => writeln!(cx, "{name}{tabs}{value}"),
            _ => writeln!(cx, "{name}{tabs}{value:#x}"),
        };
    }
    let _ = writeln!(cx, "number mem_rsv:\t\t{reserved:#x}\n");
    Ok(())
}
