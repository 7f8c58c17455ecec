//! `fdt rsvmem`: the /memreserve/ entries.

use alloc::format;
use core::fmt::Write;

use super::{super::parse_hex, CommandError, Context, in_place, no_tree, written};

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [what, rest @ ..] = arguments else {
        return Err(CommandError::usage());
    };
    match (what.chars().next(), rest) {
        (Some('p'), []) => print(cx),
        (Some('a'), [address, size]) => {
            let (address, size) = (parse_hex(address)?, parse_hex(size)?);
            if size == 0 {
                return Err(CommandError::message(
                    "a reservation of no bytes would end the list".into(),
                ));
            }
            in_place::edit(cx, |tree| {
                tree.add_reservation(address, size);
                Ok(())
            })
        }
        (Some('d'), [index]) => {
            let index = parse_hex(index)?;
            in_place::edit(cx, |tree| {
                match tree.remove_reservation(usize::try_from(index).unwrap_or(usize::MAX)) {
                    true => Ok(()),
                    false => Err(CommandError::message(format!(
                        "libfdt fdt_del_mem_rsv(): FDT_ERR_NOTFOUND\nno reservation {index:x}"
                    ))),
                }
            })
        }
        _ => Err(CommandError::usage()),
    }
}

fn print(cx: &mut Context<'_>) -> Result<(), CommandError> {
    let tree = cx.tree.as_ref().ok_or_else(no_tree)?;
    let reservations = tree.reservations().to_vec();
    written(writeln!(cx, "index\t\t   start\t\t    size\n{:-<48}", ""))?;
    for (index, (address, size)) in reservations.into_iter().enumerate() {
        written(writeln!(cx, "    {index:x}\t{address:016x}\t{size:016x}"))?;
    }
    Ok(())
}
