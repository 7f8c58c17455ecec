//! `fdt set`, `rm`, `mknode` and `bootcpu`.

use super::{super::parse_hex, CommandError, WorkingTree, failed, no_property, node_of, value};

/// More free room than anybody needs; QEMU leaves 1 MiB.
pub(super) const MAX_PADDING: usize = 16 << 20;

pub(super) fn set(tree: &mut WorkingTree, arguments: &[&str]) -> Result<(), CommandError> {
    let [path, name, values @ ..] = arguments else {
        return Err(CommandError::usage());
    };
    let node = node_of(tree, path)?;
    let old = tree.property(node, name).unwrap_or_default();
    let value = value::parse(values, old)?;
    Ok(tree.insert_property(node, name, &value)?)
}

pub(super) fn make_node(tree: &mut WorkingTree, arguments: &[&str]) -> Result<(), CommandError> {
    let &[path, name] = arguments else {
        return Err(CommandError::usage());
    };
    let parent = node_of(tree, path)?;
    tree.insert_node(parent, name).map(drop).map_err(|error| {
        let code = match error {
            crate::devicetree::TreeError::NodeExists(_) => "EXISTS",
            _ => "BADSTRUCTURE",
        };
        failed("fdt_add_subnode():", code, error)
    })
}

pub(super) fn remove(tree: &mut WorkingTree, arguments: &[&str]) -> Result<(), CommandError> {
    match *arguments {
        [path] => Ok(tree.remove_node(node_of(tree, path)?)?),
        [path, name] => {
            let node = node_of(tree, path)?;
            if !tree.remove_property(node, name) {
                let error = no_property(tree, node, name);
                return Err(failed("fdt_delprop():", "NOTFOUND", error));
            }
            Ok(())
        }
        _ => Err(CommandError::usage()),
    }
}

pub(super) fn boot_cpu(tree: &mut WorkingTree, arguments: &[&str]) -> Result<(), CommandError> {
    let [id] = arguments else {
        return Err(CommandError::usage());
    };
    let id = u32::try_from(parse_hex(id)?)
        .map_err(|_| CommandError::message(alloc::format!("{id} does not fit 32 bits")))?;
    tree.set_boot_cpu(id);
    Ok(())
}
