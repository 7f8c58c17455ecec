//! `setexpr`: computes, and sets a variable.

mod format;
mod substitute;

use alloc::{format, string::String};

use platform_api::Width;

use super::{
    Command, CommandError, Group,
    operand::{self, Kind},
};
use crate::context::Context;

/// `setexpr`.
pub static SETEXPR: Command = Command {
    name: "setexpr",
    aliases: &[],
    group: Group::Environment,
    summary: "set environment variable as the result of eval expression",
    usage: "[.b, .w, .l, .q, .s] name [*]value1 <op> [*]value2\n    \
            - set environment variable 'name' to the result of the evaluated\n      \
            expression specified by <op>.  <op> can be &, |, ^, +, -, *, /, %\n      \
            (for strings only + is supported)\n      \
            size argument is only meaningful if value1 and/or value2 are\n      \
            memory addresses (*), or for .q, which computes in 64 bits\n\
            [.b, .w, .l, .q, .s] name [*]value\n    \
            - load a value into a variable\n\
            name fmt <format> [value]...\n    \
            - set environment variable 'name' to the result of the C like\n      \
            format string <format> evaluation of <value>\n\
            name gsub r s [t]\n    \
            - For each substring matching the regular expression <r> in the\n      \
            string <t>, substitute the string <s>.  The result is\n      \
            assigned to <name>.  If <t> is not supplied, use the old\n      \
            value of <name>. If no substring matching <r> is found in <t>,\n      \
            assign <t> to <name>.\n\
            name sub r s [t]\n    \
            - Just like gsub(), but replace only the first matching substring",
    example: "setexpr end 42000000 + 1000",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [typed, name, rest @ ..] = arguments else {
        return Err(CommandError::usage());
    };
    let value = match *rest {
        ["fmt", template, ref values @ ..] => format::format(template, values)?,
        ["sub", pattern, with] => substitute::in_variable(cx, name, pattern, with, false)?,
        ["gsub", pattern, with] => substitute::in_variable(cx, name, pattern, with, true)?,
        ["sub", pattern, with, text] => substitute::substitute(cx, pattern, with, text, false)?,
        ["gsub", pattern, with, text] => substitute::substitute(cx, pattern, with, text, true)?,
        [value] => evaluate(cx, typed, value, None)?,
        [first, operator, second] => evaluate(cx, typed, first, Some((operator, second)))?,
        _ => return Err(CommandError::usage()),
    };
    Ok(cx.env.try_set(name, &value)?)
}

fn evaluate(
    cx: &Context<'_>,
    typed: &str,
    first: &str,
    operation: Option<(&str, &str)>,
) -> Result<String, CommandError> {
    let width = match operand::kind(typed).ok_or_else(CommandError::usage)? {
        Kind::Text => return join(cx, first, operation),
        Kind::Number(width) => width,
    };
    // As wide as U-Boot's unsigned long on this architecture; memory as wide as was said.
    let long = match width {
        Width::Double => Width::Double,
        _ => Width::Word,
    };
    let value = |text: &str| {
        let from_memory = text.starts_with('*');
        operand::number(cx, text, if from_memory { width } else { long })
    };
    let first = value(first)?;
    let result = match operation {
        None => first,
        Some((operator, second)) => compute(first, operator, value(second)?)?,
    };
    Ok(format!("{:x}", operand::cut(result, long)))
}

/// Strings: one, or two behind each other.
fn join(
    cx: &Context<'_>,
    first: &str,
    operation: Option<(&str, &str)>,
) -> Result<String, CommandError> {
    let mut text = operand::text(cx, first)?;
    match operation {
        None => {}
        Some(("+", second)) => text.push_str(&operand::text(cx, second)?),
        Some(_) => return Err(invalid_operator()),
    }
    Ok(text)
}

fn invalid_operator() -> CommandError {
    CommandError::message("invalid op".into())
}

/// Computes in 64 bits; what the result is cut to, the sum of cut operands is cut to as well.
fn compute(first: u64, operator: &str, second: u64) -> Result<u64, CommandError> {
    let by_zero = || CommandError::message(format!("{first:x} {operator} 0 is no number"));
    Ok(match operator {
        "|" => first | second,
        "&" => first & second,
        "^" => first ^ second,
        "+" => first.wrapping_add(second),
        "-" => first.wrapping_sub(second),
        "*" => first.wrapping_mul(second),
        "/" => first.checked_div(second).ok_or_else(by_zero)?,
        "%" => first.checked_rem(second).ok_or_else(by_zero)?,
        operator if operator.len() == 1 => return Err(invalid_operator()),
        _ => return Err(CommandError::usage()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Failure;

    #[test]
    fn every_operator() {
        for (first, operator, second, expected) in [
            (0x10, "+", 5, 0x15),
            (0, "-", 1, u64::MAX),
            (0x10, "*", 0x10, 0x100),
            (0x17, "/", 5, 4),
            (0x10, "%", 3, 1),
            (0x10, "^", 3, 0x13),
            (0xf0, "|", 0xf, 0xff),
            (0xf0, "&", 0x3f, 0x30),
        ] {
            let result = compute(first, operator, second).ok();
            assert_eq!(result, Some(expected), "{first:x} {operator} {second:x}");
        }
        assert!(matches!(
            compute(1, "<<", 4).unwrap_err().failure(),
            Failure::Usage
        ));
        for (operator, message) in [
            ("x", "invalid op"),
            ("/", "1 / 0 is no number"),
            ("%", "1 % 0 is no number"),
        ] {
            let error = compute(1, operator, 0).unwrap_err();
            assert_eq!(format!("{error}"), message);
        }
    }
}
