//! A card with its files, and how it is written.

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::FileExt,
    path::Path,
};

use hadris_fat::{FatKind, FatOptions, VolumeLabel, sync::write};
use hadris_fs::{Content, Node, Tree};
use hadris_storage::{Partition, host::FileDevice};

use crate::{
    boot_script,
    error::Error,
    mbr::{self, PARTITION_START},
    recipe::Recipe,
};

/// Bytes of the partition table, at the card's start.
const TABLE_SIZE: u64 = 512;

/// A file at the card's root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardFile {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// A card, before it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// Bytes, the 1 MiB before the partition included.
    pub size: u64,
    /// The volume's label.
    pub label: Option<String>,
    /// The files at its root.
    pub files: Vec<CardFile>,
    /// What lies before the partition, by byte offset: what a boot ROM loads.
    pub raw: Vec<(u64, Vec<u8>)>,
}

impl Card {
    /// Reads what a recipe names: its script from `scripts`, its files from `sources`.
    ///
    /// # Errors
    /// Names the file that cannot be read.
    pub fn gather(recipe: &Recipe, scripts: &Path, sources: &Path) -> Result<Self, Error> {
        let read = |path: &Path| {
            fs::read(path).map_err(|error| Error::Io {
                path: path.to_owned(),
                error,
            })
        };
        let mut card = Self {
            size: recipe.size,
            label: recipe.label.clone(),
            files: Vec::new(),
            raw: Vec::new(),
        };
        if let Some(script) = &recipe.boot_script {
            let text = read(&scripts.join(script))?;
            card.add("boot.scr", boot_script(&String::from_utf8_lossy(&text)))?;
        }
        for (text, name) in &recipe.texts {
            card.add(name, read(&scripts.join(text))?)?;
        }
        for (source, name) in &recipe.files {
            card.add(name, read(&sources.join(source))?)?;
        }
        for (offset, source) in &recipe.raw {
            card.add_raw(*offset, read(&sources.join(source))?)?;
        }
        Ok(card)
    }

    /// Adds a file.
    ///
    /// # Errors
    /// If there is one of that name.
    pub fn add(&mut self, name: &str, bytes: Vec<u8>) -> Result<(), Error> {
        if self
            .files
            .iter()
            .any(|file| file.name.eq_ignore_ascii_case(name))
        {
            return Err(Error::Twice {
                name: name.to_owned(),
            });
        }
        self.files.push(CardFile {
            name: name.to_owned(),
            bytes,
        });
        Ok(())
    }

    /// Adds bytes outside any file, between the partition table and the partition.
    ///
    /// # Errors
    /// If they would lie over the table, the partition, or each other.
    pub fn add_raw(&mut self, offset: u64, bytes: Vec<u8>) -> Result<(), Error> {
        let end = |start: u64, bytes: &[u8]| start.saturating_add(bytes.len() as u64);
        let last = end(offset, &bytes);
        let free = self
            .raw
            .iter()
            .all(|(start, other)| end(*start, other) <= offset || last <= *start);
        if offset < TABLE_SIZE || last > PARTITION_START || !free {
            return Err(Error::Raw { offset, end: last });
        }
        self.raw.push((offset, bytes));
        Ok(())
    }

    /// Writes the image. It appears under its name when it is whole: who had the old one open
    /// keeps it.
    ///
    /// # Errors
    /// If the files do not fit, a name is not one that FAT can hold, or the host fails.
    pub fn write(&self, output: &Path) -> Result<(), Error> {
        let mut partial = output.as_os_str().to_owned();
        partial.push(".partial");
        let partial = Path::new(&partial);
        let result = self
            .write_to(partial)
            .and_then(|()| fs::rename(partial, output).map_err(|error| io(output, error)));
        if result.is_err() {
            // The error that matters is the one we return.
            let _ = fs::remove_file(partial);
        }
        result
    }

    fn write_to(&self, path: &Path) -> Result<(), Error> {
        let table = mbr::table(self.size)?;
        let options = self.options()?;
        let tree = self.tree()?;

        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(path)
            .map_err(|error| io(path, error))?;
        file.set_len(self.size).map_err(|error| io(path, error))?;
        file.write_all(&table).map_err(|error| io(path, error))?;
        for (offset, bytes) in &self.raw {
            file.write_all_at(bytes, *offset)
                .map_err(|error| io(path, error))?;
        }

        let device = FileDevice::new(file).map_err(|error| io(path, error))?;
        let partition = Partition::new(device, PARTITION_START, self.size - PARTITION_START);
        write(partition, &tree, &options)
            .map(|_| ())
            .map_err(|error| refused("the file system", &error))
    }

    /// FAT32 whatever the size: U-Boot, Baton and the firmware of most boards read it, and
    /// hadris picks a cluster size that makes it legal FAT32 (65525 clusters or more).
    fn options(&self) -> Result<FatOptions, Error> {
        let options = FatOptions::new()
            .with_kind(FatKind::Fat32)
            .with_oem_name(*b"BATON   ");
        match &self.label {
            None => Ok(options),
            Some(label) => VolumeLabel::new(label)
                .map(|label| options.with_label(label))
                .map_err(|error| refused("the label", &error)),
        }
    }

    fn tree(&self) -> Result<Tree, Error> {
        let mut tree = Tree::new();
        for file in &self.files {
            let node = Node::file(Content::bytes(file.bytes.as_slice()));
            tree.insert(&file.name, node)
                .map_err(|error| refused("a name", &error))?;
        }
        Ok(tree)
    }
}

fn io(path: &Path, error: std::io::Error) -> Error {
    Error::Io {
        path: path.to_owned(),
        error,
    }
}

fn refused(what: &'static str, why: &impl std::fmt::Display) -> Error {
    Error::FileSystem {
        what,
        why: why.to_string(),
    }
}

#[cfg(test)]
mod tests;
