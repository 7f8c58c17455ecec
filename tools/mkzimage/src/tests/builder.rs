//! Writes small ARM ELFs of Thumb code, right ones and wrong ones.

use goblin::elf::{header::*, program_header::*, reloc::*, section_header::*, sym::*};

const NOP: u32 = 0xe1a0_0000;
/// Length of the code and data that [`Builder::new`] makes: `__image_end`.
pub const IMAGE_END: u32 = 0x90;
/// Its `__runtime_size`.
pub const RUNTIME_SIZE: u32 = 0x2_0100;
/// Address of the symbol `target`: its two halves are both not 0.
pub const TARGET: u32 = 0x1_8004;

/// Where the sample has its patched places.
pub const POINTER: u32 = 0x70;
pub const MOVW: u32 = 0x74;
pub const MOVT: u32 = 0x78;
pub const CALL: u32 = 0x7c;

/// Indices in the symbol table, for relocations, and in [`Builder::symbols`].
pub const SYM_TARGET: u32 = 1;
pub const SYM_IMAGE_END: usize = 1;
pub const SYM_RUNTIME_SIZE: usize = 2;
pub const SYM_SECTION: u32 = 4;

#[derive(Clone)]
pub struct Symbol {
    pub name: &'static str,
    pub value: u32,
    pub info: u8,
    pub section: u16,
}

/// A program: one code section, BSS, relocations, symbols. Every field may be spoilt.
#[derive(Clone)]
pub struct Builder {
    pub class: u8,
    pub data: u8,
    pub machine: u16,
    pub kind: u16,
    pub flags: u32,
    pub code: Vec<u8>,
    pub bss: (u32, u32),
    /// address, load address, file bytes, memory bytes, alignment, offset in `code`
    pub segments: Vec<[u32; 6]>,
    pub symbols: Vec<Symbol>,
    /// place, symbol, kind
    pub relocations: Vec<(u32, u32, u32)>,
    pub relocation_type: u32,
    /// flags of the section that the relocations are about
    pub code_flags: u32,
}

/// Thumb's `movw`, its first halfword low, as memory shows it.
pub fn movw(register: u32, half: u32) -> u32 {
    let first = 0xf240 | half >> 12 | (half >> 11 & 1) << 10;
    let second = (half >> 8 & 7) << 12 | register << 8 | half & 0xff;
    first | second << 16
}

pub fn movt(register: u32, half: u32) -> u32 {
    movw(register, half) | 0x80
}

impl Builder {
    pub fn new() -> Self {
        let mut words = vec![NOP; 8];
        words.extend([
            0xea00_0013,
            0x016f_2818,
            0,
            0,
            0x0403_0201,
            0x4545_4545,
            0x40,
            0,
        ]);
        words.extend([5, 0x5a53_4c4b, 0x5c, 0, 0, 0, 0, 0]);
        words.extend([0x4e4f_5442, 0, 0, 0]);
        words.extend([
            TARGET,
            movw(3, TARGET & 0xffff),
            movt(3, TARGET >> 16),
            // bl, first halfword low
            0xfffe_f7ff,
        ]);
        words.extend([0x1111_1111, 0x2222_2222, 0x3333_3333, 0x4444_4444]);
        let code: Vec<u8> = words
            .iter()
            .flat_map(|word: &u32| word.to_le_bytes())
            .collect();
        assert_eq!(code.len(), IMAGE_END as usize);
        let symbol = |name, value, info, section| Symbol {
            name,
            value,
            info,
            section,
        };
        Self {
            class: ELFCLASS32,
            data: ELFDATA2LSB,
            machine: EM_ARM,
            kind: ET_EXEC,
            flags: 0x0500_0200,
            segments: vec![
                [0, 0, IMAGE_END, IMAGE_END, 0x1000, 0],
                [0x1000, 0x1000, 0, RUNTIME_SIZE - 0x1000, 0x1000, 0],
            ],
            code,
            bss: (0x1000, RUNTIME_SIZE - 0x1000),
            symbols: vec![
                symbol("target", TARGET, STT_OBJECT, 2),
                symbol("__image_end", IMAGE_END, STT_NOTYPE, 1),
                symbol("__runtime_size", RUNTIME_SIZE, STT_NOTYPE, SHN_ABS as u16),
                symbol("", 0x1000, STT_SECTION, 2),
            ],
            relocations: vec![
                (POINTER, SYM_TARGET, R_ARM_ABS32),
                (MOVW, SYM_TARGET, R_ARM_THM_MOVW_ABS_NC),
                (MOVT, SYM_TARGET, R_ARM_THM_MOVT_ABS),
                (CALL, SYM_TARGET, R_ARM_THM_PC22),
                (CALL + 4, 0, R_ARM_V4BX),
            ],
            relocation_type: SHT_REL,
            code_flags: SHF_ALLOC | SHF_EXECINSTR,
        }
    }

