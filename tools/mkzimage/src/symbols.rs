//! The symbols of the ELF, and the two that the linker script owes us.

use goblin::elf::{Elf, Sym, section_header::SHN_ABS, sym::STT_SECTION};

use crate::{MAX_SIZE, error::Error, header};

/// The symbol table, with the linker script's two symbols looked up.
pub(crate) struct Symbols<'a> {
    elf: &'a Elf<'a>,
    /// End of the file-backed bytes.
    pub(crate) image_end: u32,
    /// Bytes needed from the load address on.
    pub(crate) runtime_size: u32,
}

/// What a relocation's symbol is, seen from a program that moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a section: it moves with the image. The value is given where the symbol is not a
    /// whole section, whose in-place addend could be anything.
    Inside(Option<u32>),
    /// A number, not an address.
    Absolute,
    /// Not there (weak, or discarded).
    Undefined,
}

impl<'a> Symbols<'a> {
    pub(crate) fn new(elf: &'a Elf<'a>) -> Result<Self, Error> {
        let image_end = linker_symbol(elf, "__image_end")?;
        if !image_end.is_multiple_of(4) {
            return Err(Error::Unaligned {
                what: "__image_end",
                value: image_end,
            });
        }
        if image_end < header::SIZE {
            return Err(Error::TooSmall { image_end });
        }
        let runtime_size = linker_symbol(elf, "__runtime_size")?;
        if runtime_size < image_end {
            return Err(Error::RuntimeSize {
                runtime_size,
                end: image_end,
            });
        }
        Ok(Self {
            elf,
            image_end,
            runtime_size,
        })
    }

    /// Classifies the symbol with this index.
    pub(crate) fn place(&self, index: usize) -> Place {
        match self.elf.syms.get(index) {
            None => Place::Undefined,
            Some(symbol) if symbol.st_shndx == 0 => Place::Undefined,
            Some(symbol) if symbol.st_shndx == SHN_ABS as usize => Place::Absolute,
            Some(symbol) if symbol.st_type() == STT_SECTION => Place::Inside(None),
            Some(symbol) => Place::Inside(u32::try_from(symbol.st_value).ok()),
        }
    }

    /// Returns a name for messages.
    pub(crate) fn name(&self, index: usize) -> String {
        let Some(symbol) = self.elf.syms.get(index) else {
            return format!("symbol {index}");
        };
        let name = if symbol.st_type() == STT_SECTION {
            self.elf
                .section_headers
                .get(symbol.st_shndx)
                .and_then(|section| self.elf.shdr_strtab.get_at(section.sh_name))
        } else {
            self.elf.strtab.get_at(symbol.st_name)
        };
        match name {
            Some(name) if !name.is_empty() => name.to_owned(),
            _ => format!("symbol {index}"),
        }
    }

    /// Returns the name of a linker-made veneer, if there is one. Veneers hold absolute
    /// addresses for which `--emit-relocs` writes no relocation.
    pub(crate) fn veneer(&self) -> Option<(String, u32)> {
        self.elf.syms.iter().find_map(|symbol| {
            let name = self.elf.strtab.get_at(symbol.st_name)?;
            let absolute = name.contains("ABSLongThunk") || name.contains("ABSLongBXThunk");
            let gnu = name.starts_with("__")
                && ["_veneer", "_from_arm", "_from_thumb"]
                    .iter()
                    .any(|end| name.ends_with(end));
            (absolute || gnu).then(|| {
                (
                    name.to_owned(),
                    u32::try_from(symbol.st_value).unwrap_or(u32::MAX),
                )
            })
        })
    }
}

fn linker_symbol(elf: &Elf<'_>, name: &'static str) -> Result<u32, Error> {
    let symbol: Sym = elf
        .syms
        .iter()
        .find(|symbol| symbol.st_shndx != 0 && elf.strtab.get_at(symbol.st_name) == Some(name))
        .ok_or(Error::SymbolMissing(name))?;
    u32::try_from(symbol.st_value)
        .ok()
        .filter(|&value| value <= MAX_SIZE)
        .ok_or(Error::TooLarge {
            what: name,
            size: symbol.st_value,
        })
}
