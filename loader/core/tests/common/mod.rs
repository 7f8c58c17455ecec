//! What the device-tree tests share.

use fdt_rs::{base::DevTree, error::DevTreeError};

/// Opens a blob with fdt-rs, as the composition root does.
pub fn open(blob: &[u8]) -> Result<DevTree<'_>, DevTreeError> {
    // SAFETY: `discover` hands over only blobs that its check accepted, aligned to 4 bytes and
    // not longer than their `totalsize`.
    unsafe { DevTree::new(blob) }
}
