//! `itest`: compares numbers, memory and strings.

use core::cmp::Ordering;

use super::{
    Command, CommandError, Group,
    operand::{self, Kind},
};
use crate::context::Context;

/// `itest`.
pub static ITEST: Command = Command {
    name: "itest",
    aliases: &[],
    group: Group::Environment,
    summary: "return true/false on integer compare",
    usage: "[.b, .w, .l, .q, .s] [*]value1 <op> [*]value2\n    \
            - <op> is -lt or <, -gt or >, -eq or ==, -ne or != or <>, -ge or >=, -le or <=\n    \
            - values are unsigned; with *, what is in memory at the address, .s for strings",
    example: "itest.b *40200000 == 7f || echo no ELF",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [name, first, operator, second] = arguments else {
        return Err(CommandError::usage());
    };
    let kind = operand::kind(name)
        .ok_or_else(|| CommandError::message("Invalid data width specifier".into()))?;
    let holds = operator_of(operator)
        .ok_or_else(|| CommandError::message(alloc::format!("Unknown operator '{operator}'")))?;
    let ordering = match kind {
        Kind::Number(width) => {
            let first = operand::number(cx, first, width)?;
            first.cmp(&operand::number(cx, second, width)?)
        }
        Kind::Text => operand::text(cx, first)?.cmp(&operand::text(cx, second)?),
    };
    match holds(ordering) {
        true => Ok(()),
        false => Err(CommandError::status(1)),
    }
}

/// Returns what an operator asks of the ordering of its operands.
fn operator_of(text: &str) -> Option<fn(Ordering) -> bool> {
    Some(match text {
        "-lt" | "<" => Ordering::is_lt,
        "-gt" | ">" => Ordering::is_gt,
        "-eq" | "==" => Ordering::is_eq,
        "-ne" | "!=" | "<>" => Ordering::is_ne,
        "-ge" | ">=" => Ordering::is_ge,
        "-le" | "<=" => Ordering::is_le,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operator() {
        use Ordering::{Equal, Greater, Less};
        for (operators, held) in [
            (&["-lt", "<"][..], &[Less][..]),
            (&["-gt", ">"], &[Greater]),
            (&["-eq", "=="], &[Equal]),
            (&["-ne", "!=", "<>"], &[Less, Greater]),
            (&["-ge", ">="], &[Equal, Greater]),
            (&["-le", "<="], &[Less, Equal]),
        ] {
            for operator in operators {
                for ordering in [Less, Equal, Greater] {
                    let holds = operator_of(operator).unwrap()(ordering);
                    assert_eq!(holds, held.contains(&ordering), "{operator} {ordering:?}");
                }
            }
        }
        for none in ["", "=", "-a", "lt", "=<"] {
            assert!(operator_of(none).is_none(), "{none}");
        }
    }
}
