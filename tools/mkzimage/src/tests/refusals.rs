//! Everything that is refused, with the words it is refused with.

use goblin::elf::{header::*, reloc::*, section_header::*};

use super::builder::*;
use crate::make;

/// Spoils the sample and expects a refusal that says all of `words`.
#[track_caller]
fn refused(words: &[&str], spoil: impl FnOnce(&mut Builder)) {
    let elf = Builder::new().with(spoil).build();
    let message = match make(&elf) {
        Ok(image) => panic!("made an image: {}", image.summary),
        Err(error) => error.to_string(),
    };
    for word in words {
        assert!(message.contains(word), "\"{word}\" is not in \"{message}\"");
    }
}

fn replace_relocation(builder: &mut Builder, kind: u32) {
    builder.relocations = vec![(POINTER, SYM_TARGET, kind)];
}

#[test]
fn the_sample_itself_is_taken() {
    assert!(make(&Builder::new().build()).is_ok());
}

#[test]
fn other_files() {
    assert_eq!(make(b"").unwrap_err().to_string(), "not an ELF file");
    assert_eq!(make(&[0; 200]).unwrap_err().to_string(), "not an ELF file");
    refused(&["class 2", "not 32-bit"], |b| b.class = ELFCLASS64);
    refused(&["data 2", "not little-endian"], |b| b.data = ELFDATA2MSB);
    refused(&["machine 62", "not ARM"], |b| b.machine = EM_X86_64);
    refused(&["type 3", "not EXEC"], |b| b.kind = ET_DYN);
    refused(&["type 1", "not EXEC"], |b| b.kind = ET_REL);
    refused(&["0x5800200", "BE8"], |b| b.flags |= 0x0080_0000);
}

#[test]
fn a_cut_file_is_malformed() {
    let elf = Builder::new().build();
    let error = make(&elf[..elf.len() - 20]).unwrap_err();
    assert!(error.to_string().starts_with("malformed ELF"), "{error}");
}

#[test]
fn segments() {
    refused(&["no PT_LOAD"], |b| b.segments.clear());
    refused(&["linked at 0x8000"], |b| {
        b.segments = vec![[0x8000, 0x8000, 0x90, 0x90, 4, 0]];
    });
    refused(&["0x1000", "loaded elsewhere", "0x5000"], |b| {
        b.segments[1][1] = 0x5000;
    });
    refused(&["0x80 starts inside", "0x90"], |b| {
        b.segments[1] = [0x80, 0x80, 0, 0x100, 4, 0];
    });
    refused(&["hole from 0x90", "0x1000", "0x100 only"], |b| {
        b.segments[1][4] = 0x100;
    });
    refused(&["segment 0x1000", "0xfffff000"], |b| {
        b.segments[1][3] = 0xffff_f000;
    });
    refused(&["0x91 bytes in the file", "0x90"], |b| {
        b.segments[0][2] = 0x91;
    });
    refused(&["0x90 bytes at offset 0xffff", "not in the file"], |b| {
        b.segments[0][5] = 0xffff_0000;
    });
}

#[test]
fn ends() {
    refused(&["0x90", "past __image_end at 0x8c"], |b| {
        b.symbols[SYM_IMAGE_END].value = 0x8c;
    });
    refused(&[".bss at 0x80", "__image_end at 0x90"], |b| b.bss.0 = 0x80);
    refused(&["__runtime_size 0x20000", "0x20100"], |b| {
        b.symbols[SYM_RUNTIME_SIZE].value = 0x2_0000;
    });
    refused(&["__runtime_size 0x80", "0x90"], |b| {
        b.symbols[SYM_RUNTIME_SIZE].value = 0x80;
    });
    refused(&["__image_end is 0x92", "multiple of 4"], |b| {
        b.symbols[SYM_IMAGE_END].value = 0x92;
    });
    refused(&["__image_end at 0x6c", "header"], |b| {
        b.symbols[SYM_IMAGE_END].value = 0x6c;
    });
    refused(&["__runtime_size is 0x80000000"], |b| {
        b.symbols[SYM_RUNTIME_SIZE].value = 0x8000_0000;
    });
}

#[test]
fn missing_symbols() {
    for index in [SYM_IMAGE_END, SYM_RUNTIME_SIZE] {
        let name = Builder::new().symbols[index].name;
        refused(&[name, "not defined"], |b| b.symbols[index].name = "other");
        // Mentioned, but not defined.
        refused(&[name, "not defined"], |b| b.symbols[index].section = 0);
    }
}

#[test]
fn header_words() {
    for (offset, words) in [
        (0x00, "first NOP"),
        (0x1c, "eighth NOP"),
        (0x20, "branch"),
        (0x24, "zImage magic"),
        (0x28, "position independent"),
        (0x30, "endianness"),
        (0x34, "tag table"),
        (0x38, "offset of the tag table"),
        (0x40, "size of the KLSZ tag"),
        (0x44, "KLSZ tag"),
        (0x48, "size word"),
        (0x4c, "BSS"),
        (0x50, "TEXT_OFFSET"),
        (0x54, "last tag"),
        (0x58, "last tag"),
        (0x60, "BTON"),
    ] {
        let at = format!("header word {offset:#x} ");
        refused(&[&at, words, "but is 0xdead0000"], |b| {
            b.set_word(offset, 0xdead_0000);
        });
    }
}

