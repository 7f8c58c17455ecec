//! The checksums of ext4's metadata.

/// The polynomial of CRC-32C, its lowest bit first.
const CASTAGNOLI: u32 = 0x82f6_3b78;

/// What four zero bits make of each value: 64 bytes instead of a table's kilobyte, at twice the
/// instructions; a file's look-up sums up about 6 KiB.
const STEPS: [u32; 16] = steps();

const fn steps() -> [u32; 16] {
    let mut table = [0; 16];
    let mut rest: &mut [u32] = &mut table;
    let mut value = 0;
    while let [first, more @ ..] = rest {
        let mut bits = 0;
        *first = value;
        while bits < 4 {
            *first = (*first >> 1) ^ (CASTAGNOLI & (*first & 1).wrapping_neg());
            bits += 1;
        }
        rest = more;
        value += 1;
    }
    table
}

/// Goes on with a CRC-32C over `bytes`. As ext4 has it: nothing is inverted at the end.
pub fn crc32c(sum: u32, bytes: &[u8]) -> u32 {
    let step = |sum: u32| {
        let index = usize::try_from(sum & 15).unwrap_or(0);
        (sum >> 4) ^ STEPS.get(index).copied().unwrap_or(0)
    };
    bytes
        .iter()
        .fold(sum, |sum, byte| step(step(sum ^ u32::from(*byte))))
}

/// Goes on with a CRC-16 over `bytes` (polynomial 0xa001, lowest bit first): what group
/// descriptors had before `metadata_csum`.
pub fn crc16(sum: u16, bytes: &[u8]) -> u16 {
    bytes.iter().fold(sum, |sum, byte| {
        (0..8).fold(sum ^ u16::from(*byte), |sum, _| {
            (sum >> 1) ^ (0xa001 & (sum & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the catalogue of CRCs: CRC-32/ISCSI, CRC-16/MODBUS.
    #[test]
    fn sums_as_others_do() {
        assert_eq!(!crc32c(!0, b"123456789"), 0xe306_9283);
        assert_eq!(crc16(!0, b"123456789"), 0x4b37);
        let halves = crc32c(crc32c(!0, b"1234"), b"56789");
        assert_eq!(halves, crc32c(!0, b"123456789"));
    }
}