    pub fn with(mut self, spoil: impl FnOnce(&mut Self)) -> Self {
        spoil(&mut self);
        self
    }

    pub fn set_word(&mut self, offset: u32, value: u32) {
        let start = offset as usize;
        self.code[start..start + 4].copy_from_slice(&value.to_le_bytes());
    }

    pub fn build(&self) -> Vec<u8> {
        let names = [
            "",
            ".text",
            ".bss",
            ".rel.text",
            ".symtab",
            ".strtab",
            ".shstrtab",
        ];
        let (section_names, name_at) = strings(names.iter().copied());
        let (symbol_names, symbol_name_at) =
            strings(std::iter::once("").chain(self.symbols.iter().map(|symbol| symbol.name)));

        let mut symtab = vec![0; 16];
        for (symbol, name) in self.symbols.iter().zip(&symbol_name_at[1..]) {
            words(&mut symtab, &[*name, symbol.value, 0]);
            symtab.extend([symbol.info, 0]);
            symtab.extend(symbol.section.to_le_bytes());
        }
        let mut rel = Vec::new();
        for &(place, symbol, kind) in &self.relocations {
            words(&mut rel, &[place, symbol << 8 | kind]);
            if self.relocation_type == SHT_RELA {
                words(&mut rel, &[0]);
            }
        }
        let rel_entry = if self.relocation_type == SHT_RELA {
            12
        } else {
            8
        };

        let code_at = 52 + 32 * self.segments.len() as u32;
        let mut at = code_at;
        let mut place = |bytes: &[u8]| {
            let offset = at;
            at += bytes.len() as u32;
            offset
        };
        let (code_at, rel_at) = (place(&self.code), place(&rel));
        let (symtab_at, strtab_at) = (place(&symtab), place(&symbol_names));
        let shstrtab_at = place(&section_names);
        let (bss, bss_size) = self.bss;
        let size = |bytes: &[u8]| bytes.len() as u32;
        // name, type, flags, address, offset, size, link, info, alignment, entry size
        let sections = [
            [0; 10],
            [
                name_at[1],
                SHT_PROGBITS,
                self.code_flags,
                0,
                code_at,
                size(&self.code),
                0,
                0,
                4,
                0,
            ],
            [
                name_at[2],
                SHT_NOBITS,
                SHF_ALLOC | SHF_WRITE,
                bss,
                code_at,
                bss_size,
                0,
                0,
                4,
                0,
            ],
            [
                name_at[3],
                self.relocation_type,
                0,
                0,
                rel_at,
                size(&rel),
                4,
                1,
                4,
                rel_entry,
            ],
            [
                name_at[4],
                SHT_SYMTAB,
                0,
                0,
                symtab_at,
                size(&symtab),
                5,
                1,
                4,
                16,
            ],
            [
                name_at[5],
                SHT_STRTAB,
                0,
                0,
                strtab_at,
                size(&symbol_names),
                0,
                0,
                1,
                0,
            ],
            [
                name_at[6],
                SHT_STRTAB,
                0,
                0,
                shstrtab_at,
                size(&section_names),
                0,
                0,
                1,
                0,
            ],
        ];

        let mut file = vec![0x7f, b'E', b'L', b'F', self.class, self.data, 1];
        file.resize(16, 0);
        file.extend(self.kind.to_le_bytes());
        file.extend(self.machine.to_le_bytes());
        words(&mut file, &[1, 0, 52, at, self.flags]);
        for half in [
            52,
            32,
            self.segments.len() as u16,
            40,
            sections.len() as u16,
            6,
        ] {
            file.extend(half.to_le_bytes());
        }
        for &[address, load, file_size, memory_size, align, offset] in &self.segments {
            let offset = code_at + offset;
            words(
                &mut file,
                &[
                    PT_LOAD,
                    offset,
                    address,
                    load,
                    file_size,
                    memory_size,
                    7,
                    align,
                ],
            );
        }
        for part in [&self.code, &rel, &symtab, &symbol_names, &section_names] {
            file.extend(part);
        }
        for section in &sections {
            words(&mut file, section);
        }
        file
    }
}

fn words(bytes: &mut Vec<u8>, words: &[u32]) {
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

/// Makes a string table; returns it and where each string starts.
fn strings<'a>(names: impl Iterator<Item = &'a str>) -> (Vec<u8>, Vec<u32>) {
    let mut table = Vec::new();
    let starts = names
        .map(|name| {
            let start = table.len() as u32;
            table.extend(name.as_bytes());
            table.push(0);
            start
        })
        .collect();
    (table, starts)
}
