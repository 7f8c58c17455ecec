//! Images that are made.

use goblin::elf::reloc::*;

use super::builder::*;
use crate::{BadTable, Image, bytes::word, instruction, make, relocate};

fn made(builder: &Builder) -> Image {
    make(&builder.build()).unwrap()
}

fn table(image: &Image) -> Vec<u32> {
    let start = word(&image.bytes, 0x64).unwrap();
    let words = word(&image.bytes, 0x68).unwrap();
    (0..words)
        .map(|index| word(&image.bytes, start + 4 * index).unwrap())
        .collect()
}

#[test]
fn header_is_filled_in() {
    let image = made(&Builder::new());
    let length = IMAGE_END + 4 * 4;
    assert_eq!(image.bytes.len(), length as usize);
    for (offset, expected) in [
        (0x24, 0x016f_2818),
        (0x28, 0),
        (0x2c, length),
        (0x5c, RUNTIME_SIZE),
        (0x64, IMAGE_END),
        (0x68, 4),
        (0x6c, IMAGE_END),
    ] {
        assert_eq!(word(&image.bytes, offset), Some(expected), "{offset:#x}");
    }
    assert_eq!(
        image.summary.to_string(),
        "160 bytes, 131328 at run time; relocation table 16 bytes: 1 ABS32, 1 MOVW, 1 MOVT"
    );
}

#[test]
fn table_is_as_documented() {
    // The linker's order is not the table's.
    let image = made(&Builder::new().with(|b| b.relocations.reverse()));
    assert_eq!(table(&image), [POINTER, MOVW | 1, MOVT | 2, TARGET]);
}

#[test]
fn runtime_size_covers_the_table() {
    let image = made(&Builder::new().with(|b| {
        b.segments.truncate(1);
        b.bss = (IMAGE_END, 0);
        b.symbols[SYM_RUNTIME_SIZE].value = IMAGE_END;
        b.symbols[0].value = 0x24;
        b.set_word(POINTER, 0x24);
        b.relocations.truncate(1);
    }));
    assert_eq!(word(&image.bytes, 0x5c), Some(IMAGE_END + 4));
    assert_eq!(image.bytes.len() as u32, IMAGE_END + 4);
}

#[test]
fn gaps_of_alignment_are_zeros() {
    let image = made(&Builder::new().with(|b| {
        b.segments = vec![
            [0, 0, 0x80, 0x80, 0x1000, 0],
            [0x1000, 0x1000, 0x10, 0x10, 0x1000, 0x80],
        ];
        b.bss = (RUNTIME_SIZE, 0);
        b.symbols[SYM_IMAGE_END].value = 0x1010;
    }));
    assert!(image.bytes[0x80..0x1000].iter().all(|&byte| byte == 0));
    assert_eq!(word(&image.bytes, 0x1000), Some(0x1111_1111));
    assert_eq!(word(&image.bytes, 0x64), Some(0x1010));
}

#[test]
fn places_in_debug_sections_are_none_of_ours() {
    // With the only relocations in a section that is not loaded there are none at all.
    let elf = Builder::new().with(|b| b.code_flags = 0).build();
    assert_eq!(make(&elf), Err(crate::Error::NoRelocations));
}

#[test]
fn absolute_symbols_are_numbers() {
    let image = made(&Builder::new().with(|b| {
        b.symbols.push(b.symbols[0].clone());
        let size = b.symbols.len() as u32;
        let symbol = b.symbols.last_mut().unwrap();
        (symbol.name, symbol.value) = ("_stack_size", 0x1234_5678);
        symbol.section = goblin::elf::section_header::SHN_ABS as u16;
        b.set_word(POINTER, 0x1234_5678);
        b.relocations[0].1 = size;
    }));
    assert_eq!(table(&image), [MOVW | 1, MOVT | 2, TARGET]);
    assert_eq!(word(&image.bytes, POINTER), Some(0x1234_5678));
}

#[test]
fn movt_takes_the_low_half_from_its_own_movw() {
    // Two addresses of one section, built in two registers at the same time.
    let (one, two) = (0x1_2340, 0x1_8ffc);
    let image = made(&Builder::new().with(|b| {
        for (index, instruction) in [
            movw(4, one & 0xffff),
            movw(5, two & 0xffff),
            movt(4, one >> 16),
            movt(5, two >> 16),
        ]
        .into_iter()
        .enumerate()
        {
            b.set_word(0x80 + 4 * index as u32, instruction);
        }
        b.relocations = vec![
            (0x80, SYM_SECTION, R_ARM_MOVW_ABS_NC),
            (0x84, SYM_SECTION, R_ARM_MOVW_ABS_NC),
            (0x88, SYM_SECTION, R_ARM_MOVT_ABS),
            (0x8c, SYM_SECTION, R_ARM_MOVT_ABS),
        ];
    }));
    assert_eq!(table(&image), [0x81, 0x85, 0x8a, one, 0x8e, two]);
}

#[test]
fn relocating_moves_every_place_and_back() {
    let image = made(&Builder::new());
    let table = table(&image);
    let mut moved = image.bytes.clone();
    let mut at = 0;
    for base in [0x4000_0000, 0x7fee_b000, 0xffff_f000, 0x8000, 0] {
        relocate(&mut moved, &table, at, base).unwrap();
        at = base;
        let expected = TARGET.wrapping_add(base);
        let low = instruction::immediate(word(&moved, MOVW).unwrap());
        let high = instruction::immediate(word(&moved, MOVT).unwrap());
        assert_eq!(word(&moved, POINTER), Some(expected));
        assert_eq!(high << 16 | low, expected, "at {base:#x}");
        let patched = POINTER as usize..CALL as usize;
        assert_eq!(moved[..patched.start], image.bytes[..patched.start]);
        assert_eq!(moved[patched.end..], image.bytes[patched.end..]);
    }
    assert_eq!(moved, image.bytes);
}

#[test]
fn instructions_keep_register_and_condition() {
    let before = 0x1304_5678; // movwne r5, #0x4678
    let after = instruction::with_immediate(before, 0xabcd);
    assert_eq!(after, 0x130a_5bcd);
    assert!(instruction::is_movw(after));
    assert_eq!(instruction::destination(after), 5);
}

#[test]
fn model_names_a_bad_table() {
    let mut image = vec![0; 0x20];
    for (table, index, word) in [
        (&[3][..], 0, Some(3)),
        (&[0, 0x20], 1, Some(0x20)),
        (&[0, 0xffff_fffc], 1, Some(0xffff_fffc)),
        (&[4, 2], 1, None),
    ] {
        assert_eq!(
            relocate(&mut image, table, 0, 0x1000),
            Err(BadTable { index, word }),
            "{table:x?}"
        );
    }
}

/// What we make, we boot: the loader's own parser reads the header and the run-time size.
#[test]
fn the_loader_reads_it() {
    let image = made(&Builder::new());
    let size = image.bytes.len() as u64;
    let mut fetch = |offset: u64, buffer: &mut [u8]| {
        let start = usize::try_from(offset).unwrap();
        buffer.copy_from_slice(&image.bytes[start..start + buffer.len()]);
        Ok(())
    };
    let parsed = baton_core::image::zimage::parse(&image.bytes, size, &mut fetch).unwrap();
    assert_eq!(parsed.inflated, Some(RUNTIME_SIZE));
}