#[test]
fn kinds_that_the_entry_code_cannot_apply() {
    for (kind, name) in [
        (R_ARM_ABS16, "R_ARM_ABS16 (5)"),
        (R_ARM_ABS8, "R_ARM_ABS8 (8)"),
        (R_ARM_GOT32, "R_ARM_GOT32 (26)"),
        (R_ARM_GOTOFF, "R_ARM_GOTOFF (24)"),
        (R_ARM_TARGET1, "R_ARM_TARGET1 (38)"),
        (R_ARM_TARGET2, "R_ARM_TARGET2 (41)"),
        (R_ARM_MOVW_ABS_NC, "R_ARM_MOVW_ABS_NC (43)"),
        (R_ARM_MOVT_ABS, "R_ARM_MOVT_ABS (44)"),
        (R_ARM_THM_MOVW_BREL_NC, "R_ARM_THM_MOVW_BREL_NC (87)"),
        (R_ARM_TLS_LE32, "R_ARM_TLS_LE32"),
        (R_ARM_RELATIVE, "R_ARM_RELATIVE (23)"),
        (200, "(200)"),
    ] {
        refused(&[name, "0x70", ".text", "target"], |b| {
            replace_relocation(b, kind);
        });
    }
}

#[test]
fn places() {
    for odd in 1..4 {
        let place = format!("{:#x}", POINTER + odd);
        refused(&[&place, "multiple of 4", "target"], |b| {
            b.relocations[0].0 += odd;
        });
    }
    refused(&["0x75", "multiple of 2", "target"], |b| {
        b.relocations[1].0 += 1;
    });
    // A pointer whose low half is the second half of the instruction before it.
    refused(&["two relocations at 0x78"], |b| {
        b.set_word(MOVW, 0xf240_0000);
        b.set_word(MOVT, 0x0001_0304);
        b.relocations = vec![
            (MOVW + 2, SYM_TARGET, R_ARM_THM_MOVW_ABS_NC),
            (MOVT, SYM_TARGET, R_ARM_ABS32),
        ];
    });
    for outside in [IMAGE_END, 0x1000, 0xffff_fffc] {
        let place = format!("{outside:#x}");
        refused(&[&place, "not in the image", "0x90"], |b| {
            b.relocations[0].0 = outside;
        });
    }
    refused(&["two relocations at 0x70"], |b| {
        b.relocations.push((POINTER, SYM_TARGET, R_ARM_ABS32));
    });
    refused(&["Movw", "0x78", "another instruction"], |b| {
        b.relocations[1].0 = MOVT;
    });
    refused(&["Movt", "0x74", "another instruction"], |b| {
        b.relocations[2].0 = MOVW;
    });
}

#[test]
fn targets() {
    refused(&["Abs32 at 0x70", "target", "0x20101", "0x20100"], |b| {
        b.set_word(POINTER, RUNTIME_SIZE + 1);
    });
    // The end itself is an address of the image.
    let end = Builder::new().with(|b| b.set_word(POINTER, RUNTIME_SIZE));
    assert!(make(&end.build()).is_ok());
    refused(&["Movt at 0x78", "target", "0x28004"], |b| {
        b.symbols[0].value = 0x2_8004;
        b.set_word(MOVT, movt(3, 2));
    });
}

#[test]
fn halves() {
    refused(&["movt at 0x78", "target", "no movw"], |b| {
        b.relocations.remove(1);
    });
    refused(&["movt at 0x78", "no movw"], |b| {
        b.set_word(MOVW, movw(4, TARGET & 0xffff));
    });
    refused(&["0x74", "0x78", "0x8004", "target at 0x18004"], |b| {
        b.set_word(MOVT, movt(3, 0));
    });
}

#[test]
fn symbols_that_do_not_move() {
    let absolute = SHN_ABS as u16;
    refused(&["0x7c", "target, an absolute symbol"], |b| {
        b.symbols[0].section = absolute;
        b.relocations.drain(..3);
        b.relocations[0].2 = R_ARM_REL32;
    });
    refused(&["0x70", "target, which is undefined"], |b| {
        b.symbols[0].section = 0;
    });
}

#[test]
fn relocations_in_another_form() {
    refused(&["--emit-relocs"], |b| b.relocation_type = SHT_PROGBITS);
    refused(&[".text", "RELA"], |b| b.relocation_type = SHT_RELA);
}

#[test]
fn veneers() {
    for name in [
        "__ARMv7ABSLongThunk_memcpy",
        "__memcpy_veneer",
        "__memcpy_from_arm",
    ] {
        refused(&[name, "0x18004"], |b| b.symbols[0].name = name);
    }
}
