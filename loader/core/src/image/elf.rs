//! ELF executables for `bootelf`: headers and program headers, every number checked.
//!
//! goblin reads the 32-bit header and program headers; `goblin::elf::Elf::parse` would bring
//! sections, symbols and relocations along, which a loader has no use for.

use alloc::vec::Vec;
use core::fmt;

use goblin::{
    container::Endian,
    elf::{
        header::{
            EI_CLASS, EI_DATA, ELFCLASS32, ELFDATA2LSB, ELFMAG, EM_ARM, ET_EXEC,
            header32::{Header, SIZEOF_EHDR},
        },
        program_header::{
            PF_X, PT_LOAD,
            program_header32::{ProgramHeader, SIZEOF_PHDR},
        },
    },
};

/// What an ELF file starts with.
pub const MAGIC: &[u8; 4] = ELFMAG;

/// How many program headers are looked at before the file is refused.
pub const MAX_PROGRAM_HEADERS: usize = 64;

/// A segment to load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it goes (`p_paddr`).
    pub paddr: u32,
    /// Where it is linked (`p_vaddr`).
    pub vaddr: u32,
    /// Where its bytes start in the file.
    pub offset: u32,
    /// How many bytes the file has; the rest, to `memsz`, is zero.
    pub filesz: u32,
    /// Bytes in memory, at least `filesz` and never 0.
    pub memsz: u32,
    /// It holds code.
    pub executable: bool,
}

/// An executable that can be loaded as it says: segments lie in the file, fit 32 bits and do
/// not overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ElfImage {
    /// Where it is entered: a physical address inside a segment, ARM state.
    pub entry: u32,
    /// The segments that occupy memory, in the file's order.
    pub segments: Vec<Segment>,
}

/// Why a file is not an executable for this machine, or a broken one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElfError {
    /// Not an ELF file; its first four bytes, those that it has.
    BadMagic([u8; 4]),
    /// The file ends before something that its headers name.
    Truncated {
        /// What.
        what: &'static str,
        /// Where that ends.
        end: u64,
        /// Bytes in the file.
        file: u64,
    },
    /// A 64-bit file; `EI_CLASS`.
    BadClass(u8),
    /// Not little-endian; `EI_DATA`.
    BadData(u8),
    /// Not an executable; `e_type`.
    BadType(u16),
    /// Not for 32-bit Arm; `e_machine`.
    BadMachine(u16),
    /// Program headers of another size; `e_phentsize`.
    BadHeaderSize(u16),
    /// More program headers than anything has; `e_phnum`.
    TooManyHeaders(u16),
    /// Nothing to load.
    NoSegments,
    /// The segment with this program header has more bytes in the file than in memory.
    FileExceedsMemory(usize),
    /// The segment with this program header does not end below 4 GiB.
    Wraps(usize),
    /// Two segments want the same memory, by their program headers.
    Overlap(usize, usize),
    /// The entry lies in no segment.
    EntryOutside(u32),
    /// The entry is not the address of an ARM instruction: Thumb, or unaligned.
    EntryNotArm(u32),
}

impl fmt::Display for ElfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BadMagic(found) => {
                let found = u32::from_be_bytes(found);
                write!(f, "no ELF file: magic is {found:#010x}, not 0x7f454c46")
            }
            Self::Truncated { what, end, file } => {
                write!(
                    f,
                    "truncated ELF file: {what} to byte {end:#x} of {file:#x}"
                )
            }
            Self::BadClass(class) => write!(f, "no 32-bit ELF file: class {class}"),
            Self::BadData(data) => write!(f, "no little-endian ELF file: data {data}"),
            Self::BadType(kind) => write!(f, "no ELF executable: type {kind}"),
            Self::BadMachine(machine) => write!(f, "no ELF file for Arm: machine {machine}"),
            Self::BadHeaderSize(size) => write!(f, "bad ELF file: program headers of {size} bytes"),
            Self::TooManyHeaders(count) => write!(f, "bad ELF file: {count} program headers"),
            Self::NoSegments => f.write_str("nothing to load in the ELF file"),
            Self::FileExceedsMemory(index) => {
                write!(
                    f,
                    "bad ELF file: segment {index} is larger in the file than in memory"
                )
            }
            Self::Wraps(index) => write!(f, "bad ELF file: segment {index} ends above 4 GiB"),
            Self::Overlap(first, second) => {
                write!(f, "bad ELF file: segments {first} and {second} overlap")
            }
            Self::EntryOutside(entry) => {
                write!(f, "bad ELF file: entry {entry:#010x} lies in no segment")
            }
            Self::EntryNotArm(entry) => {
                write!(
                    f,
                    "entry {entry:#010x} is not ARM code (Thumb or unaligned)"
                )
            }
        }
    }
}

impl core::error::Error for ElfError {}

