//! `fdt set`, `rm`, `mknode` and `resize`.

use alloc::format;

use super::{super::parse_hex, CommandError, WorkingTree, property_of, value};

/// More free room than anybody needs; QEMU leaves 1 MiB.
pub(super) const MAX_PADDING: usize = 16 << 20;

pub(super) fn set(tree: &mut WorkingTree, arguments: &[&str]) -> Result<(), CommandError> {
    let [path, name, values @ ..] = arguments else {
        return Err(CommandError::Usage);
    };
    let node = tree.node(path)?;
    let value = value::parse(values)?;
    Ok(tree.set_property(node, name, &value)?)
}

pub(super) fn make_node(tree: &mut WorkingTree, arguments: &[&str]) -> Result<(), CommandError> {
    let &[path, name] = arguments else {
        return Err(CommandError::Usage);
    };
    let parent = tree.node(path)?;
    tree.make_node(parent, name)?;
    Ok(())
}

pub(super) fn remove(tree: &mut WorkingTree, arguments: &[&str]) -> Result<(), CommandError> {
    match *arguments {
        [path] => Ok(tree.remove_node(tree.node(path)?)?),
        [path, name] => {
            let node = tree.node(path)?;
            property_of(tree, node, name)?;
            tree.remove_property(node, name);
            Ok(())
        }
        _ => Err(CommandError::Usage),
    }
}

pub(super) fn resize(tree: &mut WorkingTree, arguments: &[&str]) -> Result<(), CommandError> {
    let extra = match *arguments {
        [] => 0,
        [extra] => parse_hex(extra)?,
        _ => return Err(CommandError::Usage),
    };
    let padding = usize::try_from(extra)
        .ok()
        .filter(|&padding| padding <= MAX_PADDING)
        .ok_or_else(|| {
            CommandError::Message(format!("{extra:#x} bytes behind the tree are too many"))
        })?;
    tree.set_padding(padding);
    Ok(())
}
