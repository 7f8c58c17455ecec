//! The partition table: one entry.

use crate::error::Error;

/// Bytes in a sector.
pub const SECTOR: u64 = 512;

/// Where the partition starts, in bytes: the usual 1 MiB leaves room for a first stage.
pub const PARTITION_START: u64 = 1 << 20;

/// FAT32, addressed by block number.
const TYPE_FAT32_LBA: u8 = 0x0c;
const BOOTABLE: u8 = 0x80;
/// Cylinder, head and sector of what lies beyond their reach.
const CHS_BEYOND: [u8; 3] = [0xfe, 0xff, 0xff];
/// Cylinder, head and sector of block 2048 on a disk of 255 heads and 63 sectors.
const CHS_START: [u8; 3] = [0x20, 0x21, 0x00];
const SIGNATURE: &[u8; 4] = b"BTON";

/// Makes the first sector of a card of `size` bytes.
///
/// # Errors
/// If the partition is not whole sectors, or is too small or too large for the table.
pub(crate) fn table(size: u64) -> Result<[u8; 512], Error> {
    let refused = Error::Size { size };
    let length = size.checked_sub(PARTITION_START).ok_or(refused)?;
    let refused = Error::Size { size };
    if length == 0 || !length.is_multiple_of(SECTOR) {
        return Err(refused);
    }
    let start = u32::try_from(PARTITION_START / SECTOR).unwrap_or(u32::MAX);
    let Ok(sectors) = u32::try_from(length / SECTOR) else {
        return Err(refused);
    };

    let mut entry = Vec::with_capacity(16);
    entry.push(BOOTABLE);
    entry.extend(CHS_START);
    entry.push(TYPE_FAT32_LBA);
    entry.extend(CHS_BEYOND);
    entry.extend(start.to_le_bytes());
    entry.extend(sectors.to_le_bytes());

    let mut sector = [0; 512];
    put(&mut sector, 440, SIGNATURE);
    put(&mut sector, 446, &entry);
    put(&mut sector, 510, &[0x55, 0xaa]);
    Ok(sector)
}

fn put(sector: &mut [u8; 512], offset: usize, bytes: &[u8]) {
    for (slot, byte) in sector.iter_mut().skip(offset).zip(bytes) {
        *slot = *byte;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entry_is_the_first_and_only_one() {
        let sector = table(256 << 20).unwrap();
        assert_eq!(sector[..440], [0; 440]);
        let expected = [
            0x80, 0x20, 0x21, 0x00, 0x0c, 0xfe, 0xff, 0xff, 0x00, 0x08, 0, 0, 0x00, 0xf8, 0x07, 0,
        ];
        assert_eq!(sector[446..462], expected);
        assert_eq!(sector[462..510], [0; 48]);
        assert_eq!(sector[510..], [0x55, 0xaa]);
    }

    #[test]
    fn sizes_that_do_not_fit() {
        for size in [0, 512, PARTITION_START, (64 << 20) + 1, 1 << 42] {
            let error = table(size).unwrap_err().to_string();
            assert!(error.contains(&size.to_string()), "{error}");
        }
    }
}
