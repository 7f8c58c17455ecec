//! Thumb's `movw` and `movt`, encoding T3 and T1 of the ARM ARM (DDI 0406C, A8.8.102 and
//! A8.8.106): two halfwords, 11110 i 10 x100 imm4 and 0 imm3 Rd imm8; the immediate is
//! imm4:i:imm3:imm8. Here an instruction is the word that memory shows: first halfword low.

const OPCODE: u32 = 0x8000_fbf0;
const MOVW: u32 = 0x0000_f240;
const MOVT: u32 = 0x0000_f2c0;
const IMMEDIATE: u32 = 0x70ff_040f;

/// Tells whether `word` is `movw`.
pub(crate) const fn is_movw(word: u32) -> bool {
    word & OPCODE == MOVW
}

/// Tells whether `word` is `movt`.
pub(crate) const fn is_movt(word: u32) -> bool {
    word & OPCODE == MOVT
}

/// Returns the destination register of a `movw` or `movt`.
pub(crate) const fn destination(word: u32) -> u32 {
    (word >> 24) & 0xf
}

/// Returns the 16-bit immediate of a `movw` or `movt`.
pub(crate) const fn immediate(word: u32) -> u32 {
    (word & 0xf) << 12 | (word & 0x400) << 1 | (word >> 20) & 0x700 | (word >> 16) & 0xff
}

/// Returns the instruction with the low 16 bits of `value` as its immediate.
pub(crate) const fn with_immediate(word: u32, value: u32) -> u32 {
    (word & !IMMEDIATE)
        | (value >> 12) & 0xf
        | (value & 0x800) >> 1
        | (value & 0x700) << 20
        | (value & 0xff) << 16
}
