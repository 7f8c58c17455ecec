//! `source`: runs a script from memory or a file.

use alloc::{format, string::String, vec::Vec};
use core::fmt::Write;

use platform_api::PhysAddr;

use super::{Command, CommandError, Group, parse_hex};
use crate::{
    boot::{Opened, Source},
    context::Context,
    image::script::{self, ScriptError},
    shell::{MAX_TEXT, Outcome, execute_script},
};

/// `source`.
pub static SOURCE: Command = Command {
    name: "source",
    aliases: &[],
    group: Group::Environment,
    summary: "run script from memory or a file",
    usage: "[addr[:number]|file]\n    \
            - run the script at 'addr', ${fileaddr} if omitted, or in a file on the boot\n      \
            volume: an image made by mkimage -T script, or plain text\n    \
            - of an image of several scripts the first, or 'number', counted from 0\n    \
            - where 'addr' has plain text, it must be what was loaded there last",
    example: "source boot.scr",
    run,
};

/// The largest image: as many scripts as fit, each of which is bounded by the shell.
const MAX_IMAGE: u64 = 0x4_0000;

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let argument = match arguments {
        [_] => cx.env.get("fileaddr").map(String::from).ok_or_else(|| {
            CommandError::message("name a file or an address: nothing has been loaded".into())
        })?,
        [_, argument] => String::from(*argument),
        _ => return Err(CommandError::usage()),
    };
    let (name, number) = match argument.split_once([':', '#']) {
        Some((name, number)) => (name, Some(number)),
        None => (argument.as_str(), None),
    };
    let number = number.map(parse_hex).transpose()?.unwrap_or(0);
    let opened = Source::parse(name)?.open(cx)?;
    if let Some(address) = opened.address() {
        // Writing to a context cannot fail.
        let _ = writeln!(cx, "## Executing script at {:08x}", address.as_u64());
    }
    let text = read(cx, &opened, number)?;
    match (execute_script(cx, name, &text), cx.status) {
        (Outcome::Interrupted, _) => Err(CommandError::interrupted()),
        (Outcome::Finished | Outcome::Exited, 0) => Ok(()),
        (Outcome::Finished | Outcome::Exited, status) => Err(CommandError::status(status)),
    }
}

/// Copies the text of a script: it may load something over itself.
fn read(cx: &mut Context<'_>, opened: &Opened, number: u64) -> Result<String, CommandError> {
    let bytes = match opened {
        Opened::File(..) => opened.to_bytes(&mut cx.machine, MAX_IMAGE)?,
        Opened::Memory { at, size } => from_memory(cx, *at, *size)?,
    };
    let text = match script::magic(&bytes) {
        Some(script::MAGIC) => {
            let verify = cx.env.get("verify").is_none_or(is_yes);
            let number = usize::try_from(number).unwrap_or(usize::MAX);
            script::script(&bytes, number, verify).map_err(refused)?
        }
        Some(script::FIT_MAGIC) => {
            let text = "this is a FIT image; take the script out with dumpimage -T flat_dt -p N";
            return Err(CommandError::message(text.into()));
        }
        // A NUL is in no text, and in most of what is none.
        _ if bytes.contains(&0) => return Err(refused(ScriptError::Format)),
        _ if number > 0 => return Err(refused(ScriptError::Missing(1))),
        _ => &bytes,
    };
    if text.len() > MAX_TEXT {
        let text = format!("the script has {} bytes, more than {MAX_TEXT}", text.len());
        return Err(CommandError::message(text));
    }
    Ok(String::from_utf8_lossy(text).into_owned())
}

/// U-Boot's yes, of which it looks at the first letter.
fn is_yes(text: &str) -> bool {
    text.starts_with(['1', 'y', 'Y', 't', 'T'])
}

fn refused(error: ScriptError) -> CommandError {
    CommandError::message(format!("{error}"))
}

/// Copies an image, as long as its header says, or a text, as long as what was loaded.
fn from_memory(
    cx: &mut Context<'_>,
    at: PhysAddr,
    loaded: Option<u64>,
) -> Result<Vec<u8>, CommandError> {
    let memory = |size| Opened::Memory {
        at,
        size: Some(size),
    };
    let head = script::HEADER_SIZE as u64;
    let header = match loaded {
        Some(size) if size < head => None,
        _ => Some(memory(head).to_bytes(&mut cx.machine, head)?),
    };
    let is_image = header.as_deref().and_then(script::magic) == Some(script::MAGIC);
    let size = match (header, loaded) {
        (Some(header), _) if is_image => script::check_header(&header).map_err(refused)? as u64,
        (_, Some(size)) => size,
        (Some(header), None) => match script::magic(&header) {
            Some(script::FIT_MAGIC) => return Ok(header),
            _ => return Err(refused(ScriptError::Format)),
        },
        (None, None) => return Err(refused(ScriptError::Format)),
    };
    if size > MAX_IMAGE {
        let text = format!("an image of {size:#x} bytes is too large: at most {MAX_IMAGE:#x}");
        return Err(CommandError::message(text));
    }
    memory(size).to_bytes(&mut cx.machine, size)
}
