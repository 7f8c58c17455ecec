//! Translation in software: where an address lies, whether it is cached there, and which words
//! of the tables were read on the way. DDI 0406C B3.5 (short descriptors) and B3.6 (long).

use crate::cpu::{Bank, LONG, MMU, REMAP, Regime};

/// How an address is translated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Translation {
    /// Where it is.
    pub physical: u64,
    /// How it is cached.
    pub caching: Caching,
}

/// How accesses to a page are cached, inside and outside together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Caching {
    /// Not at all.
    None,
    /// Writes go to memory too.
    Through,
    /// Writes stay.
    Back,
}

/// A word of a table that a walk read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Its address.
    pub address: u64,
    /// The walker looks in the caches.
    pub cached: bool,
}

/// Reads memory as the CPU would find it.
pub trait Memory {
    /// Returns an aligned word, or none where there is no RAM.
    fn word(&self, address: u64) -> Option<u32>;
}

/// Walks; `steps` gets what was read.
pub fn walk(
    bank: &Bank,
    regime: Regime,
    address: u32,
    memory: &impl Memory,
    steps: &mut Vec<Step>,
) -> Option<Translation> {
    if bank.sctlr & MMU == 0 {
        return Some(Translation {
            physical: u64::from(address),
            caching: Caching::None,
        });
    }
    if regime == Regime::Hyp || bank.ttbcr & LONG != 0 {
        long(bank, regime, address, memory, steps)
    } else {
        short(bank, address, memory, steps)
    }
}

/// Whether a walker's inner and outer attributes (IRGN, ORGN of TTBCR) make it look in caches.
fn walk_cached(control: u32, shift: u32) -> bool {
    control >> shift & 3 != 0 && control >> (shift + 2) & 3 != 0
}

fn long(
    bank: &Bank,
    regime: Regime,
    address: u32,
    memory: &impl Memory,
    steps: &mut Vec<Step>,
) -> Option<Translation> {
    let control = bank.ttbcr;
    let (t0, t1) = (control & 7, control >> 16 & 7);
    // Which of the two tables: by the bits of the address above each one's size (B3.6.4).
    let below = |size: u32| size == 0 || address >> (32 - size) == 0;
    let above = |size: u32| size == 0 || address >> (32 - size) == (1 << size) - 1;
    let second = regime != Regime::Hyp && !(below(t0) && (t0 != 0 || t1 == 0 || !above(t1)));
    let (base, size, cached) = if second {
        (bank.ttbr[1], t1, walk_cached(control, 24))
    } else {
        (bank.ttbr[0], t0, walk_cached(control, 8))
    };
    let mut level = if size < 2 { 1 } else { 2 };
    let bits = 32 - size;
    let mut table = base
        & 0xff_ffff_ffff
        & !(if level == 1 {
            8 * (1 << (bits - 30)) - 1
        } else {
            8 * (1 << (bits - 21)) - 1
        });
    loop {
        let shift = 39 - 9 * level;
        let top = if level == 1 { 3 } else { 0x1ff };
        let mask = if bits >= 32 {
            u32::MAX
        } else {
            (1 << bits) - 1
        };
        let index = u64::from((address & mask) >> shift & top);
        let at = table + 8 * index;
        steps.push(Step {
            address: at,
            cached,
        });
        let low = memory.word(at)?;
        let high = memory.word(at + 4)?;
        let descriptor = u64::from(high) << 32 | u64::from(low);
        if low & 1 == 0 {
            return None;
        }
        let is_table = low & 2 != 0;
        let output = descriptor & 0xff_ffff_f000;
        if is_table && level < 3 {
            table = output;
            level += 1;
            continue;
        }
        if !is_table && level == 3 {
            return None;
        }
        let offset = u64::from(address) & ((1 << shift) - 1);
        return Some(Translation {
            physical: output & !((1 << shift) - 1) | offset,
            caching: long_attribute(bank, low >> 2 & 7),
        });
    }
}

/// MAIRn (B4.1.104): outer attributes in the high half, inner in the low.
fn long_attribute(bank: &Bank, index: u32) -> Caching {
    let byte = bank.mair[(index / 4) as usize] >> (8 * (index & 3)) & 0xff;
    let half = |half: u32| match half {
        0 | 4 => Caching::None,
        1..=3 | 8..=11 => Caching::Through,
        _ => Caching::Back,
    };
    if byte >> 4 == 0 {
        // Device or strongly ordered.
        return Caching::None;
    }
    both(half(byte & 15), half(byte >> 4))
}

/// The weaker of inner and outer: Cortex-A7 and A15 treat a mixture as not cached.
fn both(inner: Caching, outer: Caching) -> Caching {
    match (inner, outer) {
        (Caching::None, _) | (_, Caching::None) => Caching::None,
        (Caching::Back, Caching::Back) => Caching::Back,
        _ => Caching::Through,
    }
}

