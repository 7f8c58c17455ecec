//! crc32fast's tables. The linker script keeps them out of the file, where they would be 16 KiB of
//! what can be computed, and leaves room for them in BSS.

use baton_core::image::crc_tables::{Tables, fill};

unsafe extern "C" {
    /// Where crc32fast reads its tables, by the linker script, which checks their size.
    static mut __crc_tables: Tables;
}

/// Makes the tables. Before it, every checksum is wrong.
///
/// # Safety
/// Called once, before anything of crc32fast is.
pub unsafe fn make() {
    let tables = &raw mut __crc_tables;
    // SAFETY: the room has the tables' size and alignment and nobody reads it yet. That crate
    // calls its static immutable, and it is from here on: what is written is what its source says
    // was always there.
    fill(unsafe { &mut *tables });
}
