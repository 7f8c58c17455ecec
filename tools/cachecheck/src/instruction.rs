//! Which instructions the checker must see: writes to system registers, cache, TLB and branch
//! predictor maintenance, barriers. Encodings: DDI 0406C, A8.8.98 (MCR), A8.8.99 (MCRR), B3.17.

/// A register write or maintenance operation by coprocessor 15, or a barrier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instruction {
    /// `MCR p15, op1, Rt, CRn, CRm, op2`.
    Mcr(Cp15),
    /// `MCRR p15, op1, Rt, Rt2, CRm`.
    Mcrr {
        /// op1.
        op1: u8,
        /// CRm.
        crm: u8,
        /// The low word's register.
        rt: u8,
        /// The high word's register.
        rt2: u8,
    },
    /// `MRC p15, 1, Rt, c0, c0, 0`: CCSIDR, which says a cache's geometry.
    ReadCcsidr {
        /// The register it goes to.
        rt: u8,
    },
    /// DSB.
    Dsb,
    /// ISB.
    Isb,
    /// An exception return: synchronises the context as an ISB does (DDI 0406C B1.5.?).
    ExceptionReturn,
}

/// An access to coprocessor 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cp15 {
    /// op1.
    pub op1: u8,
    /// The register.
    pub rt: u8,
    /// CRn.
    pub crn: u8,
    /// CRm.
    pub crm: u8,
    /// op2.
    pub op2: u8,
}

/// An instruction with its condition: 14 is always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// What it does.
    pub instruction: Instruction,
    /// The condition field.
    pub condition: u8,
}

const ALWAYS: u8 = 14;

/// Decodes an instruction of 4 bytes; `thumb`: its two halfwords are in memory order.
pub fn decode(bytes: [u8; 4], thumb: bool) -> Option<Decoded> {
    let word = if thumb {
        let halves = [
            u16::from_le_bytes([bytes[0], bytes[1]]),
            u16::from_le_bytes([bytes[2], bytes[3]]),
        ];
        u32::from(halves[0]) << 16 | u32::from(halves[1])
    } else {
        u32::from_le_bytes(bytes)
    };
    let always = |instruction| {
        Some(Decoded {
            instruction,
            condition: ALWAYS,
        })
    };
    let barrier = match (thumb, word & !0xf) {
        (false, 0xf57f_f040) | (true, 0xf3bf_8f40) => Some(Instruction::Dsb),
        (false, 0xf57f_f060) | (true, 0xf3bf_8f60) => Some(Instruction::Isb),
        _ => None,
    };
    if let Some(barrier) = barrier {
        return always(barrier);
    }
    let condition = (word >> 28) as u8;
    if !thumb && condition == 15 || thumb && condition != 14 {
        return None;
    }
    let found = |instruction| {
        Some(Decoded {
            instruction,
            condition,
        })
    };
    if !thumb && word & 0x0fff_ffff == 0x0160_006e {
        return found(Instruction::ExceptionReturn);
    }
    let field = |shift: u32, mask: u32| ((word >> shift) & mask) as u8;
    if word & 0x0ff0_0f00 == 0x0c40_0f00 {
        return found(Instruction::Mcrr {
            op1: field(4, 15),
            crm: field(0, 15),
            rt: field(12, 15),
            rt2: field(16, 15),
        });
    }
    if word & 0x0f00_0f10 != 0x0e00_0f10 {
        return None;
    }
    let access = Cp15 {
        op1: field(21, 7),
        rt: field(12, 15),
        crn: field(16, 15),
        crm: field(0, 15),
        op2: field(5, 7),
    };
    if word & 1 << 20 != 0 {
        return match access {
            Cp15 {
                op1: 1,
                rt,
                crn: 0,
                crm: 0,
                op2: 0,
            } => found(Instruction::ReadCcsidr { rt }),
            _ => None,
        };
    }
    match (access.crn, access.op1, access.crm, access.op2) {
        // The barriers' first names (DDI 0406C B4.2.5).
        (7, 0, 10, 4) => found(Instruction::Dsb),
        (7, 0, 5, 4) => found(Instruction::Isb),
        _ => found(Instruction::Mcr(access)),
    }
}

