//! The saved environment on the card: loaded at the start, saved by `saveenv`.
//!
//! A save overwrites the older copy in its place. Nothing else of the card is written: no table,
//! no directory. Only the first save makes the files.

use alloc::{format, string::String, vec::Vec};
use core::fmt::{self, Write};

use super::{
    EnvError,
    saved::{self, BadCopy, Copy, FILES, SIZE},
};
use crate::{
    commands::CommandError,
    context::Context,
    machine::Disk,
    storage::{self, OpenFile, StorageError, StorageProblem, VolumeName, default_volume},
};

/// Problems with variables that are shown one by one.
const MAX_SHOWN: usize = 8;

/// Which copy the variables were loaded from, or saved to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Validity {
    /// None: they are defaults.
    #[default]
    Invalid,
    /// The first.
    Valid,
    /// The second.
    Redundant,
}

/// What is known of the saved environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The volume it is on, interface and `DEV[:PART]`; the default volume of the moment if none.
    pub volume: Option<(String, String)>,
    /// Which copy is the newest, as far as was seen.
    pub validity: Validity,
    /// The variables are the defaults, and what was changed since.
    pub default: bool,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            volume: None,
            validity: Validity::Invalid,
            default: true,
        }
    }
}

/// Why a copy cannot be used.
#[derive(Debug)]
enum Unusable {
    /// There is no such file.
    Missing,
    Bad(BadCopy),
    Storage(StorageError),
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("no such file"),
            Self::Bad(error) => error.fmt(f),
            Self::Storage(error) => error.fmt(f),
        }
    }
}

/// A copy on the card.
struct OnCard {
    /// The file, if there is one of the right size.
    file: Option<OpenFile>,
    /// Its bytes if they are good, else why not.
    content: Result<Vec<u8>, Unusable>,
}

impl OnCard {
    fn look(disks: &mut [Disk], file: Result<OpenFile, StorageError>) -> Self {
        let file = match file {
            Ok(file) if file.size() == SIZE as u64 => file,
            Ok(file) => {
                let bad = BadCopy::Size(file.size());
                return Self::unusable(Unusable::Bad(bad));
            }
            Err(error) => {
                return Self::unusable(match error.problem() {
                    StorageProblem::Missing(_) => Unusable::Missing,
                    _ => Unusable::Storage(error),
                });
            }
        };
        let content = read(disks, &file).and_then(|bytes| match Copy::decode(&bytes) {
            Ok(_) => Ok(bytes),
            Err(bad) => Err(Unusable::Bad(bad)),
        });
        Self {
            file: Some(file),
            content,
        }
    }

    fn unusable(why: Unusable) -> Self {
        Self {
            file: None,
            content: Err(why),
        }
    }

    fn copy(&self) -> Option<Copy<'_>> {
        let bytes = self.content.as_ref().ok()?;
        // It was good a moment ago: its checksum is not taken again.
        Copy::trusted(bytes)
    }

    fn is_missing(&self) -> bool {
        matches!(self.content, Err(Unusable::Missing))
    }
}

fn read(disks: &mut [Disk], file: &OpenFile) -> Result<Vec<u8>, Unusable> {
    let bytes = storage::zeroed(SIZE).and_then(|mut bytes| {
        file.read_at(disks, 0, &mut bytes)?;
        Ok(bytes)
    });
    bytes.map_err(Unusable::Storage)
}

/// Looks at both copies.
fn look(disks: &mut [Disk], volume: VolumeName<'_>) -> Result<[OnCard; 2], StorageError> {
    let files = storage::open_each(disks, volume, FILES)?;
    Ok(files.map(|file| OnCard::look(disks, file)))
}

fn newer(copies: &[OnCard; 2]) -> Option<usize> {
    let flag = |copy: &OnCard| copy.copy().map(|copy| copy.flag);
    let [first, second] = copies;
    saved::newer([flag(first), flag(second)])
}

/// Returns the volume that the environment is saved on.
fn place(cx: &Context<'_>) -> Option<(String, String)> {
    let named = cx.store.volume.clone();
    named.or_else(|| default_volume(&cx.env))
}

