//! `loop`: reads an address range for ever, for those with an oscilloscope.

use super::{
    Command, CommandError, Group,
    access::{Objects, check_interrupt, parse_width},
    parse_hex,
};
use crate::context::Context;

/// The descriptor.
pub static LOOP: Command = Command {
    name: "loop",
    aliases: &[],
    group: Group::Memory,
    summary: "infinite loop on address range",
    usage: "[.b, .w, .l, .q] address number_of_objects\n    - read them until Ctrl-C; 'base' is not added",
    example: "loop.l 40200000 10",
    run,
};

fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [name, address, count] = arguments else {
        return Err(CommandError::usage());
    };
    let objects = Objects::new(parse_hex(address)?, parse_width(name)?, parse_hex(count)?)?;
    loop {
        // Also where there is no object to read.
        check_interrupt(cx, 0)?;
        for index in 0..objects.count() {
            check_interrupt(cx, index)?;
            cx.machine
                .memory
                .read(objects.address(index), objects.width())?;
        }
    }
}
