//! The header at the image's start: what the entry code wrote is checked, the rest is filled in.

use crate::{
    bytes::{set_word, word},
    error::Error,
};

/// Bytes of the header, KLSZ table and BTON block.
pub(crate) const SIZE: u32 = 0x70;

const NOP: u32 = 0xe1a0_0000;

/// Words that the entry code must have written.
const EXPECTED: &[(u32, u32, &str)] = &[
    (0x00, NOP, "the first NOP"),
    (0x04, NOP, "the second NOP"),
    (0x08, NOP, "the third NOP"),
    (0x0c, NOP, "the fourth NOP"),
    (0x10, NOP, "the fifth NOP"),
    (0x14, NOP, "the sixth NOP"),
    (0x18, NOP, "the seventh NOP"),
    (0x1c, NOP, "the eighth NOP"),
    (0x24, 0x016f_2818, "the zImage magic"),
    (0x28, 0, "the start, 0 for position independent"),
    (0x30, 0x0403_0201, "the endianness mark"),
    (0x34, 0x4545_4545, "the mark of a tag table"),
    (0x38, 0x40, "the offset of the tag table"),
    (0x40, 5, "the size of the KLSZ tag"),
    (0x44, 0x5a53_4c4b, "the KLSZ tag"),
    (0x48, RUNTIME_SIZE, "KLSZ: the offset of the size word"),
    (0x4c, 0, "KLSZ: the BSS size"),
    (0x50, 0, "KLSZ: TEXT_OFFSET"),
    (0x54, 0, "the size of the last tag"),
    (0x58, 0, "the last tag"),
    (0x60, 0x4e4f_5442, "the BTON mark"),
];

const BRANCH: u32 = 0x20;
const FILE_LENGTH: u32 = 0x2c;
const RUNTIME_SIZE: u32 = 0x5c;
const TABLE_OFFSET: u32 = 0x64;
const TABLE_WORDS: u32 = 0x68;
const LOADED_BYTES: u32 = 0x6c;

/// Checks the words that do not depend on the image's size.
pub(crate) fn check(image: &[u8]) -> Result<(), Error> {
    for &(offset, expected, what) in EXPECTED {
        let found = word(image, offset);
        if found != Some(expected) {
            return Err(Error::Header {
                offset,
                what,
                found,
                expected,
            });
        }
    }
    match word(image, BRANCH) {
        // An unconditional B, forwards or backwards.
        Some(found) if found >> 24 == 0xea => Ok(()),
        found => Err(Error::Header {
            offset: BRANCH,
            what: "a branch to the entry code",
            found,
            expected: 0xea00_0000,
        }),
    }
}

/// Fills in the sizes. `image` holds the relocation table already, at `image_end`.
pub(crate) fn patch(image: &mut [u8], image_end: u32, table_words: u32, runtime_size: u32) {
    let file_length = image_end + table_words * 4;
    let written = [
        (FILE_LENGTH, file_length),
        (RUNTIME_SIZE, runtime_size),
        (TABLE_OFFSET, image_end),
        (TABLE_WORDS, table_words),
        (LOADED_BYTES, image_end),
    ]
    .iter()
    .all(|&(offset, value)| set_word(image, offset, value));
    debug_assert!(written, "the layout has room for the header");
}
