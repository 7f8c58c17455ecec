//! `dm`: which driver has bound to what.

use core::fmt::Write;

use super::{Command, CommandError, Group};
use crate::context::Context;

/// The descriptor.
pub static DM: Command = Command {
    name: "dm",
    aliases: &[],
    group: Group::Info,
    summary: "Driver model low level access",
    usage: "tree          Dump tree of driver model devices ('+' = in use)",
    example: "dm tree",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [_, "tree"] = arguments else {
        return Err(CommandError::usage());
    };
    // Writing to a context cannot fail.
    let _ = cx.write_str(
        " Class     Index  Probed  Driver                Name\n\
         -----------------------------------------------------------\n \
         root          0  [ + ]   root_driver           root_driver\n",
    );
    let devices = core::mem::take(&mut cx.board.devices);
    for (place, device) in devices.iter().enumerate() {
        let before = devices.iter().take(place);
        let index = before.filter(|other| other.class == device.class).count();
        let branch = if place + 1 == devices.len() {
            "`--"
        } else {
            "|--"
        };
        let _ = writeln!(
            cx,
            " {:<10.10}  {index:3}  [ {} ]   {:<20.20}  {branch} {}",
            device.class,
            if device.active { '+' } else { ' ' },
            device.driver,
            device.path.strip_prefix('/').unwrap_or(&device.path),
        );
    }
    cx.board.devices = devices;
    Ok(())
}
