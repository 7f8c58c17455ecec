//! Clock dividers.

/// Returns the standard's CLOCK bits for a card's clock of at most `limit` Hz from `base` Hz:
/// base, or base divided by twice 1 to 1023 (version 3) or a power of two up to 128 (before).
pub(super) fn standard(base: u32, limit: u32, version_3: bool) -> u32 {
    let least = base.div_ceil(limit.max(1)).div_ceil(2);
    let half = match (base <= limit, version_3) {
        (true, _) => 0,
        (false, true) => least.min(1023),
        (false, false) => least.min(128).next_power_of_two(),
    };
    // Version 3 keeps the upper two of its ten bits below the lower eight
    // (Clock Control Register).
    (half & 0xff) << 8 | (half >> 8) << 6
}

/// Returns Freescale's CLOCK bits: a prescaler of 1 to 256, a power of two, and a divisor of 1 to
/// 16 (SYS_CTRL's SDCLKFS and DVS: `USDHC_SetSdClock` in NXP's driver).
pub(super) fn usdhc(base: u32, limit: u32) -> u32 {
    let divide = base.div_ceil(limit.max(1)).max(1);
    let prescaler = divide.div_ceil(16).next_power_of_two().min(256);
    let divisor = divide.div_ceil(prescaler).clamp(1, 16);
    (prescaler >> 1) << 8 | (divisor - 1) << 4
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: [u32; 3] = [400_000, 25_000_000, 50_000_000];

    #[test]
    fn the_standard_divides_by_even_numbers() {
        assert_eq!(standard(52_000_000, 400_000, true), 65 << 8);
        assert_eq!(standard(52_000_000, 400_000, false), 128 << 8);
        assert_eq!(standard(50_000_000, 50_000_000, true), 0);
        assert_eq!(
            standard(250_000_000, 400_000, true),
            (313 & 0xff) << 8 | 1 << 6
        );
        assert_eq!(standard(100_000_000, 50_000_000, false), 1 << 8);
        for base in [10_000_000, 52_000_000, 99_999_999, 255_000_000] {
            for limit in LIMITS {
                let bits = standard(base, limit, true);
                let half = bits >> 8 & 0xff | (bits >> 6 & 3) << 8;
                let rate = base / (half * 2).max(1);
                assert!(rate <= limit, "{base} {limit}");
                assert!(half < 2 || base / (half * 2 - 2) > limit, "{base} {limit}");
            }
        }
    }

    #[test]
    fn freescale_s_divides_twice() {
        for base in [24_000_000, 196_360_000, 200_000_000] {
            for limit in LIMITS {
                let bits = usdhc(base, limit);
                let prescaler = (bits >> 8 & 0xff) * 2;
                let divide = prescaler.max(1) * ((bits >> 4 & 0xf) + 1);
                assert!(base / divide <= limit, "{base} {limit}: {divide}");
                assert!(
                    base / divide >= limit / 2 || divide == 1,
                    "{base} {limit}: {divide}"
                );
            }
        }
        assert_eq!(usdhc(200_000_000, 50_000_000), 3 << 4);
    }
}
