//! Why an ELF cannot become an image.

use std::fmt;

use crate::{MAX_SIZE, relocations::Kind};

/// Why an ELF cannot become an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// The file does not begin as an ELF does.
    NotElf,
    /// goblin could not read it; its words.
    Malformed(String),
    /// Not a 32-bit ELF: `EI_CLASS`.
    Class(u8),
    /// Not little-endian: `EI_DATA`.
    Endianness(u8),
    /// Not for ARM: `e_machine`.
    Machine(u16),
    /// Not a statically linked program: `e_type`.
    Type(u16),
    /// BE8 code.
    BigEndianCode {
        /// `e_flags`.
        flags: u32,
    },
    /// Nothing is loaded.
    NoSegments,
    /// The first segment is linked elsewhere than at 0.
    NotAtZero {
        /// Where.
        address: u64,
    },
    /// A segment is loaded elsewhere than it is linked.
    LoadAddress {
        /// Its linked (virtual) address.
        address: u64,
        /// Its load (physical) address.
        load_address: u64,
    },
    /// A segment starts inside the one before.
    Overlap {
        /// Its start.
        address: u64,
        /// The end of the one before.
        end: u64,
    },
    /// A hole between segments that alignment does not explain.
    Gap {
        /// The end of the one before.
        end: u64,
        /// Its start.
        address: u64,
        /// Its alignment.
        align: u64,
    },
    /// A segment that wraps, is huge, or has more bytes in the file than in memory.
    BadSegment {
        /// Its start.
        address: u64,
        /// Bytes in the file.
        file_size: u64,
        /// Bytes in memory.
        memory_size: u64,
    },
    /// A segment's bytes are not in the file.
    OutsideFile {
        /// Where they should be.
        offset: u64,
        /// How many.
        size: u64,
        /// The file's length.
        length: usize,
    },
    /// File-backed bytes after `__image_end`.
    PastEnd {
        /// Where they end.
        end: u64,
        /// The symbol's value.
        image_end: u32,
    },
    /// BSS before `__image_end`.
    EarlyBss {
        /// The section.
        section: String,
        /// Its start.
        address: u64,
        /// The symbol's value.
        image_end: u32,
    },
    /// The linker script does not define this symbol.
    SymbolMissing(&'static str),
    /// A symbol that must be a multiple of 4.
    Unaligned {
        /// The symbol.
        what: &'static str,
        /// Its value.
        value: u32,
    },
    /// The image ends inside its own header.
    TooSmall {
        /// `__image_end`.
        image_end: u32,
    },
    /// Larger than an image may be.
    TooLarge {
        /// What is.
        what: &'static str,
        /// Its size.
        size: u64,
    },
    /// `__runtime_size` does not cover everything linked.
    RuntimeSize {
        /// The symbol's value.
        runtime_size: u32,
        /// What it must cover.
        end: u32,
    },
    /// A header word is not what the format says.
    Header {
        /// Bytes from the start.
        offset: u32,
        /// What should be there.
        what: &'static str,
        /// What is there; `None` past the end.
        found: Option<u32>,
        /// The word that should be there.
        expected: u32,
    },
    /// No loaded section has relocations.
    NoRelocations,
    /// A relocation section with addends (RELA): not what ARM uses.
    Addends {
        /// The section it is about.
        section: String,
    },
    /// A relocation kind that the entry code cannot apply.
    Kind {
        /// Its number.
        kind: u32,
        /// Its name in the ARM ELF specification, without `R_`.
        name: &'static str,
        /// The place.
        place: u64,
        /// The section.
        section: String,
        /// What it refers to.
        symbol: String,
    },
    /// A patched place whose offset is not a multiple of what its kind needs.
    OddPlace {
        /// The place.
        place: u64,
        /// What it must be a multiple of.
        unit: u32,
        /// What it refers to.
        symbol: String,
    },
    /// A patched place that is not in the file-backed image.
    PlaceOutside {
        /// The place.
        place: u64,
        /// Where the image ends.
        image_end: u32,
    },
    /// Two relocations for one place, or for places that overlap.
    Twice {
        /// The later one.
        place: u32,
    },
    /// A MOVW or MOVT relocation on another instruction.
    NotTheInstruction {
        /// The place.
        place: u64,
        /// The kind.
        kind: Kind,
        /// What is there.
        word: u32,
    },
    /// The distance to a symbol that is a number, not an address: moving would falsify it.
    AbsoluteSymbol {
        /// The place.
        place: u64,
        /// The symbol.
        symbol: String,
    },
    /// A reference to a symbol that is nowhere: after moving it would not be null any more.
    UndefinedSymbol {
        /// The place.
        place: u64,
        /// The symbol.
        symbol: String,
    },
    /// An address outside the image.
    TargetOutside {
        /// The place.
        place: u32,
        /// The kind.
        kind: Kind,
        /// The address.
        value: u32,
        /// Where the image ends at run time.
        runtime_size: u32,
        /// What it refers to.
        symbol: String,
    },
    /// A `movt` without the `movw` that has the low half of its address.
    LoneMovt {
        /// The place.
        place: u32,
        /// What it refers to.
        symbol: String,
    },
    /// A `movw` and `movt` that do not make an address near their symbol.
    WrongPair {
        /// Place of the `movw`.
        movw: u32,
        /// Place of the `movt`.
        movt: u32,
        /// The address they make.
        value: u32,
        /// The symbol.
        symbol: String,
        /// Its value.
        symbol_value: u32,
    },
    /// A veneer of the linker's, with an address for which there is no relocation.
    Veneer {
        /// Its name.
        name: String,
        /// Its address.
        address: u32,
    },
}

