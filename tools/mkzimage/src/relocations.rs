//! From the linker's relocation sections to the image's table.

use goblin::elf::{
    Elf, Reloc,
    reloc::{self, r_to_str},
    section_header::{SHF_ALLOC, SHT_REL, SHT_RELA},
};

use crate::{
    bytes::word,
    error::Error,
    instruction,
    symbols::{Place, Symbols},
    table,
};

/// How a place is patched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A pointer.
    Abs32 = 0,
    /// Thumb's `movw` with the low half of an address.
    Movw = 1,
    /// Thumb's `movt` with the high half.
    Movt = 2,
}

/// One patched place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Bytes from the image's start; a multiple of 4 for a pointer, of 2 for an instruction.
    pub offset: u32,
    /// How it is patched.
    pub kind: Kind,
    /// The address it holds, all of it, with the image at 0.
    pub linked: u32,
}

impl Kind {
    /// Returns what a place's offset must be a multiple of.
    const fn unit(self) -> u32 {
        match self {
            Self::Abs32 => table::POINTER_UNIT,
            Self::Movw | Self::Movt => table::HALF_UNIT,
        }
    }
}

/// A relocation that has to be applied, before its address is known in full.
struct Pending {
    offset: u32,
    kind: Kind,
    symbol: usize,
    word: u32,
}

/// Reads every relocation of a loaded section. The result is sorted by offset. References to
/// absolute symbols, which are numbers and not addresses, need nothing.
pub(crate) fn collect(
    elf: &Elf<'_>,
    image: &[u8],
    symbols: &Symbols<'_>,
) -> Result<Vec<Entry>, Error> {
    if let Some((name, address)) = symbols.veneer() {
        return Err(Error::Veneer { name, address });
    }
    let mut pending = Vec::new();
    let mut sections = 0;
    for (index, relocations) in &elf.shdr_relocs {
        let Some(section) = loaded_section(elf, *index)? else {
            continue;
        };
        sections += 1;
        for relocation in relocations.iter() {
            pending.extend(classify(&relocation, &section, image, symbols)?);
        }
    }
    if sections == 0 {
        return Err(Error::NoRelocations);
    }
    pending.sort_by_key(|relocation| relocation.offset);
    pending
        .iter()
        .enumerate()
        .map(|(index, relocation)| {
            let earlier = pending.get(..index).unwrap_or(&[]);
            finish(relocation, earlier, symbols)
        })
        .collect()
}

/// Returns the name of the section that relocation section `index` is about, if that is loaded.
fn loaded_section(elf: &Elf<'_>, index: usize) -> Result<Option<String>, Error> {
    let target = elf
        .section_headers
        .get(index)
        .filter(|header| matches!(header.sh_type, SHT_REL | SHT_RELA))
        .and_then(|header| {
            let target = elf.section_headers.get(header.sh_info as usize)?;
            Some((header.sh_type, target))
        });
    let Some((kind, target)) = target else {
        return Ok(None);
    };
    if target.sh_flags & u64::from(SHF_ALLOC) == 0 {
        return Ok(None);
    }
    let name = elf
        .shdr_strtab
        .get_at(target.sh_name)
        .unwrap_or("?")
        .to_owned();
    if kind == SHT_RELA {
        return Err(Error::Addends { section: name });
    }
    Ok(Some(name))
}

/// Decides whether a relocation must be applied when the image moves; refuses what cannot be.
fn classify(
    relocation: &Reloc,
    section: &str,
    image: &[u8],
    symbols: &Symbols<'_>,
) -> Result<Option<Pending>, Error> {
    let kind = match relocation.r_type {
        reloc::R_ARM_NONE | reloc::R_ARM_V4BX => return Ok(None),
        kind if is_relative(kind) => {
            // The distance to what does not move changes when we do.
            return match symbols.place(relocation.r_sym) {
                Place::Absolute => Err(Error::AbsoluteSymbol {
                    place: relocation.r_offset,
                    symbol: symbols.name(relocation.r_sym),
                }),
                _ => Ok(None),
            };
        }
        reloc::R_ARM_ABS32 => Kind::Abs32,
        reloc::R_ARM_THM_MOVW_ABS_NC => Kind::Movw,
        reloc::R_ARM_THM_MOVT_ABS => Kind::Movt,
        kind => {
            return Err(Error::Kind {
                kind,
                name: r_to_str(kind, goblin::elf::header::EM_ARM).trim_start_matches("R_"),
                place: relocation.r_offset,
                section: section.to_owned(),
                symbol: symbols.name(relocation.r_sym),
            });
        }
    };
    let place = relocation.r_offset;
    let unit = kind.unit();
    if !place.is_multiple_of(u64::from(unit)) {
        return Err(Error::OddPlace {
            place,
            unit,
            symbol: symbols.name(relocation.r_sym),
        });
    }
    let found = u32::try_from(place)
        .ok()
        .and_then(|offset| Some((offset, word(image, offset)?)));
    let Some((offset, word)) = found else {
        return Err(Error::PlaceOutside {
            place,
            image_end: symbols.image_end,
        });
    };
    let fits = match kind {
        Kind::Abs32 => true,
        Kind::Movw => instruction::is_movw(word),
        Kind::Movt => instruction::is_movt(word),
    };
    if !fits {
        return Err(Error::NotTheInstruction { place, kind, word });
    }
    let symbol = relocation.r_sym;
    match symbols.place(symbol) {
        // A number, like the size of a stack: the same wherever we are.
        Place::Absolute => Ok(None),
        Place::Undefined => Err(Error::UndefinedSymbol {
            place,
            symbol: symbols.name(symbol),
        }),
        Place::Inside(_) => Ok(Some(Pending {
            offset,
            kind,
            symbol,
            word,
        })),
    }
}

