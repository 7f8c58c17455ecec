//! Images that are made.

use goblin::elf::reloc::*;

use super::builder::*;
use crate::{Image, bytes::word, instruction, make, relocate};

fn made(builder: &Builder) -> Image {
    make(&builder.build()).unwrap()
}

fn table(image: &Image) -> Vec<u8> {
    let start = word(&image.bytes, 0x64).unwrap() as usize;
    let words = word(&image.bytes, 0x68).unwrap() as usize;
    image.bytes[start..][..4 * words].to_vec()
}

/// The sample's table: a list of one pointer and one of two halves, in words and halfwords from
/// place to place.
const TABLE: [u8; 8] = [
    (POINTER / 4) as u8,
    0,
    (MOVW / 2) as u8,
    ((MOVT - MOVW) / 2) as u8,
    (TARGET & 0xff) as u8,
    (TARGET >> 8 & 0xff) as u8,
    0,
    0,
];

#[test]
fn header_is_filled_in() {
    let image = made(&Builder::new());
    let length = IMAGE_END + 8;
    assert_eq!(image.bytes.len(), length as usize);
    for (offset, expected) in [
        (0x24, 0x016f_2818),
        (0x28, 0),
        (0x2c, length),
        (0x5c, RUNTIME_SIZE),
        (0x64, IMAGE_END),
        (0x68, 2),
        (0x6c, IMAGE_END),
    ] {
        assert_eq!(word(&image.bytes, offset), Some(expected), "{offset:#x}");
    }
    assert_eq!(
        image.summary.to_string(),
        "152 bytes, 131328 at run time; relocation table 8 bytes: 1 ABS32, 1 MOVW, 1 MOVT"
    );
}

#[test]
fn table_is_as_documented() {
    // The linker's order is not the table's.
    let image = made(&Builder::new().with(|b| b.relocations.reverse()));
    assert_eq!(table(&image), TABLE);
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
    assert_eq!(table(&image), [&[0], &TABLE[2..], &[0]].concat());
    assert_eq!(word(&image.bytes, POINTER), Some(0x1234_5678));
}

#[test]
fn movt_takes_the_low_half_from_its_own_movw() {
    // Two addresses of one section, built in two registers at the same time, at odd halfwords.
    let (one, two) = (0x1_2340, 0x1_8ffd);
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
            b.set_word(0x7e + 4 * index as u32, instruction);
        }
        b.relocations = vec![
            (0x7e, SYM_SECTION, R_ARM_THM_MOVW_ABS_NC),
            (0x82, SYM_SECTION, R_ARM_THM_MOVW_ABS_NC),
            (0x86, SYM_SECTION, R_ARM_THM_MOVT_ABS),
            (0x8a, SYM_SECTION, R_ARM_THM_MOVT_ABS),
        ];
    }));
    let list = [0, 0x3f, 2, 2, 0x40, 0x23, 2, 0xfd, 0x8f, 0];
    assert_eq!(table(&image)[..10], list);
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
fn instructions_keep_opcode_and_register() {
    // As LLVM's assembler has them: movw r5, #0x4678; movt r12, #0xabcd.
    let (movw, movt) = (0x6578_f244, 0x3ccd_f6ca);
    assert_eq!(instruction::immediate(movw), 0x4678);
    assert_eq!(instruction::immediate(movt), 0xabcd);
    assert_eq!(instruction::destination(movt), 12);
    assert!(instruction::is_movw(movw) && instruction::is_movt(movt));
    assert_eq!(instruction::with_immediate(movw, 0xabcd), 0x35cd_f64a);
    for half in 0..=0xffff {
        let patched = instruction::with_immediate(movw, half);
        assert_eq!(instruction::immediate(patched), half);
        assert!(instruction::is_movw(patched) && !instruction::is_movt(patched));
        assert_eq!(instruction::destination(patched), 5);
    }
}

/// Places at every distance around the longest that one byte can say.
#[test]
fn places_may_be_far_apart() {
    for distance in [1, 253, 254, 255, 256, 507, 508, 509, 510, 1000] {
        let image = made(&Builder::new().with(|b| {
            let second = POINTER + 4 * distance;
            let end = second + 4;
            b.code.resize(end as usize, 0);
            b.set_word(second, TARGET);
            b.segments = vec![[0, 0, end, end, 0x1000, 0]];
            b.bss = (end, RUNTIME_SIZE - end);
            b.symbols[SYM_IMAGE_END].value = end;
            b.relocations = vec![
                (POINTER, SYM_TARGET, R_ARM_ABS32),
                (second, SYM_TARGET, R_ARM_ABS32),
            ];
        }));
        let mut moved = image.bytes.clone();
        relocate(&mut moved, &table(&image), 0, 0x4000_0000).unwrap();
        let changed: Vec<u32> = (0..moved.len() as u32 / 4)
            .map(|index| 4 * index)
            .filter(|&place| word(&moved, place) != word(&image.bytes, place))
            .collect();
        assert_eq!(changed, [POINTER, POINTER + 4 * distance]);
    }
}

#[test]
fn model_names_a_bad_table() {
    for (table, error) in [
        (&[][..], "ends inside a list, after 0 bytes"),
        (&[1, 255], "ends inside a list, after 2 bytes"),
        (&[0, 8, 1], "ends inside a list, after 3 bytes"),
        (&[7, 1, 0, 0], "byte 1 of the table leads to 0x20"),
        (&[255, 0], "ends inside a list"),
        (&[0, 15, 0], "byte 1 of the table leads to 0x1e"),
        (
            &[0, 1, 0],
            "byte 1 of the table leads to 0x2, where 0x00000000",
        ),
    ] {
        let mut image = vec![0; 0x20];
        image[0x10..0x14].copy_from_slice(&movt(3, 0).to_le_bytes());
        let found = relocate(&mut image, table, 0, 0x1000).unwrap_err();
        assert!(found.to_string().contains(error), "{found}: {table:x?}");
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