impl From<goblin::error::Error> for Error {
    fn from(error: goblin::error::Error) -> Self {
        Self::Malformed(error.to_string())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotElf => f.write_str("not an ELF file"),
            Self::Malformed(words) => write!(f, "malformed ELF: {words}"),
            Self::Class(class) => write!(f, "ELF class {class} is not 32-bit (1)"),
            Self::Endianness(data) => write!(f, "ELF data {data} is not little-endian (1)"),
            Self::Machine(machine) => write!(f, "ELF machine {machine} is not ARM (40)"),
            Self::Type(kind) => write!(
                f,
                "ELF type {kind} is not EXEC (2): link with -C relocation-model=static"
            ),
            Self::BigEndianCode { flags } => {
                write!(f, "ELF flags {flags:#x} say byte-swapped code (BE8)")
            }
            Self::NoSegments => f.write_str("no PT_LOAD segment"),
            Self::NotAtZero { address } => {
                write!(f, "the first segment is linked at {address:#x}, not at 0")
            }
            Self::LoadAddress {
                address,
                load_address,
            } => write!(
                f,
                "segment {address:#x} is to be loaded elsewhere, at {load_address:#x}"
            ),
            Self::Overlap { address, end } => write!(
                f,
                "segment {address:#x} starts inside the one that ends at {end:#x}"
            ),
            Self::Gap {
                end,
                address,
                align,
            } => write!(
                f,
                "a hole from {end:#x} to segment {address:#x}, which is aligned to {align:#x} only"
            ),
            Self::BadSegment {
                address,
                file_size,
                memory_size,
            } => write!(
                f,
                "segment {address:#x} has {file_size:#x} bytes in the file and {memory_size:#x} \
                 in memory; an image ends below {MAX_SIZE:#x}"
            ),
            Self::OutsideFile {
                offset,
                size,
                length,
            } => write!(
                f,
                "a segment's {size:#x} bytes at offset {offset:#x} are not in the file of \
                 {length:#x} bytes"
            ),
            Self::PastEnd { end, image_end } => write!(
                f,
                "a segment has file bytes up to {end:#x}, past __image_end at {image_end:#x}"
            ),
            Self::EarlyBss {
                section,
                address,
                image_end,
            } => write!(
                f,
                "{section} at {address:#x} is not in the file and starts before __image_end at \
                 {image_end:#x}"
            ),
            Self::SymbolMissing(name) => write!(f, "the symbol {name} is not defined"),
            Self::Unaligned { what, value } => {
                write!(f, "{what} is {value:#x}, not a multiple of 4")
            }
            Self::TooSmall { image_end } => {
                write!(f, "__image_end at {image_end:#x} is inside the header")
            }
            Self::TooLarge { what, size } => {
                write!(f, "{what} is {size:#x}, more than {MAX_SIZE:#x}")
            }
            Self::RuntimeSize { runtime_size, end } => write!(
                f,
                "__runtime_size {runtime_size:#x} does not cover the image's end {end:#x}"
            ),
            Self::Header {
                offset,
                what,
                found,
                expected,
            } => {
                write!(f, "header word {offset:#x} should be {what}, {expected:#x}")?;
                match found {
                    Some(found) => write!(f, ", but is {found:#x}"),
                    None => f.write_str(", but the image ends before it"),
                }
            }
            Self::NoRelocations => {
                f.write_str("no loaded section has relocations: link with --emit-relocs")
            }
            Self::Addends { section } => {
                write!(f, "the relocations of {section} are RELA; ARM's are REL")
            }
            Self::Kind {
                kind,
                name,
                place,
                section,
                symbol,
            } => write!(
                f,
                "R_{name} ({kind}) at {place:#x} in {section}, to {symbol}: the entry code cannot \
                 apply this kind"
            ),
            Self::OddPlace {
                place,
                unit,
                symbol,
            } => write!(
                f,
                "the relocation at {place:#x}, to {symbol}, is not at a multiple of {unit}"
            ),
            Self::PlaceOutside { place, image_end } => write!(
                f,
                "the relocation at {place:#x} is not in the image, which ends at {image_end:#x}"
            ),
            Self::Twice { place } => write!(f, "two relocations at {place:#x}"),
            Self::NotTheInstruction { place, kind, word } => write!(
                f,
                "the {kind:?} relocation at {place:#x} is on {word:#010x}, another instruction"
            ),
            Self::AbsoluteSymbol { place, symbol } => write!(
                f,
                "the distance at {place:#x} is to {symbol}, an absolute symbol: it would be wrong \
                 after moving; define it inside a section"
            ),
            Self::UndefinedSymbol { place, symbol } => write!(
                f,
                "the reference at {place:#x} is to {symbol}, which is undefined"
            ),
            Self::TargetOutside {
                place,
                kind,
                value,
                runtime_size,
                symbol,
            } => write!(
                f,
                "the {kind:?} at {place:#x}, to {symbol}, holds {value:#x}, outside the image's \
                 0..={runtime_size:#x}"
            ),
            Self::LoneMovt { place, symbol } => write!(
                f,
                "the movt at {place:#x}, to {symbol}, has no movw before it"
            ),
            Self::WrongPair {
                movw,
                movt,
                value,
                symbol,
                symbol_value,
            } => write!(
                f,
                "the movw at {movw:#x} and the movt at {movt:#x} make {value:#x}, too far from \
                 {symbol} at {symbol_value:#x}"
            ),
            Self::Veneer { name, address } => write!(
                f,
                "the linker made the veneer {name} at {address:#x}, whose address cannot be \
                 relocated"
            ),
        }
    }
}

impl std::error::Error for Error {}
