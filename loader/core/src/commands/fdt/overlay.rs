//! `fdt apply`: merges an overlay into the working tree.

use platform_api::PhysicalMemory;

use super::{super::parse_hex, CommandError, Context, address, in_place};
use crate::devicetree::overlay::{OverlayError, apply};

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let [at] = *arguments else {
        return Err(CommandError::usage());
    };
    let memory: &dyn PhysicalMemory = cx.machine.memory;
    let overlay = address::take(memory, parse_hex(at)?, None)?;
    in_place::edit(cx, |tree| {
        apply(tree, overlay).map_err(|error| {
            let code = match error {
                OverlayError::BadFixup(_) | OverlayError::Empty => "BADOVERLAY",
                OverlayError::Phandles => "NOPHANDLES",
                OverlayError::Tree(_) => "INTERNAL",
                _ => "NOTFOUND",
            };
            CommandError::message(alloc::format!(
                "failed on fdt_overlay_apply(): FDT_ERR_{code}\n{error}"
            ))
        })
    })
}
