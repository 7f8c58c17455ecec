//! The loaded bytes: segments laid out as they will lie in memory.

use goblin::elf::{
    Elf, ProgramHeader,
    program_header::PT_LOAD,
    section_header::{SHF_ALLOC, SHF_TLS, SHT_NOBITS},
};

use crate::{MAX_SIZE, error::Error, symbols::Symbols};

/// Copies the segments into one image of `__image_end` bytes, gaps filled with zeros.
pub(crate) fn flatten(elf: &Elf<'_>, file: &[u8], symbols: &Symbols<'_>) -> Result<Vec<u8>, Error> {
    let mut segments: Vec<&ProgramHeader> = elf
        .program_headers
        .iter()
        .filter(|segment| segment.p_type == PT_LOAD && segment.p_memsz > 0)
        .collect();
    segments.sort_by_key(|segment| segment.p_vaddr);
    let first = segments.first().ok_or(Error::NoSegments)?;
    if first.p_vaddr != 0 {
        return Err(Error::NotAtZero {
            address: first.p_vaddr,
        });
    }

    let image_end = u64::from(symbols.image_end);
    let mut image = vec![0; symbols.image_end as usize];
    let mut end = 0;
    for segment in segments {
        check_contiguous(segment, end)?;
        end = segment_end(segment)?;
        if end > u64::from(symbols.runtime_size) {
            return Err(Error::RuntimeSize {
                runtime_size: symbols.runtime_size,
                end: u32::try_from(end).unwrap_or(u32::MAX),
            });
        }
        let file_end = segment.p_vaddr + segment.p_filesz;
        if segment.p_filesz > 0 && file_end > image_end {
            return Err(Error::PastEnd {
                end: file_end,
                image_end: symbols.image_end,
            });
        }
        copy(segment, file, &mut image)?;
    }
    check_bss(elf, symbols.image_end)?;
    Ok(image)
}

/// Returns where a segment ends in memory.
fn segment_end(segment: &ProgramHeader) -> Result<u64, Error> {
    let end = segment.p_vaddr.saturating_add(segment.p_memsz);
    if end > u64::from(MAX_SIZE) || segment.p_filesz > segment.p_memsz {
        return Err(Error::BadSegment {
            address: segment.p_vaddr,
            file_size: segment.p_filesz,
            memory_size: segment.p_memsz,
        });
    }
    Ok(end)
}

/// Segments may be apart by their alignment and nothing else, and where they are loaded must be
/// where they are linked: the image is one block that moves as a whole.
fn check_contiguous(segment: &ProgramHeader, end: u64) -> Result<(), Error> {
    let address = segment.p_vaddr;
    if segment.p_paddr != address {
        return Err(Error::LoadAddress {
            address,
            load_address: segment.p_paddr,
        });
    }
    if address < end {
        return Err(Error::Overlap { address, end });
    }
    if address - end >= segment.p_align.max(4) {
        return Err(Error::Gap {
            end,
            address,
            align: segment.p_align,
        });
    }
    Ok(())
}

fn copy(segment: &ProgramHeader, file: &[u8], image: &mut [u8]) -> Result<(), Error> {
    let range = |start: u64| {
        let end = start.checked_add(segment.p_filesz)?;
        Some(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
    };
    let source = range(segment.p_offset).and_then(|range| file.get(range));
    let target = range(segment.p_vaddr).and_then(|range| image.get_mut(range));
    match (source, target) {
        (Some(source), Some(target)) => {
            target.copy_from_slice(source);
            Ok(())
        }
        // A segment of BSS alone may lie past the image's end.
        _ if segment.p_filesz == 0 => Ok(()),
        _ => Err(Error::OutsideFile {
            offset: segment.p_offset,
            size: segment.p_filesz,
            length: file.len(),
        }),
    }
}

/// BSS must start at or after `__image_end`: it is not in the file, and the entry code clears it
/// from there on.
fn check_bss(elf: &Elf<'_>, image_end: u32) -> Result<(), Error> {
    let early = elf.section_headers.iter().find(|section| {
        section.sh_type == SHT_NOBITS
            && section.sh_flags & u64::from(SHF_ALLOC) != 0
            && section.sh_flags & u64::from(SHF_TLS) == 0
            && section.sh_size > 0
            && section.sh_addr < u64::from(image_end)
    });
    match early {
        None => Ok(()),
        Some(section) => Err(Error::EarlyBss {
            section: elf
                .shdr_strtab
                .get_at(section.sh_name)
                .unwrap_or("?")
                .to_owned(),
            address: section.sh_addr,
            image_end,
        }),
    }
}