/// Loads the saved environment over the machine's facts, and tells whether there was one. If there
/// is none that is good, the variables stay as they are. Says what is wrong.
pub fn load(cx: &mut Context<'_>) -> bool {
    let Some((interface, device)) = place(cx) else {
        return false;
    };
    let volume = VolumeName {
        interface: &interface,
        device: &device,
    };
    let copies = match look(&mut cx.machine.disks, volume) {
        Ok(copies) => copies,
        Err(error) => {
            default_warning(cx, &format!("{interface} {device}: {error}"));
            return false;
        }
    };
    let Some(used) = newer(&copies) else {
        let text = match copies.iter().all(OnCard::is_missing) {
            true => format!("no {} on {interface} {device}", FILES[0]),
            false => {
                report(cx, &copies, "");
                String::from("bad CRC")
            }
        };
        default_warning(cx, &text);
        return false;
    };
    let name = FILES.get(used).copied().unwrap_or_default();
    report(cx, &copies, &format!("; using {name}"));
    if let Some(copy) = copies.get(used).and_then(OnCard::copy) {
        cx.env.reset(false);
        let restored = copy.row().map(|entry| match entry? {
            (name, Some(value)) => cx.env.restore(&name, &value),
            (_, None) => Ok(()),
        });
        let problems: Vec<EnvError> = restored.filter_map(Result::err).collect();
        for problem in problems.iter().take(MAX_SHOWN) {
            let _ = writeln!(cx, "{name}: {problem}");
        }
        if problems.len() > MAX_SHOWN {
            let more = problems.len() - MAX_SHOWN;
            let _ = writeln!(cx, "{name}: {more} more that are no variables");
        }
    }
    cx.store.validity = validity(used);
    cx.store.default = false;
    true
}

/// Begins: loads the saved environment over the facts that were given, and sets the first stage's
/// `arguments` over it. They choose the volume too, which then stays. Says what is wrong.
pub fn start(cx: &mut Context<'_>, arguments: &[(String, String)]) {
    let mut volume = cx.env.clone();
    for (name, value) in arguments {
        volume.set(name, value);
    }
    cx.store.volume = default_volume(&volume);
    load(cx);
    for (name, value) in arguments {
        if let Err(error) = cx.env.override_with(name, value) {
            let _ = writeln!(cx, "baton.{name}: {error}");
            cx.log.record(format_args!("baton.{name}: {error}"));
        }
    }
}

fn validity(used: usize) -> Validity {
    match used {
        0 => Validity::Valid,
        _ => Validity::Redundant,
    }
}

/// Says what is wrong with each copy.
fn report(cx: &mut Context<'_>, copies: &[OnCard; 2], end: &str) {
    for (name, copy) in FILES.iter().zip(copies) {
        if let Err(error) = &copy.content {
            let _ = writeln!(cx, "*** Warning - {name}: {error}{end}");
        }
    }
}

/// U-Boot's words, and its empty line.
fn default_warning(cx: &mut Context<'_>, why: &str) {
    let _ = writeln!(cx, "*** Warning - {why}, using default environment\n");
}

/// Saves the variables that last. Power may be lost at any time: the next start finds these, or
/// those that were saved before.
///
/// # Errors
/// No volume, too many variables, no space on the card, another loader's file; or the disk failed.
pub fn save(cx: &mut Context<'_>) -> Result<(), CommandError> {
    let (interface, device) = place(cx).ok_or_else(|| {
        CommandError::message("no disk to save to; set devtype and devnum".into())
    })?;
    let volume = VolumeName {
        interface: &interface,
        device: &device,
    };
    let copies = look(&mut cx.machine.disks, volume)?;
    let used = newer(&copies);
    let flag = used.and_then(|used| copies.get(used)?.copy());
    let flag = flag.map_or(0, |copy| copy.flag);
    let target = match used {
        Some(0) => 1,
        _ => 0,
    };
    // A file that is missing beside one that is not: the tools in Linux want both.
    let other = 1 - target;
    let alone = copies.get(other).is_some_and(OnCard::is_missing);
    if alone {
        write(cx, volume, &copies, other, flag.wrapping_add(1))?;
    }
    write(
        cx,
        volume,
        &copies,
        target,
        flag.wrapping_add(1 + u8::from(alone)),
    )?;
    cx.store.validity = validity(target);
    Ok(())
}

/// Writes one copy and reads it back.
fn write(
    cx: &mut Context<'_>,
    volume: VolumeName<'_>,
    copies: &[OnCard; 2],
    index: usize,
    flag: u8,
) -> Result<(), CommandError> {
    let (Some(copy), Some(name)) = (copies.get(index), FILES.get(index)) else {
        return Ok(());
    };
    if let Err(Unusable::Bad(bad @ BadCopy::NotRedundant)) = &copy.content {
        return Err(CommandError::message(format!("{name}: {bad}")));
    }
    let bytes = saved::encode(cx.env.lasting(), flag, SIZE).map_err(too_large)?;
    let disks = &mut cx.machine.disks;
    match &copy.file {
        Some(file) => file.write_at(disks, 0, &bytes)?,
        None => storage::write(disks, volume, name, 0, &bytes, &mut || true)?,
    }
    let file = storage::open_on(disks, volume, name)?;
    match read(disks, &file) {
        Ok(found) if found == bytes => Ok(()),
        Ok(_) => Err(CommandError::message(format!(
            "{name} reads back as something else: the card does not keep what is written"
        ))),
        Err(error) => Err(CommandError::message(format!("{name}: {error}"))),
    }
}

fn too_large(needed: usize) -> CommandError {
    CommandError::message(format!(
        "the variables take {needed} of {SIZE} bytes; remove some"
    ))
}
