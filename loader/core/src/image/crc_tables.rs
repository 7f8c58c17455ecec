//! The tables of CRC-32 (IEEE 802.3, reflected) for 16 bytes a step, as crc32fast has them.

/// Table k holds what a byte comes to that k more bytes follow.
pub type Tables = [[u32; 256]; 16];

/// The polynomial, reflected.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// Fills the tables.
pub fn fill(tables: &mut Tables) {
    let [first, others @ ..] = tables;
    for (byte, entry) in (0..).zip(first.iter_mut()) {
        *entry = (0..8).fold(byte, |crc: u32, _| {
            // The bit that falls out decides: all ones or none, without a branch.
            crc >> 1 ^ (POLYNOMIAL & (crc & 1).wrapping_neg())
        });
    }
    let mut before: &[u32; 256] = first;
    for table in others {
        for (entry, crc) in table.iter_mut().zip(before) {
            let [low, ..] = crc.to_le_bytes();
            // A byte finds its entry: there are 256.
            *entry = crc >> 8 ^ first.get(usize::from(low)).copied().unwrap_or_default();
        }
        before = table;
    }
}

#[cfg(test)]
mod tests {
    use alloc::boxed::Box;

    use super::fill;

    /// Table k is what crc32fast makes of a byte and k zeros: a CRC without the inversions at its
    /// ends is linear, so the difference to zeros alone is the byte's share.
    #[test]
    fn every_entry_is_what_crc32fast_computes_with() {
        let mut tables = Box::new([[0; 256]; 16]);
        fill(&mut tables);
        for (zeros, table) in tables.iter().enumerate() {
            for (byte, entry) in (0_u8..=255).zip(table) {
                let mut bytes = [0; 16];
                let of_zeros = crc32fast::hash(&bytes[..=zeros]);
                bytes[0] = byte;
                let share = crc32fast::hash(&bytes[..=zeros]) ^ of_zeros;
                assert_eq!(*entry, share, "table {zeros}, byte {byte}");
            }
        }
    }
}
