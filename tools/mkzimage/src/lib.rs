//! Makes a zImage-format file from an ELF that was linked at address 0 with `--emit-relocs`.
//!
//! The format, and what of it the linker writes, is in docs/image-format.md. The rule here is
//! that an ELF the entry code could not run anywhere in memory is refused, by name and with
//! values: a relocation that is silently left out shows up on a board, weeks later.
#![forbid(unsafe_code)]

mod bytes;
mod error;
mod header;
mod instruction;
mod layout;
mod model;
mod relocations;
mod symbols;
mod table;

#[cfg(test)]
mod tests;

use std::fmt;

use goblin::elf::{Elf, header as elf_header};

pub use error::Error;
pub use model::{BadTable, relocate};
pub use relocations::{Entry, Kind};

/// The most an image may need at run time, in bytes: far above any loader, far below what a
/// nonsensical symbol would have us allocate.
pub const MAX_SIZE: u32 = 16 << 20;

/// `e_flags`: the code was byte-swapped by the linker for a big-endian processor.
const EF_ARM_BE8: u32 = 0x0080_0000;

/// A finished image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The bytes of the file.
    pub bytes: Vec<u8>,
    /// Its sizes, for people.
    pub summary: Summary,
}

/// What an image consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Bytes of the file.
    pub file: u32,
    /// Bytes needed from the load address on.
    pub runtime: u32,
    /// Bytes of the relocation table.
    pub table: u32,
    /// Relocations by kind, indexed by [`Kind`].
    pub relocations: [usize; 3],
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [abs32, movw, movt] = self.relocations;
        write!(
            f,
            "{} bytes, {} at run time; relocation table {} bytes: \
             {abs32} ABS32, {movw} MOVW, {movt} MOVT",
            self.file, self.runtime, self.table
        )
    }
}

/// Makes the image.
///
/// # Errors
/// The first thing that the format or the entry code could not take.
pub fn make(file: &[u8]) -> Result<Image, Error> {
    check_identity(file)?;
    let elf = Elf::parse(file)?;
    let symbols = symbols::Symbols::new(&elf)?;
    let mut bytes = layout::flatten(&elf, file, &symbols)?;
    header::check(&bytes)?;
    let entries = relocations::collect(&elf, &bytes, &symbols)?;

    let image_end = symbols.image_end;
    bytes.extend(table::encode(&entries));
    let file_length = u32::try_from(bytes.len())
        .ok()
        .filter(|&length| length <= MAX_SIZE)
        .ok_or(Error::TooLarge {
            what: "the file with its relocation table",
            size: bytes.len() as u64,
        })?;
    let table = file_length - image_end;
    // The table is part of the file, so it needs room where the image is loaded, even if the
    // BSS that will lie there is smaller.
    let runtime = symbols.runtime_size.max(file_length);
    header::patch(&mut bytes, image_end, table / 4, runtime);

    let mut relocations = [0; 3];
    for entry in &entries {
        if let Some(count) = relocations.get_mut(entry.kind as usize) {
            *count += 1;
        }
    }
    Ok(Image {
        bytes,
        summary: Summary {
            file: file_length,
            runtime,
            table,
            relocations,
        },
    })
}

/// Refuses what is not a linked little-endian ARM program, before goblin reads the rest of it.
fn check_identity(file: &[u8]) -> Result<(), Error> {
    let identity = file.get(..52).ok_or(Error::NotElf)?;
    if !identity.starts_with(b"\x7fELF") {
        return Err(Error::NotElf);
    }
    let class = bytes::byte(identity, elf_header::EI_CLASS);
    if class != elf_header::ELFCLASS32 {
        return Err(Error::Class(class));
    }
    let data = bytes::byte(identity, elf_header::EI_DATA);
    if data != elf_header::ELFDATA2LSB {
        return Err(Error::Endianness(data));
    }
    let half = |offset: usize| {
        u16::from_le_bytes([
            bytes::byte(identity, offset),
            bytes::byte(identity, offset + 1),
        ])
    };
    match (half(16), half(18)) {
        (_, machine) if machine != elf_header::EM_ARM => Err(Error::Machine(machine)),
        (kind, _) if kind != elf_header::ET_EXEC => Err(Error::Type(kind)),
        _ => {
            let flags = bytes::word(identity, 36).unwrap_or(0);
            if flags & EF_ARM_BE8 == 0 {
                Ok(())
            } else {
                Err(Error::BigEndianCode { flags })
            }
        }
    }
}
