//! `bootz`: boot a zImage.

use super::{Command, CommandError, Group};
use crate::{
    boot::{Options, Source, Wanted, prepare_zimage},
    context::Context,
};

/// The descriptor.
pub static BOOTZ: Command = Command {
    name: "bootz",
    aliases: &[],
    group: Group::Boot,
    summary: "boot a zImage, from a file or from memory",
    usage: "[-n] [-v] IMAGE [INITRD[:SIZE]|-] [FDT|-]\n    \
            - IMAGE, INITRD and FDT are addresses, or files on the boot volume\n    \
            - files are placed where nothing overwrites them; addresses are honoured or refused\n    \
            - without INITRD, the one that the first stage loaded is used, if it did; - is none\n    \
            - without FDT, the working device tree is used\n    \
            - -n prints the plan; loads nothing, starts nothing\n    \
            - -v prints the plan and a character for each step of the handoff",
    example: "bootz zImage initrd.img",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (options, rest) = options(arguments)?;
    let (image, initrd, tree) = match *rest {
        [image] => (image, None, None),
        [image, initrd] => (image, Some(initrd), None),
        [image, initrd, tree] => (image, Some(initrd), Some(tree)),
        _ => return Err(CommandError::usage()),
    };
    let image = Source::parse(image)?;
    let initrd = match initrd {
        Some(initrd) => given(initrd).map(Source::parse).transpose()?,
        None => Source::first_stage_initrd(cx),
    };
    let tree = tree.and_then(given).map(Source::parse).transpose()?;
    let wanted = Wanted {
        initrd,
        tree,
        ..Wanted::image(image)
    };
    prepare_zimage(cx, wanted)?.boot(cx, options)
}

/// `-` stands for nothing.
fn given(text: &str) -> Option<&str> {
    (text != "-").then_some(text)
}

/// Splits off `-n` and `-v`.
///
/// # Errors
/// [`Failure::Usage`](crate::commands::Failure::Usage) for another word with a dash: it is no file's name.
pub(super) fn options<'s, 't>(
    arguments: &'s [&'t str],
) -> Result<(Options, &'s [&'t str]), CommandError> {
    let mut options = Options::default();
    let mut rest = arguments.get(1..).unwrap_or_default();
    while let Some((first, more)) = rest.split_first() {
        match *first {
            "-n" => options.dry_run = true,
            "-v" => options.verbose = true,
            "-nv" | "-vn" => {
                options = Options {
                    dry_run: true,
                    verbose: true,
                }
            }
            unknown if unknown.starts_with('-') && unknown != "-" => {
                return Err(CommandError::usage());
            }
            _ => break,
        }
        rest = more;
    }
    Ok((options, rest))
}
