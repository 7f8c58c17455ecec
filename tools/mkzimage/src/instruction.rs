//! `movw` and `movt`, encoding A2 and A1 of the ARM ARM (DDI 0406C, A8.8.102 and A8.8.106):
//! cond 0011 0x00 imm4 Rd imm12.

const OPCODE: u32 = 0x0ff0_0000;
const MOVW: u32 = 0x0300_0000;
const MOVT: u32 = 0x0340_0000;
const IMMEDIATE: u32 = 0x000f_0fff;

/// Tells whether `word` is `movw`.
pub(crate) const fn is_movw(word: u32) -> bool {
    word & OPCODE == MOVW && word >> 28 != 0xf
}

/// Tells whether `word` is `movt`.
pub(crate) const fn is_movt(word: u32) -> bool {
    word & OPCODE == MOVT && word >> 28 != 0xf
}

/// Returns the destination register of a `movw` or `movt`.
pub(crate) const fn destination(word: u32) -> u32 {
    (word >> 12) & 0xf
}

/// Returns the 16-bit immediate of a `movw` or `movt`.
pub(crate) const fn immediate(word: u32) -> u32 {
    ((word >> 4) & 0xf000) | (word & 0xfff)
}

/// Returns the instruction with the low 16 bits of `value` as its immediate.
pub(crate) const fn with_immediate(word: u32, value: u32) -> u32 {
    (word & !IMMEDIATE) | ((value & 0xf000) << 4) | (value & 0xfff)
}
