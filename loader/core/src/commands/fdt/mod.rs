//! `fdt`: looks at the working device tree and edits it.
//!
//! The working tree is Baton's own copy: what is edited is what `bootz` boots. The first stage's
//! tree stays as it is in memory; one that `fdt addr` or `fdt move` made the working tree is
//! kept there as it is edited, as with U-Boot, within the room that its header gives it.

mod address;
mod chosen;
mod edit;
mod get;
mod in_place;
mod overlay;
mod reserve;
mod show;
mod value;

use alloc::string::String;
use core::fmt::{self, Write};

use super::{Command, CommandError, Group};
use crate::{
    context::Context,
    devicetree::{NodeId, TreeError, WorkingTree},
};

/// The descriptor.
pub static FDT: Command = Command {
    name: "fdt",
    aliases: &[],
    group: Group::Tree,
    summary: "flattened device tree utility commands",
    usage: "addr [-c] [-q] [<addr> [<size>]]    - Set the [control] fdt location to <addr>\n\
            apply <addr>                    - Apply overlay to the DT\n\
            move   <fdt> <newaddr> [<length>] - Copy the fdt to <newaddr> and make it active\n\
            resize [<extrasize>]            - Resize fdt to size + padding to 4k addr + some optional <extrasize> if needed\n\
            print  [<path> [<prop>]]        - Recursive print starting at <path>\n\
            list   [<path> [<prop>]]        - Print one level starting at <path>\n\
            get value <var> <path> <prop> [<index>] - Get <property> and store in <var>\n                                      \
            In case of stringlist property, use optional <index>\n                                      \
            to select string within the stringlist. Default is 0.\n\
            get name <var> <path> <index>   - Get name of node <index> and store in <var>\n\
            get addr <var> <path> <prop>    - Get start address of <property> and store in <var>\n\
            get size <var> <path> [<prop>]  - Get size of [<property>] or num nodes and store in <var>\n\
            set    <path> <prop> [<val>]    - Set <property> [to <val>]\n\
            mknode <path> <node>            - Create a new node after <path>\n\
            rm     <path> [<prop>]          - Delete the node or <property>\n\
            header [get <var> <member>]     - Display header info\n                                      \
            get - get header member <member> and store it in <var>\n\
            bootcpu <id>                    - Set boot cpuid\n\
            memory <addr> <size>            - Add/Update memory node\n\
            rsvmem print                    - Show current mem reserves\n\
            rsvmem add <addr> <size>        - Add a mem reserve\n\
            rsvmem delete <index>           - Delete a mem reserves\n\
            chosen [<start> <size>]         - Add/update the /chosen branch in the tree\n                                        \
            <start>/<size> - initrd start addr/size\n    \
            Dereference aliases by omitting the leading '/', e.g. fdt print ethernet0.",
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
    ("apply", Run::Session(overlay::run)),
    ("print", Run::Show(show::print)),
    ("list", Run::Show(show::list)),
    ("set", Run::Edit(edit::set)),
    ("get", Run::Session(get::run)),
    ("header", Run::Session(show::header)),
    ("rm", Run::Edit(edit::remove)),
    ("resize", Run::Session(in_place::resize)),
    ("rsvmem", Run::Session(reserve::run)),
    ("mknode", Run::Edit(edit::make_node)),
    ("move", Run::Session(address::copy)),
    ("memory", Run::Edit(chosen::memory)),
    ("bootcpu", Run::Edit(edit::boot_cpu)),
    ("chosen", Run::Session(chosen::run)),
];

fn find(name: &str) -> Option<Run> {
    let fits = |known: &&(&str, Run)| !name.is_empty() && known.0.starts_with(name);
    SUBCOMMANDS.iter().find(fits).map(|&(_, run)| run)
}

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [_, subcommand, rest @ ..] = arguments else {
        return Err(CommandError::usage());
    };
    match find(subcommand).ok_or_else(CommandError::usage)? {
        Run::Session(run) => run(cx, rest),
        Run::Edit(run) => in_place::edit(cx, |tree| run(tree, rest)),
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
    CommandError::message(String::from(
        "No FDT memory address configured. Please configure\n\
         the FDT address via \"fdt addr <address>\" command.\n\
         Aborting!",
    ))
}

/// Says what U-Boot's libfdt says, and then what is wrong.
fn failed(call: &str, code: &str, error: TreeError) -> CommandError {
    CommandError::message(alloc::format!("libfdt {call} FDT_ERR_{code}\n{error}"))
}

fn node_of(tree: &WorkingTree, path: &str) -> Result<NodeId, CommandError> {
    tree.node(path).map_err(|error| {
        let code = if path.starts_with('/') {
            "NOTFOUND"
        } else {
            "BADPATH"
        };
        failed("fdt_path_offset() returned", code, error)
    })
}

fn property_of<'t>(
    tree: &'t WorkingTree,
    node: NodeId,
    name: &str,
) -> Result<&'t [u8], CommandError> {
    tree.property(node, name)
        .ok_or_else(|| failed("fdt_getprop():", "NOTFOUND", no_property(tree, node, name)))
}

fn no_property(tree: &WorkingTree, node: NodeId, name: &str) -> TreeError {
    TreeError::NoProperty {
        path: tree.path(node),
        name: String::from(name),
    }
}

/// A console never fails; a writer that gives up does so because it was told to stop.
fn written(result: fmt::Result) -> Result<(), CommandError> {
    result.map_err(|_| CommandError::interrupted())
}

#[cfg(test)]
mod tests;
