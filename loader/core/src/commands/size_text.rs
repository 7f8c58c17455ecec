//! Sizes as U-Boot prints them: `5.3 MiB`.

use core::fmt;

/// Bytes.
pub(super) struct Size(pub u64);

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u32, char); 4] = [(40, 'T'), (30, 'G'), (20, 'M'), (10, 'K')];
        let Some((shift, unit)) = UNITS.iter().find(|(shift, _)| self.0 >> shift != 0) else {
            return write!(f, "{} Bytes", self.0);
        };
        // In tenths, rounded.
        let (whole, rest) = (self.0 >> shift, self.0 & ((1 << shift) - 1));
        let tenths = whole * 10 + ((10 * rest + (1 << (shift - 1))) >> shift);
        match (tenths / 10, tenths % 10) {
            (whole, 0) => write!(f, "{whole} {unit}iB"),
            (whole, tenth) => write!(f, "{whole}.{tenth} {unit}iB"),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::Size;

    #[test]
    fn sizes_as_u_boot_prints_them() {
        for (bytes, text) in [
            (0, "0 Bytes"),
            (1023, "1023 Bytes"),
            (1024, "1 KiB"),
            (1075, "1 KiB"),
            (1076, "1.1 KiB"),
            (5_526_016, "5.3 MiB"),
            (0x2000_0000, "512 MiB"),
            (0x7fff_ffff, "2 GiB"),
            (1 << 40, "1 TiB"),
            (u64::MAX, "16777216 TiB"),
        ] {
            assert_eq!(Size(bytes).to_string(), text);
        }
    }
}
