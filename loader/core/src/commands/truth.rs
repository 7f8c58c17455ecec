//! `true` and `false`: succeed and fail. (`true.rs` cannot be a module: a keyword.)

use super::{Command, CommandError, Group};

/// `true`.
pub static TRUE: Command = Command {
    name: "true",
    aliases: &[],
    group: Group::Environment,
    summary: "do nothing, successfully",
    usage: "",
    example: "true",
    run: |_, _| Ok(()),
};

/// `false`.
pub static FALSE: Command = Command {
    name: "false",
    aliases: &[],
    group: Group::Environment,
    summary: "do nothing, unsuccessfully",
    usage: "",
    example: "false || echo no",
    run: |_, _| Err(CommandError::status(1)),
};
