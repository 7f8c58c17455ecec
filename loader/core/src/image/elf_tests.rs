//! Executables built by hand, and broken ones.

use alloc::string::ToString;
use alloc::{vec, vec::Vec};

use proptest::prelude::*;

use super::*;

/// A program header as it lies in the file: type, offset, vaddr, paddr, filesz, memsz, flags,
/// align.
type Program = [u32; 8];

const TEXT: Program = [PT_LOAD, 0x200, 0xc000_8000, 0x4000_8000, 0x100, 0x100, 5, 4];
const DATA: Program = [PT_LOAD, 0x300, 0xc000_9000, 0x4000_9000, 0x10, 0x1000, 6, 4];

fn file(entry: u32, programs: &[Program]) -> Vec<u8> {
    let mut bytes = vec![0; 0x400];
    bytes[..8].copy_from_slice(b"\x7fELF\x01\x01\x01\0");
    let mut half = |offset: usize, value: u16| {
        bytes[offset..offset + 2].copy_from_slice(&value.to_le_bytes());
    };
    half(0x10, ET_EXEC);
    half(0x12, EM_ARM);
    half(0x28, 52);
    half(0x2a, 32);
    half(0x2c, u16::try_from(programs.len()).unwrap());
    bytes[0x14..0x18].copy_from_slice(&1_u32.to_le_bytes());
    bytes[0x18..0x1c].copy_from_slice(&entry.to_le_bytes());
    bytes[0x1c..0x20].copy_from_slice(&52_u32.to_le_bytes());
    let words = programs
        .iter()
        .flatten()
        .flat_map(|word| word.to_le_bytes());
    for (slot, byte) in bytes[52..].iter_mut().zip(words) {
        *slot = byte;
    }
    bytes
}

fn error(entry: u32, programs: &[Program]) -> ElfError {
    parse(&file(entry, programs)).unwrap_err()
}

#[test]
fn reads_segments_and_translates_the_entry() {
    let note = [4, 0, 0, 0, 0x7fff_ffff, 0, 0, 0];
    let image = parse(&file(0xc000_8004, &[note, TEXT, DATA])).unwrap();
    assert_eq!(image.entry, 0x4000_8004);
    assert_eq!(image.segments.len(), 2);
    assert_eq!(
        image.segments[1],
        Segment {
            paddr: 0x4000_9000,
            vaddr: 0xc000_9000,
            offset: 0x300,
            filesz: 0x10,
            memsz: 0x1000,
            executable: false,
        }
    );
}

#[test]
fn names_what_is_not_for_us() {
    let good = file(0xc000_8000, &[TEXT]);
    let changed = |offset: usize, value: u8| {
        let mut bytes = good.clone();
        bytes[offset] = value;
        parse(&bytes).unwrap_err()
    };
    assert_eq!(changed(0, 0), ElfError::BadMagic(*b"\0ELF"));
    assert_eq!(
        changed(0, 0).to_string(),
        "no ELF file: magic is 0x00454c46, not 0x7f454c46"
    );
    assert_eq!(changed(4, 2), ElfError::BadClass(2));
    assert_eq!(changed(5, 2), ElfError::BadData(2));
    assert_eq!(changed(5, 9), ElfError::BadData(9));
    assert_eq!(changed(0x10, 3), ElfError::BadType(3));
    assert_eq!(changed(0x12, 3), ElfError::BadMachine(3));
    assert_eq!(changed(0x2a, 31), ElfError::BadHeaderSize(31));
    assert_eq!(changed(0x2c, 65), ElfError::TooManyHeaders(65));
    assert_eq!(parse(b""), Err(ElfError::BadMagic([0; 4])));
    assert!(matches!(
        parse(&good[..51]),
        Err(ElfError::Truncated { .. })
    ));
    assert!(matches!(
        parse(&good[..83]),
        Err(ElfError::Truncated { .. })
    ));
}

#[test]
fn names_bad_segments() {
    let with = |field: usize, value: u32| {
        let mut program = TEXT;
        program[field] = value;
        error(0xc000_8000, &[program])
    };
    assert_eq!(with(0, 4), ElfError::NoSegments);
    assert_eq!(with(5, 0xff), ElfError::FileExceedsMemory(0));
    assert_eq!(with(2, 0xffff_ff00), ElfError::Wraps(0));
    assert_eq!(with(3, 0xffff_ff00), ElfError::Wraps(0));
    let truncated = |end| ElfError::Truncated {
        what: "a segment",
        end,
        file: 0x400,
    };
    assert_eq!(with(1, 0x301), truncated(0x401));
    assert_eq!(with(1, u32::MAX), truncated(0x1_0000_00ff));
    let mut over = DATA;
    over[3] = 0x4000_80fc;
    assert_eq!(error(0xc000_8000, &[TEXT, over]), ElfError::Overlap(0, 1));
    assert_eq!(error(0xc000_8000, &[]), ElfError::NoSegments);
}

#[test]
fn refuses_an_entry_that_is_no_code_of_it() {
    let outside = |entry| assert_eq!(error(entry, &[TEXT, DATA]), ElfError::EntryOutside(entry));
    outside(0xc000_7ffc);
    outside(0xc000_8100);
    outside(0xc000_9000);
    outside(0x4000_8000);
    outside(0);
    assert_eq!(
        error(0xc000_8001, &[TEXT]),
        ElfError::EntryNotArm(0xc000_8001)
    );
    let mut shifted = TEXT;
    shifted[3] += 2;
    assert_eq!(
        error(0xc000_8000, &[shifted]),
        ElfError::EntryNotArm(0xc000_8000)
    );
}

proptest! {
    #[test]
    fn never_panics(
        edits in prop::collection::vec((0usize..0x80, any::<u8>()), 0..8),
        length in 0usize..0x400,
    ) {
        let mut bytes = file(0xc000_8000, &[TEXT, DATA]);
        for (offset, value) in edits {
            bytes[offset] = value;
        }
        let _ = parse(&bytes[..length]);
        if let Ok(image) = parse(&bytes) {
            prop_assert!(image.entry % 4 == 0);
            for segment in image.segments {
                prop_assert!(u64::from(segment.offset) + u64::from(segment.filesz) <= 0x400);
                prop_assert!(segment.filesz <= segment.memsz);
            }
        }
    }
}