/// Says whether a condition holds for these flags (CPSR).
pub fn holds(condition: u8, cpsr: u32) -> bool {
    let bit = |shift: u32| cpsr >> shift & 1 != 0;
    let (n, z, c, v) = (bit(31), bit(30), bit(29), bit(28));
    let base = match condition >> 1 {
        0 => z,
        1 => c,
        2 => n,
        3 => v,
        4 => c && !z,
        5 => n == v,
        6 => n == v && !z,
        _ => return true,
    };
    base != (condition & 1 != 0)
}

/// A maintenance operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Maintenance {
    /// On the data line at an address.
    Address {
        /// Dirty bytes are written on.
        clean: bool,
        /// The line is dropped.
        invalidate: bool,
        /// To the point of unification alone.
        unification: bool,
    },
    /// On one way of one set.
    SetWay {
        /// Dirty bytes are written on.
        clean: bool,
        /// The line is dropped.
        invalidate: bool,
    },
    /// ICIALLU, or ICIALLUIS with `shared`.
    InstructionAll {
        /// On all CPUs.
        shared: bool,
    },
    /// ICIMVAU.
    InstructionAddress,
    /// BPIALL, BPIALLIS, BPIMVA.
    Branches,
    /// TLBIALL and its kin: everything of PL1's, or part of it.
    TlbPl1 {
        /// The whole of it.
        all: bool,
    },
    /// TLBIALLH, TLBIALLHIS (`all`) or TLBIMVAH.
    TlbHyp {
        /// The whole of it.
        all: bool,
    },
    /// TLBIALLNSNH: everything that is not HYP's, of every VMID.
    TlbNonHyp,
}

