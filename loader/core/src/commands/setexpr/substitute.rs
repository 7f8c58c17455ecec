//! `setexpr name sub` and `gsub`: replace what a regular expression matches.

use alloc::{format, string::String};

use super::CommandError;
use crate::{
    context::Context,
    shell::regex::{Captures, MAX_SUBJECT, Regex},
};

/// Substitutes in the value of a variable.
///
/// # Errors
/// It is not set, or as [`substitute`].
pub(super) fn in_variable(
    cx: &mut Context<'_>,
    name: &str,
    pattern: &str,
    with: &str,
    global: bool,
) -> Result<String, CommandError> {
    let Some(text) = cx.env.get(name).map(String::from) else {
        let text = format!("## Error: variable \"{name}\" not defined");
        return Err(CommandError::message(text));
    };
    substitute(cx, pattern, with, &text, global)
}

/// Replaces the first match in a text, or every one. Without a match the text is the result.
///
/// # Errors
/// The pattern is none; text or result are too long; or Ctrl-C.
pub(super) fn substitute(
    cx: &mut Context<'_>,
    pattern: &str,
    with: &str,
    text: &str,
    global: bool,
) -> Result<String, CommandError> {
    let regex = Regex::new(pattern)
        .map_err(|error| CommandError::message(format!("Error compiling regex: {error}")))?;
    check_length(text.len())?;
    let mut result = String::new();
    let mut from = 0;
    let mut copied = 0;
    while let Some(captures) = regex.find(text, from) {
        let Some((start, end)) = captures[0] else {
            break;
        };
        if cx.interrupted() {
            return Err(CommandError::interrupted());
        }
        result.push_str(text.get(copied..start).unwrap_or(""));
        replacement(&mut result, with, text, &captures, regex.groups());
        check_length(result.len())?;
        copied = end;
        from = end;
        if start == end {
            // A match of nothing: go on behind the next character.
            let next = text.get(end..).and_then(|rest| rest.chars().next());
            match next {
                Some(next) => from += next.len_utf8(),
                None => break,
            }
        }
        if !global {
            break;
        }
    }
    result.push_str(text.get(copied..).unwrap_or(""));
    check_length(result.len())?;
    Ok(result)
}

fn check_length(length: usize) -> Result<(), CommandError> {
    match length {
        0..=MAX_SUBJECT => Ok(()),
        _ => Err(CommandError::message(format!(
            "## error: subst buffer overflow: have {MAX_SUBJECT}, need {length}"
        ))),
    }
}

/// Adds the replacement: `\0` to `\9` stand for what the groups matched. So do `\\0` to `\\9`:
/// scripts for U-Boot's older parser, which takes a backslash away in single quotes, have two.
fn replacement(result: &mut String, with: &str, text: &str, captures: &Captures, groups: usize) {
    let mut rest = with;
    while let Some(at) = rest.find('\\') {
        let (plain, behind) = rest.split_at_checked(at).unwrap_or((rest, ""));
        result.push_str(plain);
        let reference = behind
            .strip_prefix("\\\\")
            .filter(|behind| behind.starts_with(|digit: char| digit.is_ascii_digit()))
            .or_else(|| behind.strip_prefix('\\'))
            .unwrap_or("");
        let digit = reference
            .chars()
            .next()
            .and_then(|first| first.to_digit(10));
        let group = digit.and_then(|digit| usize::try_from(digit).ok());
        match group.filter(|group| *group <= groups) {
            Some(group) => {
                let range = captures.get(group).copied().flatten();
                let found = range.and_then(|(start, end)| text.get(start..end));
                result.push_str(found.unwrap_or(""));
                rest = reference.get(1..).unwrap_or("");
            }
            None => {
                result.push('\\');
                rest = behind.get(1..).unwrap_or("");
            }
        }
    }
    result.push_str(rest);
}