/// Kinds that hold a distance: right wherever the image lies.
const fn is_relative(kind: u32) -> bool {
    matches!(
        kind,
        reloc::R_ARM_PC24
            | reloc::R_ARM_REL32
            | reloc::R_ARM_PC13
            | reloc::R_ARM_PLT32
            | reloc::R_ARM_CALL
            | reloc::R_ARM_JUMP24
            | reloc::R_ARM_PREL31
            | reloc::R_ARM_MOVW_PREL_NC
            | reloc::R_ARM_MOVT_PREL
            | reloc::R_ARM_ALU_PC_G0_NC
            ..=reloc::R_ARM_LDC_PC_G2
            // Thumb's; THM_PC22 is THM_CALL, THM_PC11 and THM_PC9 are THM_JUMP11 and THM_JUMP8.
            | reloc::R_ARM_THM_PC22
            | reloc::R_ARM_THM_PC8
            | reloc::R_ARM_THM_JUMP24
            | reloc::R_ARM_THM_MOVW_PREL_NC
            | reloc::R_ARM_THM_MOVT_PREL
            | reloc::R_ARM_THM_JUMP19
            | reloc::R_ARM_THM_JUMP6
            | reloc::R_ARM_THM_ALU_PREL_11_0
            | reloc::R_ARM_THM_PC12
            | reloc::R_ARM_THM_PC11
            | reloc::R_ARM_THM_PC9
    )
}

/// Completes the address and checks it. `earlier` are the relocations before this one.
fn finish(
    relocation: &Pending,
    earlier: &[Pending],
    symbols: &Symbols<'_>,
) -> Result<Entry, Error> {
    let Pending {
        offset,
        kind,
        symbol,
        word,
    } = *relocation;
    if earlier
        .last()
        .is_some_and(|other| offset - other.offset < 4)
    {
        return Err(Error::Twice { place: offset });
    }
    let linked = match kind {
        Kind::Abs32 => word,
        // The place has the low half alone: its movt says and checks the rest.
        Kind::Movw => instruction::immediate(word),
        Kind::Movt => full_address(relocation, earlier, symbols)?,
    };
    let whole = kind != Kind::Movw;
    if whole && linked > symbols.runtime_size {
        return Err(Error::TargetOutside {
            place: offset,
            kind,
            value: linked,
            runtime_size: symbols.runtime_size,
            symbol: symbols.name(symbol),
        });
    }
    Ok(Entry {
        offset,
        kind,
        linked,
    })
}

/// Finds the address whose high half a `movt` holds. The low half is in the `movw` that the
/// compiler put before it: the nearest one for the same symbol and the same register.
fn full_address(movt: &Pending, earlier: &[Pending], symbols: &Symbols<'_>) -> Result<u32, Error> {
    let register = instruction::destination(movt.word);
    let partner = earlier.iter().rev().find(|other| {
        other.kind == Kind::Movw
            && other.symbol == movt.symbol
            && instruction::destination(other.word) == register
    });
    let Some(movw) = partner else {
        return Err(Error::LoneMovt {
            place: movt.offset,
            symbol: symbols.name(movt.symbol),
        });
    };
    let full = instruction::immediate(movt.word) << 16 | instruction::immediate(movw.word);
    // The addend of either was a signed 16-bit field before linking (ARM ELF, IHI 0044): a pair
    // that is further away from its symbol was not a pair.
    if let Place::Inside(Some(value)) = symbols.place(movt.symbol) {
        let addend = i64::from(full) - i64::from(value);
        if i16::try_from(addend).is_err() {
            return Err(Error::WrongPair {
                movw: movw.offset,
                movt: movt.offset,
                value: full,
                symbol: symbols.name(movt.symbol),
                symbol_value: value,
            });
        }
    }
    Ok(full)
}
