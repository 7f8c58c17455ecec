//! `exit`: leaves a script.

use super::{Command, CommandError, Group};
use crate::context::Context;

/// `exit`.
pub static EXIT: Command = Command {
    name: "exit",
    aliases: &[],
    group: Group::Environment,
    summary: "exit script",
    usage: "[status]\n    - leave the script or variable that is run, the innermost one, with\n      'status' (_decimal_, 0 to 255; 0 if omitted)",
    example: "exit",
    run,
};

fn run(_: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    match arguments {
        [_] => Err(CommandError::exit(0)),
        [_, status] => Err(CommandError::exit(parse_status(status)?)),
        _ => Err(CommandError::usage()),
    }
}

/// Parses a status. A negative one is 0, as in U-Boot.
fn parse_status(text: &str) -> Result<u8, CommandError> {
    match text.parse::<i64>() {
        Ok(status) if status < 0 => Ok(0),
        Ok(status) => u8::try_from(status).map_err(|_| ()),
        Err(_) => Err(()),
    }
    .map_err(|()| {
        CommandError::message(alloc::format!(
            "\"{text}\" is not a status: 0 to 255, decimal"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::parse_status;

    #[test]
    fn parses_statuses() {
        for (text, expected) in [
            ("0", Some(0)),
            ("255", Some(255)),
            ("-3", Some(0)),
            ("256", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(parse_status(text).ok(), expected, "{text}");
        }
    }
}
