//! Names for addresses: functions of the ELF files that were given, wherever the image runs.

use std::{collections::BTreeSet, fs, path::Path};

use goblin::elf::Elf;

use crate::{memory::Ram, walk::Memory};

/// Bytes that the loader makes its own (docs/boot-flow.md).
const HOME: u32 = 4 << 20;
const ZIMAGE_MAGIC: u32 = 0x016f_2818;

/// An ELF file that was linked at 0, and where its image was seen.
#[derive(Debug)]
pub struct Program {
    name: String,
    /// Start, size and name, by start.
    functions: Vec<(u32, u32, String)>,
    /// Where its exception vectors are: they say where it runs.
    vectors: Vec<u32>,
    /// Ranges with a name: the linker script's symbols.
    places: Vec<(u32, u32, &'static str)>,
    bases: BTreeSet<u32>,
}

impl Program {
    /// Reads an ELF file.
    ///
    /// # Errors
    /// It cannot be read, or is no ELF file.
    pub fn read(path: &str) -> Result<Self, String> {
        let bytes = fs::read(path).map_err(|error| format!("{path}: {error}"))?;
        let elf = Elf::parse(&bytes).map_err(|error| format!("{path}: {error}"))?;
        let symbols: Vec<(u32, u32, bool, String)> = elf
            .syms
            .iter()
            .filter_map(|symbol| {
                let name = elf.strtab.get_at(symbol.st_name)?;
                let function = symbol.is_function();
                let value = symbol.st_value as u32 & if function { !1 } else { !0 };
                let name = format!("{:#}", rustc_demangle::demangle(name));
                (!name.is_empty() && !name.starts_with('$')).then_some((
                    value,
                    symbol.st_size as u32,
                    function,
                    name,
                ))
            })
            .collect();
        let value = |wanted: &str| {
            let found = symbols.iter().find(|(.., name)| name == wanted);
            found.map(|(value, ..)| *value)
        };
        let mut functions: Vec<_> = symbols
            .iter()
            .filter(|(_, _, function, _)| *function)
            .map(|(value, size, _, name)| (*value, *size, name.clone()))
            .collect();
        functions.sort();
        let places = [
            ("__stack_bottom", "__stack_top", "stack"),
            (
                "__exception_stack_bottom",
                "__exception_stack_top",
                "exception stack",
            ),
            ("__bss_start", "__bss_end", "bss"),
            ("__text_end", "__data_end", "data"),
        ];
        // What of the loader has a name of its own, the innermost first.
        let pool = symbols
            .iter()
            .find(|(.., name)| name.ends_with("mapping::POOL"));
        let tables = pool.map(|(start, size, ..)| (*start, start + size, "tables"));
        let heap = value("__stack_top").map(|start| (start, HOME, "heap"));
        let places = places
            .iter()
            .filter_map(|(start, end, name)| Some((value(start)?, value(end)?, *name)));
        Ok(Self {
            name: Path::new(path).file_name().map_or_else(
                || path.to_owned(),
                |name| name.to_string_lossy().into_owned(),
            ),
            vectors: ["hyp_vectors", "pl1_vectors", "parked_vectors"]
                .iter()
                .filter_map(|name| value(name))
                .collect(),
            places: tables.into_iter().chain(places).chain(heap).collect(),
            functions,
            bases: BTreeSet::new(),
        })
    }

    /// A write to (H)VBAR: if our vectors are there, we know where the image runs.
    pub fn vectors_at(&mut self, address: u32, ram: &Ram) {
        for offset in &self.vectors {
            if let Some(base) = address.checked_sub(*offset)
                && ram.word(u64::from(base) + 0x24) == Some(ZIMAGE_MAGIC)
            {
                self.bases.insert(base);
            }
        }
    }

    fn offset(&self, address: u32, ram: &Ram) -> Option<u32> {
        // The highest image that starts below, if it is still there: images do not overlap.
        let base = self.bases.range(..=address).next_back()?;
        let offset = address - base;
        let there = ram.word(u64::from(*base) + 0x24) == Some(ZIMAGE_MAGIC);
        (there && offset < HOME).then_some(offset)
    }

    /// Names the function at an address.
    pub fn function(&self, address: u32, ram: &Ram) -> Option<String> {
        let offset = self.offset(address, ram)?;
        let index = self
            .functions
            .partition_point(|(start, ..)| *start <= offset);
        let (start, size, name) = self.functions.get(index.checked_sub(1)?)?;
        // Assembly without `.size` goes on to the next symbol.
        (*size == 0 || offset - start < *size || offset - start < 0x400)
            .then(|| format!("{}:{name}+{:#x}", self.name, offset - start))
    }

    /// Names the part of the program that an address is in.
    pub fn place(&self, address: u32, ram: &Ram) -> Option<&'static str> {
        let offset = self.offset(address, ram)?;
        let found = self
            .places
            .iter()
            .find(|(start, end, _)| (*start..*end).contains(&offset));
        found.map(|(_, _, name)| *name)
    }
}