/// Reads the headers of the executable in `bytes`, the whole file.
///
/// # Errors
/// If it is not a 32-bit little-endian Arm executable, or one whose numbers contradict each
/// other or the file.
pub fn parse(bytes: &[u8]) -> Result<ElfImage, ElfError> {
    let header = header(bytes)?;
    let mut segments: Vec<(usize, Segment)> = Vec::new();
    for (index, program) in program_headers(bytes, &header)?.iter().enumerate() {
        if program.p_type != PT_LOAD || program.p_memsz == 0 {
            continue;
        }
        let segment = segment(index, program, bytes.len())?;
        if let Some((other, _)) = segments.iter().find(|(_, other)| overlap(other, &segment)) {
            return Err(ElfError::Overlap(*other, index));
        }
        segments.push((index, segment));
    }
    let segments: Vec<Segment> = segments.into_iter().map(|(_, segment)| segment).collect();
    if segments.is_empty() {
        return Err(ElfError::NoSegments);
    }
    Ok(ElfImage {
        entry: entry(header.e_entry, &segments)?,
        segments,
    })
}

/// Reads and checks the file header.
fn header(bytes: &[u8]) -> Result<Header, ElfError> {
    if !bytes.starts_with(ELFMAG) {
        let mut found = [0; 4];
        for (to, from) in found.iter_mut().zip(bytes) {
            *to = *from;
        }
        return Err(ElfError::BadMagic(found));
    }
    let truncated = ElfError::Truncated {
        what: "the header",
        end: as_u64(SIZEOF_EHDR),
        file: as_u64(bytes.len()),
    };
    let bytes = bytes.first_chunk::<SIZEOF_EHDR>().ok_or(truncated)?;
    let ident = |at: usize| bytes.get(at).copied().unwrap_or(0);
    if ident(EI_CLASS) != ELFCLASS32 {
        return Err(ElfError::BadClass(ident(EI_CLASS)));
    }
    if ident(EI_DATA) != ELFDATA2LSB {
        return Err(ElfError::BadData(ident(EI_DATA)));
    }
    let header = Header::parse(bytes).map_err(|_| truncated)?;
    if header.e_machine != EM_ARM {
        return Err(ElfError::BadMachine(header.e_machine));
    }
    if header.e_type != ET_EXEC {
        return Err(ElfError::BadType(header.e_type));
    }
    Ok(header)
}

/// Reads the program headers.
fn program_headers(bytes: &[u8], header: &Header) -> Result<Vec<ProgramHeader>, ElfError> {
    let count = usize::from(header.e_phnum);
    if count == 0 {
        return Err(ElfError::NoSegments);
    }
    if usize::from(header.e_phentsize) != SIZEOF_PHDR {
        return Err(ElfError::BadHeaderSize(header.e_phentsize));
    }
    if count > MAX_PROGRAM_HEADERS {
        return Err(ElfError::TooManyHeaders(header.e_phnum));
    }
    let end = u64::from(header.e_phoff) + as_u64(count * SIZEOF_PHDR);
    let truncated = ElfError::Truncated {
        what: "program headers",
        end,
        file: as_u64(bytes.len()),
    };
    if end > as_u64(bytes.len()) {
        return Err(truncated);
    }
    let offset = usize::try_from(header.e_phoff).map_err(|_| truncated)?;
    ProgramHeader::parse(bytes, offset, count, Endian::Little).map_err(|_| truncated)
}

/// Checks one loadable program header against the file and the address space.
fn segment(index: usize, program: &ProgramHeader, file: usize) -> Result<Segment, ElfError> {
    if program.p_filesz > program.p_memsz {
        return Err(ElfError::FileExceedsMemory(index));
    }
    let end = u64::from(program.p_offset) + u64::from(program.p_filesz);
    if program.p_filesz > 0 && end > as_u64(file) {
        return Err(ElfError::Truncated {
            what: "a segment",
            end,
            file: as_u64(file),
        });
    }
    // The last byte may not lie at 4 GiB - 1: the end must be an address, too.
    let fits = |address: u32| address.checked_add(program.p_memsz).is_some();
    if !fits(program.p_paddr) || !fits(program.p_vaddr) {
        return Err(ElfError::Wraps(index));
    }
    Ok(Segment {
        paddr: program.p_paddr,
        vaddr: program.p_vaddr,
        // A segment without bytes may name any place in the file, even outside.
        offset: if program.p_filesz == 0 {
            0
        } else {
            program.p_offset
        },
        filesz: program.p_filesz,
        memsz: program.p_memsz,
        executable: program.p_flags & PF_X != 0,
    })
}

/// Tells whether two segments want the same memory. Neither wraps.
fn overlap(one: &Segment, other: &Segment) -> bool {
    let end = |segment: &Segment| segment.paddr.saturating_add(segment.memsz);
    one.paddr < end(other) && other.paddr < end(one)
}

/// Finds the physical address of `entry`, a linked address (as QEMU does: by the executable
/// segment that holds it).
fn entry(entry: u32, segments: &[Segment]) -> Result<u32, ElfError> {
    let physical = segments
        .iter()
        .filter(|segment| segment.executable)
        .find_map(|segment| {
            let offset = entry.checked_sub(segment.vaddr)?;
            // A whole instruction, and one that the file brings.
            let inside = offset.checked_add(4)? <= segment.filesz;
            inside.then(|| segment.paddr.checked_add(offset))?
        })
        .ok_or(ElfError::EntryOutside(entry))?;
    if entry.is_multiple_of(4) && physical.is_multiple_of(4) {
        Ok(physical)
    } else {
        Err(ElfError::EntryNotArm(entry))
    }
}

/// Widens without loss.
fn as_u64(size: usize) -> u64 {
    u64::try_from(size).unwrap_or(u64::MAX)
}

#[cfg(test)]
#[path = "elf_tests.rs"]
mod tests;
