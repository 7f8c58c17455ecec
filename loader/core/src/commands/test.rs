//! `test` and `[`: decide.
//!
//! Evaluates from left to right, all operators binding equally, as U-Boot does; and like there,
//! what is no expression at all is true: `test ${unset} = x` has always been in scripts.

use super::{Command, CommandError, Group};
use crate::{
    context::Context,
    shell::regex::Regex,
    storage::{self, StorageProblem, VolumeName},
};

/// `test`.
pub static TEST: Command = Command {
    name: "test",
    aliases: &["["],
    group: Group::Environment,
    summary: "minimal test like /bin/sh",
    usage: "[args..]\n    \
            - s = s, s != s, s < s, s > s: strings; s =~ regex\n    \
            - n -eq n, -ne, -lt, -le, -gt, -ge: numbers, decimal, 0x hexadecimal, 0 octal\n    \
            - -z s: empty; -n s: not empty; -e interface dev[:part] path: the file exists\n    \
            - ! expr, expr -a expr, expr -o expr: from left to right",
    example: "test -e virtio 0:1 /zImage && echo bootable",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let words = match arguments {
        ["[", words @ .., "]"] => words,
        ["[", ..] => return Err(CommandError::message("[: missing ']'".into())),
        [_, words @ ..] => words,
        [] => &[],
    };
    match evaluate(words, &mut |device, path| exists(cx, device, path))? {
        true => Ok(()),
        false => Err(CommandError::status(1)),
    }
}

/// Tells whether a file or directory is there. No disk and no partition are no file; a
/// damaged one is an error.
fn exists(cx: &mut Context<'_>, volume: VolumeName<'_>, path: &str) -> Result<bool, CommandError> {
    let Err(error) = storage::size(&mut cx.machine.disks, volume, path) else {
        return Ok(true);
    };
    match error.problem() {
        StorageProblem::IsDirectory(_) => Ok(true),
        StorageProblem::Missing(_)
        | StorageProblem::NotDirectory(_)
        | StorageProblem::NoDisk { .. }
        | StorageProblem::Partition(_) => Ok(false),
        _ => Err(error.into()),
    }
}

/// What tells whether a file exists.
type Exists<'e> = dyn FnMut(VolumeName<'_>, &str) -> Result<bool, CommandError> + 'e;

/// What joins an operand to those before.
#[derive(Clone, Copy)]
enum Joint {
    And,
    Or,
}

fn evaluate(words: &[&str], exists: &mut Exists<'_>) -> Result<bool, CommandError> {
    // Where U-Boot counts the name of the command.
    if words.len() < 2 {
        return Ok(false);
    }
    let mut rest = words;
    let mut value = false;
    let mut negate = false;
    let mut before: Option<(bool, Joint)> = None;
    while !rest.is_empty() {
        let (holds, taken) = match operation(rest, exists)? {
            Operation::Not => {
                negate = !negate;
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            Operation::Join(joint) => {
                before = Some((value, joint));
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            Operation::Primary(holds, taken) => (holds != negate, taken),
            Operation::None => return Ok(true),
        };
        negate = false;
        value = match before.take() {
            Some((first, Joint::And)) => first && holds,
            Some((first, Joint::Or)) => first || holds,
            None => holds,
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    Ok(value)
}

/// What stands at the front of an expression.
enum Operation {
    Not,
    Join(Joint),
    /// Its value, and how many words it takes.
    Primary(bool, usize),
    None,
}

/// Looks at the front. An operator between two operands goes first: `! = x` compares.
fn operation(words: &[&str], exists: &mut Exists<'_>) -> Result<Operation, CommandError> {
    if let [_, operator, ..] = words
        && is_binary(operator)
    {
        let [first, operator, second, ..] = words else {
            return Ok(Operation::None);
        };
        return Ok(Operation::Primary(compare(first, operator, second)?, 3));
    }
    Ok(match words {
        ["!", ..] => Operation::Not,
        ["-o", ..] => Operation::Join(Joint::Or),
        ["-a", ..] => Operation::Join(Joint::And),
        ["-z", text, ..] => Operation::Primary(text.is_empty(), 2),
        ["-n", text, ..] => Operation::Primary(!text.is_empty(), 2),
        ["-e", interface, device, path, ..] => {
            let volume = VolumeName { interface, device };
            Operation::Primary(exists(volume, path)?, 4)
        }
        _ => Operation::None,
    })
}

fn is_binary(operator: &str) -> bool {
    matches!(
        operator,
        "=" | "==" | "!=" | "<" | ">" | "=~" | "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge"
    )
}

fn compare(first: &str, operator: &str, second: &str) -> Result<bool, CommandError> {
    Ok(match operator {
        "=" | "==" => first == second,
        "!=" => first != second,
        "<" => first < second,
        ">" => first > second,
        "=~" => match Regex::new(second) {
            Ok(regex) => regex.find(first, 0).is_some(),
            Err(error) => {
                let text = alloc::format!("Error compiling regex: {error}");
                return Err(CommandError::message(text));
            }
        },
        "-eq" => number(first) == number(second),
        "-ne" => number(first) != number(second),
        "-lt" => number(first) < number(second),
        "-le" => number(first) <= number(second),
        "-gt" => number(first) > number(second),
        _ => number(first) >= number(second),
    })
}

/// Reads a number as U-Boot's `simple_strtol` does: decimal, `0x` hexadecimal, `0` octal;
/// what is behind the digits is passed over, and without digits it is 0.
fn number(text: &str) -> i64 {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let (radix, digits) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, digits.get(2..).unwrap_or("")),
        [b'0', ..] => (8, digits),
        _ => (10, digits),
    };
    let digits = digits.chars().map_while(|digit| digit.to_digit(radix));
    let value = digits.fold(0_i64, |value, digit| {
        value
            .wrapping_mul(i64::from(radix))
            .wrapping_add(i64::from(digit))
    });
    if negative {
        value.wrapping_neg()
    } else {
        value
    }
}

#[cfg(test)]
#[path = "test_tests.rs"]
mod tests;