/// Returns the maintenance that an MCR does (DDI 0406C B4.2).
pub fn maintenance(access: &Cp15) -> Option<Maintenance> {
    let address = |clean, invalidate, unification| {
        Some(Maintenance::Address {
            clean,
            invalidate,
            unification,
        })
    };
    match (access.crn, access.op1, access.crm, access.op2) {
        (7, 0, 6, 1) => address(false, true, false),
        (7, 0, 10, 1) => address(true, false, false),
        (7, 0, 11, 1) => address(true, false, true),
        (7, 0, 14, 1) => address(true, true, false),
        (7, 0, 6, 2) => Some(Maintenance::SetWay {
            clean: false,
            invalidate: true,
        }),
        (7, 0, 10, 2) => Some(Maintenance::SetWay {
            clean: true,
            invalidate: false,
        }),
        (7, 0, 14, 2) => Some(Maintenance::SetWay {
            clean: true,
            invalidate: true,
        }),
        (7, 0, 1, 0) => Some(Maintenance::InstructionAll { shared: true }),
        (7, 0, 5, 0) => Some(Maintenance::InstructionAll { shared: false }),
        (7, 0, 5, 1) => Some(Maintenance::InstructionAddress),
        (7, 0, 1, 6) | (7, 0, 5, 6 | 7) => Some(Maintenance::Branches),
        (8, 0, 3 | 5 | 6 | 7, op2 @ 0..=3) => Some(Maintenance::TlbPl1 {
            // Only the unified ones: ITLBIALL and DTLBIALL do a half each.
            all: op2 == 0 && matches!(access.crm, 3 | 7),
        }),
        (8, 4, 3 | 7, 0) => Some(Maintenance::TlbHyp { all: true }),
        (8, 4, 3 | 7, 1) => Some(Maintenance::TlbHyp { all: false }),
        (8, 4, 3 | 7, 4) => Some(Maintenance::TlbNonHyp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arm(word: u32) -> Option<Decoded> {
        decode(word.to_le_bytes(), false)
    }

    fn mcr(word: u32) -> Cp15 {
        match arm(word).unwrap().instruction {
            Instruction::Mcr(access) => access,
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn maintenance_is_told_apart() {
        // As GNU as encodes them: mcr p15, 0, r9, c7, c14, 1 and so on.
        for (word, wanted) in [
            (
                0xee07_9f3e,
                Maintenance::Address {
                    clean: true,
                    invalidate: true,
                    unification: false,
                },
            ),
            (
                0xee07_9f3a,
                Maintenance::Address {
                    clean: true,
                    invalidate: false,
                    unification: false,
                },
            ),
            (
                0xee07_9f3b,
                Maintenance::Address {
                    clean: true,
                    invalidate: false,
                    unification: true,
                },
            ),
            (
                0xee07_9f36,
                Maintenance::Address {
                    clean: false,
                    invalidate: true,
                    unification: false,
                },
            ),
            (
                0xee07_bf5e,
                Maintenance::SetWay {
                    clean: true,
                    invalidate: true,
                },
            ),
            (
                0xee07_bf56,
                Maintenance::SetWay {
                    clean: false,
                    invalidate: true,
                },
            ),
            (
                0xee07_bf5a,
                Maintenance::SetWay {
                    clean: true,
                    invalidate: false,
                },
            ),
            (0xee07_3f15, Maintenance::InstructionAll { shared: false }),
            (0xee07_3fd5, Maintenance::Branches),
            (0xee08_3f17, Maintenance::TlbPl1 { all: true }),
            (0xee08_3f37, Maintenance::TlbPl1 { all: false }),
            (0xee88_3f17, Maintenance::TlbHyp { all: true }),
            (0xee88_3f97, Maintenance::TlbNonHyp),
        ] {
            assert_eq!(maintenance(&mcr(word)), Some(wanted), "{word:08x}");
        }
        assert_eq!(maintenance(&mcr(0xee81_3f10)), None, "HSCTLR");
    }

    #[test]
    fn barriers_have_two_names_and_two_sets() {
        assert_eq!(arm(0xf57f_f04f).unwrap().instruction, Instruction::Dsb);
        assert_eq!(arm(0xf57f_f06f).unwrap().instruction, Instruction::Isb);
        assert_eq!(arm(0xee07_0f9a).unwrap().instruction, Instruction::Dsb);
        assert_eq!(arm(0xee07_0f95).unwrap().instruction, Instruction::Isb);
        let thumb = |first: u16, second: u16| {
            let (a, b) = (first.to_le_bytes(), second.to_le_bytes());
            decode([a[0], a[1], b[0], b[1]], true).map(|found| found.instruction)
        };
        assert_eq!(thumb(0xf3bf, 0x8f4f), Some(Instruction::Dsb));
        assert_eq!(thumb(0xf3bf, 0x8f6f), Some(Instruction::Isb));
        assert!(matches!(thumb(0xee07, 0x9f3e), Some(Instruction::Mcr(_))));
    }

    #[test]
    fn long_writes_and_reads_of_geometry() {
        // mcrr p15, 4, r3, r4, c2: HTTBR
        let found = arm(0xec44_3f42).unwrap().instruction;
        assert_eq!(
            found,
            Instruction::Mcrr {
                op1: 4,
                crm: 2,
                rt: 3,
                rt2: 4
            }
        );
        // mrc p15, 1, r3, c0, c0, 0
        let found = arm(0xee30_3f10).unwrap().instruction;
        assert_eq!(found, Instruction::ReadCcsidr { rt: 3 });
        assert_eq!(arm(0xee31_9f10), None, "a read of another register");
    }

    #[test]
    fn conditions_hold_or_not() {
        const Z: u32 = 1 << 30;
        // mcreq p15, 4, r0, c12, c0, 0
        let decoded = arm(0x0e8c_0f10).unwrap();
        assert_eq!(decoded.condition, 0);
        assert!(holds(0, Z) && !holds(0, 0));
        assert!(!holds(1, Z) && holds(1, 0));
        assert!(holds(14, 0) && holds(14, u32::MAX));
        assert!(holds(12, 0) && !holds(12, Z) && !holds(12, 1 << 31));
    }
}
