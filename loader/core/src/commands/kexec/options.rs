//! kexec-tools' words, in any order: `--initrd=FILE` and `--initrd FILE` mean the same.

use super::CommandError;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Load,
    Execute,
    LoadAndExecute,
    Unload,
    Status,
}

/// The words, sorted out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parsed<'a> {
    pub action: Action,
    pub kernel: Option<&'a str>,
    pub initrd: Option<&'a str>,
    pub dtb: Option<&'a str>,
    pub command_line: Option<&'a str>,
    pub reuse_initrd: bool,
    pub verbose: bool,
}

/// Sorts the words out.
///
/// # Errors
/// [`Failure::Usage`](crate::commands::Failure::Usage) for an unknown word, two actions, a second value for an option, an
/// option that this action has no use for, or a missing kernel.
pub(super) fn parse<'a>(words: &[&'a str]) -> Result<Parsed<'a>, CommandError> {
    let mut parsed = Parsed {
        action: Action::LoadAndExecute,
        kernel: None,
        initrd: None,
        dtb: None,
        command_line: None,
        reuse_initrd: false,
        verbose: false,
    };
    let mut action = None;
    let mut reuse = false;
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let (name, value) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value)),
            _ => (word, None),
        };
        let slot = match name {
            "--initrd" | "--ramdisk" => Some(&mut parsed.initrd),
            "--dtb" => Some(&mut parsed.dtb),
            "--command-line" | "--append" => Some(&mut parsed.command_line),
            _ => None,
        };
        if let Some(slot) = slot {
            let value = value.or_else(|| words.next());
            put(slot, value.ok_or_else(CommandError::usage)?)?;
            continue;
        }
        match word {
            "-l" | "--load" => put(&mut action, Action::Load)?,
            "-e" | "--exec" => put(&mut action, Action::Execute)?,
            "-u" | "--unload" => put(&mut action, Action::Unload)?,
            "-s" | "-S" | "--status" => put(&mut action, Action::Status)?,
            "-d" | "--debug" => parsed.verbose = true,
            "--reuse-cmdline" => reuse = true,
            "--reuseinitrd" => parsed.reuse_initrd = true,
            option if option.starts_with('-') => return Err(CommandError::usage()),
            kernel => put(&mut parsed.kernel, kernel)?,
        }
    }
    parsed.action = action.unwrap_or(Action::LoadAndExecute);
    let loads = matches!(parsed.action, Action::Load | Action::LoadAndExecute);
    let options = [parsed.initrd, parsed.dtb, parsed.command_line];
    let any = options.iter().any(Option::is_some) || reuse || parsed.reuse_initrd || parsed.verbose;
    let twice = (reuse && parsed.command_line.is_some())
        || (parsed.reuse_initrd && parsed.initrd.is_some());
    if parsed.kernel.is_some() != loads || (any && !loads) || twice {
        return Err(CommandError::usage());
    }
    Ok(parsed)
}

fn put<T>(slot: &mut Option<T>, value: T) -> Result<(), CommandError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(CommandError::usage()),
    }
}
