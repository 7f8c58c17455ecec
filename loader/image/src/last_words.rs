//! What is said when Baton cannot even start: one line, on a UART that is found without heap and
//! without trust in the tree. Then the CPU parks.

use core::fmt::{self, Write};

use baton_core::devicetree::{early, early_console};
use platform_api::{PhysAddr, PhysRange};
use platform_drivers::uart;

use crate::{crash, early as entry, mapping::AddressSpace};

/// What a UART's data and status registers lie in.
const PAGE: u64 = 4096;

/// Writes to the UART that [`crash`] was told.
struct Console;

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        crash::write(text);
        Ok(())
    }
}

/// Says what failed, if the tree in `blob` has a UART, and parks. `space`: the MMU is on.
pub fn say(space: Option<&mut AddressSpace>, blob: &[u8], what: fmt::Arguments<'_>) -> ! {
    if let Some(port) = early_console::find(blob, &mut |node| uart::describe(node)) {
        if let Some(space) = space {
            for register in [port.data, port.status] {
                let page = PhysRange::from_size(PhysAddr::from(register).align_down(PAGE), PAGE);
                // If the tables are used up, so be it: it may be mapped all the same.
                let _ = page.map(|page| space.map_device(page));
            }
            space.commit();
        }
        crash::set_uart(port);
        let _ = writeln!(Console, "\nBaton stopped: {what}. Reset the board.");
    }
    park()
}

/// Says what is wrong with the tree that the first stage gave, as far as it can be read.
pub fn no_tree(given: Option<u32>) -> ! {
    let Some(blob) = given.and_then(entry::blob) else {
        // No tree, so no console: there is nobody to tell.
        park();
    };
    match early::memory(blob) {
        Ok(_) => park(),
        Err(error) => say(None, blob, format_args!("device tree: {error}")),
    }
}

/// Waits for a reset.
pub fn park() -> ! {
    loop {
        core::hint::spin_loop();
    }
}
