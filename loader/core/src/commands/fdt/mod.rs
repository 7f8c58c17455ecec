//! `fdt`: looks at the working device tree and edits it.
//!
//! The working tree is Baton's own copy: what is edited is what `bootz` boots, and the memory
//! that it was read from stays as it is.

mod address;
mod edit;
mod get;
mod value;

use alloc::string::String;
use core::fmt::{self, Write};

use super::{Command, CommandError, Group};
use crate::{
    context::Context,
    devicetree::{NodeId, TreeError, WorkingTree, render},
};

/// The descriptor.
pub static FDT: Command = Command {
    name: "fdt",
    aliases: &[],
    group: Group::Tree,
    summary: "flattened device tree utility commands",
    usage: "addr [-c] [<addr> [<size>]]        - Set the [control] fdt location to <addr>\n\
            print [<path> [<prop>]]            - Recursive print starting at <path>\n\
            list [<path> [<prop>]]             - Print one level starting at <path>\n\
            get value <var> <path> <prop> [<index>] - Get <property> and store in <var>\n\
            get size <var> <path> [<prop>]     - Get size of <prop>, or number of subnodes\n\
            set <path> <prop> [<val>]          - Set <property> [to <val>]\n\
            mknode <path> <node>               - Create a new node after <path>\n\
            rm <path> [<prop>]                 - Delete the node or <property>\n\
            header                             - Display header info\n\
            resize [<extrasize>]               - Leave <extrasize> bytes free behind the tree",
    example: "fdt print /chosen",
    run,
};

/// What a subcommand works on.
#[derive(Clone, Copy)]
enum Run {
    /// The session: where trees come from and where values go.
    Session(fn(&mut Context<'_>, &[&str]) -> Result<(), CommandError>),
    /// The tree, to look at.
    Show(fn(&WorkingTree, &mut dyn Write, &[&str]) -> Result<(), CommandError>),
    /// The tree, to change.
    Edit(fn(&mut WorkingTree, &[&str]) -> Result<(), CommandError>),
}

/// The subcommands; as in U-Boot, the beginning of a name is enough, and the first that fits
/// is meant.
const SUBCOMMANDS: &[(&str, Run)] = &[
    ("addr", Run::Session(address::run)),
    ("print", Run::Show(print)),
    ("list", Run::Show(list)),
    ("set", Run::Edit(edit::set)),
    ("get", Run::Session(get::run)),
    ("header", Run::Show(header)),
    ("rm", Run::Edit(edit::remove)),
    ("resize", Run::Edit(edit::resize)),
    ("mknode", Run::Edit(edit::make_node)),
];

fn find(name: &str) -> Option<Run> {
    let fits = |known: &&(&str, Run)| !name.is_empty() && known.0.starts_with(name);
    SUBCOMMANDS.iter().find(fits).map(|&(_, run)| run)
}

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [_, subcommand, rest @ ..] = arguments else {
        return Err(CommandError::Usage);
    };
    match find(subcommand).ok_or(CommandError::Usage)? {
        Run::Session(run) => run(cx, rest),
        Run::Edit(run) => run(cx.tree.as_mut().ok_or_else(no_tree)?, rest),
        Run::Show(run) => {
            // The context writes, so it cannot hold the tree meanwhile.
            let tree = cx.tree.take().ok_or_else(no_tree)?;
            let result = run(&tree, &mut Interruptible(cx), rest);
            cx.tree = Some(tree);
            result
        }
    }
}

/// Ends a listing when Ctrl-C was typed.
struct Interruptible<'c, 'a>(&'c mut Context<'a>);

impl Write for Interruptible<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.interrupted() {
            return Err(fmt::Error);
        }
        self.0.write_str(text)
    }
}

fn no_tree() -> CommandError {
    CommandError::Message(String::from(
        "No FDT memory address configured. Please configure\n\
         the FDT address via \"fdt addr <address>\" command.",
    ))
}

fn property_of<'t>(
    tree: &'t WorkingTree,
    node: NodeId,
    name: &str,
) -> Result<&'t [u8], CommandError> {
    tree.property(node, name).ok_or_else(|| {
        CommandError::from(TreeError::NoProperty {
            path: tree.path(node),
            name: String::from(name),
        })
    })
}

/// A console never fails; a writer that gives up does so because it was told to stop.
fn written(result: fmt::Result) -> Result<(), CommandError> {
    result.map_err(|_| CommandError::Interrupted)
}

fn print(tree: &WorkingTree, out: &mut dyn Write, arguments: &[&str]) -> Result<(), CommandError> {
    show(tree, out, arguments, usize::MAX)
}

fn list(tree: &WorkingTree, out: &mut dyn Write, arguments: &[&str]) -> Result<(), CommandError> {
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
        [path] => written(render::node(out, tree, tree.node(path)?, levels)),
        [path, name] => {
            let value = property_of(tree, tree.node(path)?, name)?;
            written(render::property(out, name, value).and_then(|()| out.write_char('\n')))
        }
        _ => Err(CommandError::Usage),
    }
}

fn header(tree: &WorkingTree, out: &mut dyn Write, arguments: &[&str]) -> Result<(), CommandError> {
    if !arguments.is_empty() {
        return Err(CommandError::Usage);
    }
    let header = tree.dtb_header(tree.padding())?;
    written(write!(
        out,
        "magic:\t\t\t{:#x}\n\
         totalsize:\t\t{:#x} ({})\n\
         off_dt_struct:\t\t{:#x}\n\
         off_dt_strings:\t\t{:#x}\n\
         off_mem_rsvmap:\t\t{:#x}\n\
         version:\t\t{}\n\
         last_comp_version:\t{}\n\
         boot_cpuid_phys:\t{:#x}\n\
         size_dt_strings:\t{:#x}\n\
         size_dt_struct:\t\t{:#x}\n\
         number mem_rsv:\t\t{:#x}\n\n",
        crate::devicetree::MAGIC,
        header.totalsize,
        header.totalsize,
        header.off_dt_struct,
        header.off_dt_strings,
        header.off_mem_rsvmap,
        header.version,
        header.last_comp_version,
        header.boot_cpuid_phys,
        header.size_dt_strings,
        header.size_dt_struct,
        tree.reservations().len(),
    ))
}

#[cfg(test)]
mod tests;