fn short(
    bank: &Bank,
    address: u32,
    memory: &impl Memory,
    steps: &mut Vec<Step>,
) -> Option<Translation> {
    let n = bank.ttbcr & 7;
    let second = n != 0 && address >> (32 - n) != 0;
    let (base, bits) = if second {
        (bank.ttbr[1], 14)
    } else {
        (bank.ttbr[0], 14 - n)
    };
    // IRGN[1:0] is split: bits 0 and 6 (B4.1.154); RGN: 4:3.
    let inner = base >> 6 & 1 | (base & 1) << 1;
    let cached = inner != 0 && base >> 3 & 3 != 0;
    let table = base as u32 & !((1 << bits) - 1);
    let index = address >> 20 & ((1 << (bits - 2)) - 1);
    let at = u64::from(table + 4 * index);
    steps.push(Step {
        address: at,
        cached,
    });
    let first = memory.word(at)?;
    match first & 3 {
        0 => None,
        1 => {
            let at = u64::from((first & !0x3ff) + 4 * (address >> 12 & 0xff));
            steps.push(Step {
                address: at,
                cached,
            });
            let entry = memory.word(at)?;
            let (physical, tex) = match entry & 3 {
                0 => return None,
                1 => (entry & 0xffff_0000 | address & 0xffff, entry >> 12 & 7),
                _ => (entry & 0xffff_f000 | address & 0xfff, entry >> 6 & 7),
            };
            Some(Translation {
                physical: u64::from(physical),
                caching: short_attribute(bank, tex, entry >> 2 & 3),
            })
        }
        _ => {
            let physical = if first & 1 << 18 != 0 {
                u64::from(first & 0xff00_0000 | address & 0xff_ffff)
            } else {
                u64::from(first & 0xfff0_0000 | address & 0xf_ffff)
            };
            Some(Translation {
                physical,
                caching: short_attribute(bank, first >> 12 & 7, first >> 2 & 3),
            })
        }
    }
}

/// TEX, C and B, with and without remap (B3.8.2, B3.8.3); `cb` = C:B.
fn short_attribute(bank: &Bank, tex: u32, cb: u32) -> Caching {
    let policy = |policy: u32| match policy & 3 {
        0 => Caching::None,
        2 => Caching::Through,
        _ => Caching::Back,
    };
    if bank.sctlr & REMAP != 0 {
        let n = (tex & 1) << 2 | cb;
        if bank.mair[0] >> (2 * n) & 3 != 2 {
            return Caching::None;
        }
        let (inner, outer) = (bank.mair[1] >> (2 * n), bank.mair[1] >> (16 + 2 * n));
        return both(policy(inner), policy(outer));
    }
    match (tex, cb) {
        (0, 2) => Caching::Through,
        (0, 3) | (1, 3) => Caching::Back,
        (4.., _) => both(policy(cb), policy(tex)),
        _ => Caching::None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    struct Words(HashMap<u64, u32>);

    impl Memory for Words {
        fn word(&self, address: u64) -> Option<u32> {
            Some(self.0.get(&address).copied().unwrap_or(0))
        }
    }

    fn try_walk(
        bank: &Bank,
        regime: Regime,
        address: u32,
        words: &[(u64, u32)],
    ) -> (Option<Translation>, Vec<Step>) {
        let mut steps = Vec::new();
        let memory = Words(words.iter().copied().collect());
        (walk(bank, regime, address, &memory, &mut steps), steps)
    }

    #[test]
    fn without_an_mmu_nothing_is_cached() {
        let (found, steps) = try_walk(&Bank::default(), Regime::Hyp, 0x1234, &[]);
        assert_eq!(
            found,
            Some(Translation {
                physical: 0x1234,
                caching: Caching::None
            })
        );
        assert!(steps.is_empty());
    }

    #[test]
    fn hyp_walks_three_levels() {
        let bank = Bank {
            sctlr: MMU | 4,
            ttbr: [0x4100_0000, 0],
            // Cached walks, inner and outer write-back; T0SZ = 0.
            ttbcr: 0x8080_0500,
            // Attribute 0: device; attribute 1: write-back.
            mair: [0xff04, 0],
            vbar: 0,
        };
        let words = [
            (0x4100_0008, 0x4100_1003),
            (0x4100_1008, 0x4100_2003),
            (0x4100_2018, 0x5000_3000 | 3 | 1 << 2),
            (0x4100_1010, 0x6020_0000 | 1),
        ];
        let (found, steps) = try_walk(&bank, Regime::Hyp, 0x4020_3456, &words);
        assert_eq!(
            found,
            Some(Translation {
                physical: 0x5000_3456,
                caching: Caching::Back
            })
        );
        assert_eq!(steps.len(), 3);
        assert!(steps.iter().all(|step| step.cached));
        let (found, _) = try_walk(&bank, Regime::Hyp, 0x4040_0010, &words);
        assert_eq!(
            found,
            Some(Translation {
                physical: 0x6020_0010,
                caching: Caching::None
            })
        );
        assert_eq!(try_walk(&bank, Regime::Hyp, 0x8000_0000, &words).0, None);
    }

    #[test]
    fn short_sections_and_pages() {
        let bank = Bank {
            sctlr: MMU | 4,
            ttbr: [0x4000_4000, 0],
            ..Bank::default()
        };
        let words = [
            // A write-back section at 0x40000000; a table for 0x40100000.
            (0x4000_5000, 0x4000_0c0e),
            (0x4000_5004, 0x4000_8001),
            (0x4000_8008, 0x4567_8002 | 1 << 2),
        ];
        let (found, steps) = try_walk(&bank, Regime::Pl1, 0x4001_2345, &words);
        assert_eq!(
            found,
            Some(Translation {
                physical: 0x4001_2345,
                caching: Caching::Back
            })
        );
        assert_eq!(
            steps,
            [Step {
                address: 0x4000_5000,
                cached: false
            }]
        );
        let (found, steps) = try_walk(&bank, Regime::Pl1, 0x4010_2345, &words);
        assert_eq!(
            found,
            Some(Translation {
                physical: 0x4567_8345,
                caching: Caching::None
            })
        );
        assert_eq!(steps.len(), 2);
    }
}
