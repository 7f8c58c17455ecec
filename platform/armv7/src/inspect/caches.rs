//! Cache geometry from CLIDR and CCSIDR (DDI 0406C B4.1.20 and B4.1.19).

use platform_api::{CacheKind, CacheLevel};

/// Tells the caches. `ccsidr` reads the geometry of the level and side that CSSELR's low four
/// bits choose.
pub fn caches(clidr: u32, ccsidr: impl Fn(u32) -> u32, row: &mut dyn FnMut(CacheLevel)) {
    let coherency = clidr >> 24 & 7;
    for index in 0..7 {
        let kinds: &[CacheKind] = match clidr >> (3 * index) & 7 {
            1 => &[CacheKind::Instruction],
            2 => &[CacheKind::Data],
            3 => &[CacheKind::Instruction, CacheKind::Data],
            4 => &[CacheKind::Unified],
            // No cache here, and none behind it (or a reserved value).
            _ => return,
        };
        for kind in kinds {
            let side = u32::from(*kind == CacheKind::Instruction);
            let geometry = ccsidr(index << 1 | side);
            row(CacheLevel {
                level: u8::try_from(index + 1).unwrap_or(u8::MAX),
                kind: *kind,
                ways: (geometry >> 3 & 0x3ff) + 1,
                sets: (geometry >> 13 & 0x7fff) + 1,
                line: 16 << (geometry & 7),
                ours: side == 0 && index < coherency,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cortex_a15s_caches() {
        // DDI 0438I 4.3.27: L1 32 KiB each, L2 1 MiB.
        let ccsidr = |select| match select {
            0 | 1 => 0x701f_e00a,
            2 => 0x707f_e07a,
            other => panic!("{other}"),
        };
        let mut found = Vec::new();
        caches(0x0a20_0023, ccsidr, &mut |level| {
            found.push((
                level.level,
                level.kind,
                level.size(),
                level.line,
                level.ours,
            ));
        });
        assert_eq!(
            found,
            [
                (1, CacheKind::Instruction, 32 << 10, 64, false),
                (1, CacheKind::Data, 32 << 10, 64, true),
                (2, CacheKind::Unified, 1 << 20, 64, true),
            ]
        );
    }
}
