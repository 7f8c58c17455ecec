//! `kexec`: stage a boot now, go later. The words are those of kexec-tools.

use core::fmt::Write as _;

use super::{Command, CommandError, Group};
use crate::{
    boot::{Source, Staged, Wanted, prepare_elf, prepare_zimage},
    context::Context,
    image::elf,
};

mod options;
#[cfg(test)]
mod tests;

use options::{Action, Parsed, parse};

/// The descriptor.
pub static KEXEC: Command = Command {
    name: "kexec",
    aliases: &[],
    group: Group::Boot,
    summary: "stage a kernel, and start what is staged",
    usage: "-l FILE [--initrd=FILE] [--dtb=FILE] [--command-line=S | --reuse-cmdline] [-d]\n    \
            - loads a zImage or an ELF file into its place, records the CRC-32 of each piece,\n      \
            prints the plan; FILEs are addresses too, as for bootz\n    \
            - without a command line, ${bootargs}, as with --reuse-cmdline\n    \
            - --reuseinitrd takes the initrd that the first stage loaded\n    \
            - what was staged before is given up\n\
            -e\n    \
            - checks the CRCs again and starts what is staged, or says what changed\n\
            -u\n    \
            - gives up what is staged, and its memory\n\
            -s\n    \
            - prints 1 and the plan if something is staged, else 0\n\
            FILE ...\n    \
            - as -l and then -e\n    \
            - long names: --load, --exec, --unload, --status; --append is --command-line,\n      \
            --ramdisk is --initrd, --debug is -d: a character for each step of the handoff",
    example: "kexec -l zImage --initrd=initrd.img",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let parsed = parse(arguments.get(1..).unwrap_or_default())?;
    match parsed.action {
        Action::Load => load(cx, &parsed),
        Action::Execute => execute(cx),
        Action::LoadAndExecute => {
            load(cx, &parsed)?;
            execute(cx)
        }
        Action::Unload => {
            Staged::release(cx);
            Ok(())
        }
        Action::Status => {
            status(cx);
            Ok(())
        }
    }
}

fn load(cx: &mut Context<'_>, parsed: &Parsed<'_>) -> Result<(), CommandError> {
    let initrd = if parsed.reuse_initrd {
        let none = || CommandError::message("the first stage loaded no initrd".into());
        Some(Source::first_stage_initrd(cx).ok_or_else(none)?)
    } else {
        parsed.initrd.map(Source::parse).transpose()?
    };
    let wanted = Wanted {
        image: Source::parse(parsed.kernel.ok_or_else(CommandError::usage)?)?,
        initrd,
        tree: parsed.dtb.map(Source::parse).transpose()?,
        arguments: parsed.command_line,
    };
    let image = wanted.image.open(cx)?;
    let prepared = if image.starts_with(cx, elf::MAGIC)? {
        if wanted.initrd.is_some() {
            return Err(CommandError::message("an ELF file takes no initrd".into()));
        }
        prepare_elf(cx, wanted)?
    } else {
        prepare_zimage(cx, wanted)?
    };
    Staged::load(cx, prepared.verbose(parsed.verbose))?;
    show(cx);
    Ok(())
}

fn execute(cx: &mut Context<'_>) -> Result<(), CommandError> {
    // A copy: it stays staged if it is refused, or if it faults on the way.
    let staged = cx.staged.clone();
    let staged = staged.ok_or_else(|| {
        CommandError::message("Nothing has been loaded! Try kexec -l FILE".into())
    })?;
    staged.go(cx)
}

fn status(cx: &mut Context<'_>) {
    let loaded = u8::from(cx.staged.is_some());
    let _ = writeln!(cx, "{loaded}");
    show(cx);
}

/// Prints the plan of what is staged.
fn show(cx: &mut Context<'_>) {
    if let Some(staged) = cx.staged.clone() {
        let _ = write!(cx, "{}", staged.plan());
    }
}
