//! What `itest` and `setexpr` take: a number, a string, or `*` and the address of one.

use alloc::{format, string::String, vec::Vec};

use platform_api::{PhysAddr, Width};

use super::{CommandError, parse_hex};
use crate::context::Context;

/// The most bytes of a string in memory.
const MAX_TEXT: u64 = 4096;

/// What the operands are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Numbers of this width.
    Number(Width),
    /// Strings.
    Text,
}

/// Takes the kind from a command's name as typed: `itest.s`, `.l` if nothing is said.
pub(super) fn kind(name: &str) -> Option<Kind> {
    if name.ends_with(".s") {
        return Some(Kind::Text);
    }
    super::access::parse_width(name).ok().map(Kind::Number)
}

/// Cuts a number to a width.
pub(super) fn cut(value: u64, width: Width) -> u64 {
    match width {
        Width::Byte => value & 0xff,
        Width::Half => value & 0xffff,
        Width::Word => value & 0xffff_ffff,
        Width::Double => value,
    }
}

/// Reads a number: hexadecimal, cut to the width as in U-Boot, or what is at `*address`.
///
/// # Errors
/// It is not one, or the memory is not granted.
pub(super) fn number(cx: &Context<'_>, text: &str, width: Width) -> Result<u64, CommandError> {
    match text.strip_prefix('*') {
        Some(address) => {
            let address = PhysAddr::new(parse_hex(address)?);
            Ok(cx.machine.memory.read(address, width)?)
        }
        None => parse_hex(text).map(|value| cut(value, width)),
    }
}

/// Reads a string: as it stands, or up to the NUL from `*address` on.
///
/// # Errors
/// The memory is not granted, or there is no NUL.
pub(super) fn text(cx: &Context<'_>, text: &str) -> Result<String, CommandError> {
    let Some(address) = text.strip_prefix('*') else {
        return Ok(text.into());
    };
    let start = parse_hex(address)?;
    let mut bytes = Vec::new();
    for offset in 0..MAX_TEXT {
        let address = PhysAddr::new(start.wrapping_add(offset));
        match u8::try_from(cx.machine.memory.read(address, Width::Byte)?) {
            Ok(0) | Err(_) => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Ok(byte) => bytes.push(byte),
        }
    }
    Err(CommandError::message(format!(
        "no string at {start:08x}: no NUL in {MAX_TEXT:#x} bytes"
    )))
}
