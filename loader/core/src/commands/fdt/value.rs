//! The values of `fdt set`: `<1 0x2 ? ...>` cells, `[00 11 ..]` bytes, else strings.

use alloc::{format, vec::Vec};

use super::CommandError;

/// Reads the arguments behind the property's name. The first decides what they are; cells and
/// bytes may be spread over several arguments. A cell `?` stays as it is in `old`.
///
/// # Errors
/// Names what is not a number, or the bracket that is missing.
pub(super) fn parse(arguments: &[&str], old: &[u8]) -> Result<Vec<u8>, CommandError> {
    match arguments
        .first()
        .and_then(|first| first.trim_ascii_start().chars().next())
    {
        Some('<') => list(arguments, '<', '>', |text, out| cell(text, old, out)),
        Some('[') => list(arguments, '[', ']', bytes),
        _ => {
            let mut value = Vec::new();
            for argument in arguments {
                value.extend_from_slice(argument.as_bytes());
                value.push(0);
            }
            Ok(value)
        }
    }
}

fn not_a(what: &str, text: &str) -> CommandError {
    CommandError::message(format!("\"{text}\" is not a {what}"))
}

fn list(
    arguments: &[&str],
    open: char,
    close: char,
    item: impl Fn(&str, &mut Vec<u8>) -> Result<(), CommandError>,
) -> Result<Vec<u8>, CommandError> {
    let joined = arguments.join(" ");
    let inner = joined
        .trim_ascii()
        .strip_prefix(open)
        .and_then(|rest| rest.strip_suffix(close))
        .ok_or_else(|| {
            CommandError::message(format!("'{close}' is missing behind \"{joined}\""))
        })?;
    let mut value = Vec::new();
    // Several lists in a row are one: `<1> <2>`.
    for text in
        inner.split(|c: char| c.is_ascii_whitespace() || c == ',' || c == open || c == close)
    {
        if !text.is_empty() {
            item(text, &mut value)?;
        }
    }
    Ok(value)
}

/// Reads a number as C does: `0x` hexadecimal, a leading 0 octal, else decimal.
fn cell(text: &str, old: &[u8], out: &mut Vec<u8>) -> Result<(), CommandError> {
    if text == "?" {
        let kept = old.get(out.len()..).and_then(<[u8]>::first_chunk::<4>);
        out.extend_from_slice(kept.unwrap_or(&[0; 4]));
        return Ok(());
    }
    let hexadecimal = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (digits, radix) = match hexadecimal {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    let cell = u32::from_str_radix(digits, radix).map_err(|_| not_a("32-bit cell", text))?;
    out.extend_from_slice(&cell.to_be_bytes());
    Ok(())
}

/// Reads bytes: two digits each, run together or not.
fn bytes(text: &str, out: &mut Vec<u8>) -> Result<(), CommandError> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    let error = || not_a("row of bytes in hexadecimal", text);
    if digits.len() == 1 {
        out.push(u8::from_str_radix(digits, 16).map_err(|_| error())?);
        return Ok(());
    }
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else {
        return Err(error());
    };
    for pair in pairs {
        let pair = core::str::from_utf8(pair).map_err(|_| error())?;
        out.push(u8::from_str_radix(pair, 16).map_err(|_| error())?);
    }
    Ok(())
}
