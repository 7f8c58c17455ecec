//! Images with U-Boot's legacy header.

use alloc::string::String;
use core::fmt::Write;

use platform_api::PhysicalMemory;

use super::{CommandError, bytes, write_size, write_time};
use crate::image::legacy::{LegacyHeader, TYPE_MULTI, TYPE_SCRIPT};

/// Describes an image whose data lie at `data`; tells whether its checksums are right.
pub(super) fn describe(
    memory: &dyn PhysicalMemory,
    (header, head): (&LegacyHeader, &[u8]),
    data: u64,
    out: &mut String,
) -> Result<bool, CommandError> {
    out.push_str("   Legacy image found\n");
    if !header.is_intact(head) {
        out.push_str("   Bad Header Checksum\n");
        return Ok(false);
    }
    let [architecture, system, kind, compression] = header.names();
    // Writing to a string cannot fail.
    let _ = write!(out, "   Image Name:   {}\n   Created:      ", header.name);
    write_time(out, header.time);
    let _ = write!(
        out,
        "   Image Type:   {architecture} {system} {kind} ({compression})\n   Data Size:    "
    );
    write_size(out, u64::from(header.size));
    let _ = writeln!(
        out,
        "   Load Address: {:08x}\n   Entry Point:  {:08x}",
        header.load, header.entry
    );
    let content = bytes(memory, data, u64::from(header.size))?;
    describe_parts(header, content, data, out);
    out.push_str("   Verifying Checksum ... ");
    let good = crc32fast::hash(content) == header.data_crc;
    out.push_str(if good { "OK\n" } else { "   Bad Data CRC\n" });
    Ok(good)
}

/// Lists the images in an image; of a script's, those behind it are at an offset worth knowing.
fn describe_parts(header: &LegacyHeader, content: &[u8], data: u64, out: &mut String) {
    if !matches!(header.kind, TYPE_MULTI | TYPE_SCRIPT) {
        return;
    }
    out.push_str("   Contents:\n");
    for (index, (offset, size)) in header.parts(content).into_iter().enumerate() {
        let _ = write!(out, "      Image {index}: ");
        write_size(out, size as u64);
        if header.kind == TYPE_SCRIPT && index > 0 {
            let _ = writeln!(out, "       Offset = 0x{:08x}", data + offset as u64);
        }
    }
}
