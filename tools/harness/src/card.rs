//! SD cards: the one that the build made, and copies of it with other or broken files.
//!
//! The files are changed with mtools, a reader and writer of FAT that is not ours.

mod linux;

use std::{
    fs,
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use crate::{
    build,
    error::{Error, Result},
    scratch::Scratch,
    tool,
};

/// A card image. The built one is never written to: a machine's writes to it are dropped when
/// the machine ends. A changed one is a copy of its own, which keeps what a machine writes; clones
/// are the same card, so a test keeps one and puts the other into a machine, one after the other.
#[derive(Clone, Debug)]
pub struct Card {
    image: PathBuf,
    copy: Option<Arc<Scratch>>,
    bad_sector: Option<u64>,
}

impl Card {
    /// Takes the card that the build made, `build/virt/sd.img`.
    ///
    /// # Errors
    /// It has not been built.
    pub fn built() -> Result<Self> {
        Self::image(build::file("virt/sd.img")?)
    }

    /// Takes the card that the build made for a board, `build/BOARD/sd.img`.
    ///
    /// # Errors
    /// It has not been built.
    pub fn built_for(board: &str) -> Result<Self> {
        Self::image(build::file(&format!("{board}/sd.img"))?)
    }

    /// Takes another card image.
    ///
    /// # Errors
    /// There is no such file.
    pub fn image(image: PathBuf) -> Result<Self> {
        let image = fs::canonicalize(&image)
            .map_err(|error| Error::io(format!("finding {}", image.display()), error))?;
        Ok(Self {
            image,
            copy: None,
            bad_sector: None,
        })
    }

    /// Makes a card of one's own: a partition table with one bootable FAT partition from 1 MiB
    /// to the end, and no files. Up to 512 MiB it is FAT16.
    ///
    /// # Errors
    /// The image cannot be written, or mtools refuses.
    pub fn blank(mib: u32) -> Result<Self> {
        let scratch = Scratch::new()?;
        let image = scratch.file("sd.img");
        write_blank(&image, mib)
            .map_err(|error| Error::io(format!("writing {}", image.display()), error))?;
        let sectors = mib.saturating_sub(1).saturating_mul(2048);
        let mut format = Command::new("mformat");
        format
            .arg("-i")
            .arg(format!("{}@@1M", image.display()))
            .args(["-T", &sectors.to_string(), "-h", "64", "-s", "32"]);
        tool::run(&mut format)?;
        Ok(Self {
            image,
            copy: Some(Arc::new(scratch)),
            bad_sector: None,
        })
    }

    /// Puts everything on a blank card that the built one has.
    ///
    /// # Errors
    /// Something has not been built, or does not fit.
    pub fn with_built_files(mut self) -> Result<Self> {
        let built = Self::built()?;
        for name in [
            "boot.scr",
            "baton.zimg",
            "zImage",
            "initrd.img",
            "lab.img",
            "report.zimg",
        ] {
            self = self.with_file(name, &built.read(name)?)?;
        }
        Ok(self)
    }

    /// Puts a file on the card, in the place of one of that name.
    ///
    /// # Errors
    /// The card cannot be copied, or mtools refuses.
    pub fn with_file(mut self, name: &str, bytes: &[u8]) -> Result<Self> {
        let (scratch, image) = self.writable()?;
        let path = scratch.join("file");
        fs::write(&path, bytes)
            .map_err(|error| Error::io(format!("writing {}", path.display()), error))?;
        mtools("mcopy", &image, |command| {
            command.arg("-o").arg(&path).arg(format!("::/{name}"))
        })?;
        Ok(self)
    }

    /// Puts a U-Boot script on the card, in the place of `boot.scr`.
    ///
    /// # Errors
    /// As [`Card::with_file`].
    pub fn with_script(self, text: &str) -> Result<Self> {
        self.with_file("boot.scr", &crate::boot_script(text))
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// As [`Card::with_file`].
    pub fn with_directory(mut self, name: &str) -> Result<Self> {
        let (_, image) = self.writable()?;
        mtools("mmd", &image, |command| command.arg(format!("::/{name}")))?;
        Ok(self)
    }

    /// Removes a file.
    ///
    /// # Errors
    /// As [`Card::with_file`]; or there is no such file.
    pub fn without(mut self, name: &str) -> Result<Self> {
        let (_, image) = self.writable()?;
        mtools("mdel", &image, |command| command.arg(format!("::/{name}")))?;
        Ok(self)
    }

    /// Puts a changed copy of a file on the card: `change` works on its bytes.
    ///
    /// # Errors
    /// As [`Card::with_file`]; or there is no such file.
    pub fn with_changed(self, name: &str, change: impl FnOnce(&mut Vec<u8>)) -> Result<Self> {
        let mut bytes = self.read(name)?;
        change(&mut bytes);
        self.with_file(name, &bytes)
    }

    /// Changes bytes of the raw image: partition table, file system, anything.
    ///
    /// # Errors
    /// The card cannot be copied or written.
    pub fn corrupt(mut self, change: impl FnOnce(&mut Vec<u8>)) -> Result<Self> {
        let (_, image) = self.writable()?;
        let doing = || format!("changing {}", image.display());
        let mut bytes = fs::read(&image).map_err(|error| Error::io(doing(), error))?;
        change(&mut bytes);
        fs::write(&image, bytes).map_err(|error| Error::io(doing(), error))?;
        Ok(self)
    }

    /// As [`Card::corrupt`], on a copy: the card itself stays.
    ///
    /// # Errors
    /// As [`Card::corrupt`].
    pub fn corrupt_copy(self, change: impl FnOnce(&mut Vec<u8>)) -> Result<Self> {
        // The copy that is there belongs to the other card.
        Self {
            copy: None,
            ..self.clone()
        }
        .corrupt(change)
    }

    /// Makes every read that touches a sector of the card fail, as on a worn one.
    pub fn with_bad_sector(mut self, sector: u64) -> Self {
        self.bad_sector = Some(sector);
        self
    }

    /// Reads a file from the card.
    ///
    /// # Errors
    /// There is no such file, or mtools refuses.
    pub fn read(&self, name: &str) -> Result<Vec<u8>> {
        let scratch = Scratch::new()?;
        let path = scratch.file("file");
        mtools("mcopy", &self.image, |command| {
            command.arg(format!("::/{name}")).arg(&path)
        })?;
        fs::read(&path).map_err(|error| Error::io(format!("reading {}", path.display()), error))
    }

    /// Makes the card keep what a machine writes.
    ///
    /// # Errors
    /// The card cannot be copied.
    pub fn kept(mut self) -> Result<Self> {
        self.writable()?;
        Ok(self)
    }

    /// Returns what fsck.vfat has against the first partition, line by line.
    ///
    /// # Errors
    /// The card cannot be read, or there is no fsck.vfat.
    pub fn complaints(&self) -> Result<Vec<String>> {
        let scratch = Scratch::new()?;
        let volume = scratch.file("volume");
        let copy = || -> std::io::Result<()> {
            let mut card = fs::File::open(&self.image)?;
            card.seek(SeekFrom::Start(1 << 20))?;
            std::io::copy(&mut card, &mut fs::File::create(&volume)?)?;
            Ok(())
        };
        copy().map_err(|error| Error::io(format!("reading {}", self.image.display()), error))?;
        let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
        let output = Command::new("fsck.vfat")
            .arg("-n")
            .arg(&volume)
            .env("PATH", path)
            .output()
            .map_err(|error| Error::io("running fsck.vfat".to_owned(), error))?;
        let name = volume.display().to_string();
        let text = String::from_utf8_lossy(&output.stdout);
        let greets = |line: &str| line.starts_with("fsck.fat ") || line.starts_with(&name);
        let lines = text.lines().filter(|line| !greets(line));
        Ok(lines.map(str::to_owned).collect())
    }

    /// Returns QEMU's `-drive` value. The image is never locked against other machines.
    pub(crate) fn drive(&self) -> String {
        // A comma in a path is written twice in QEMU's options.
        let path = self.image.display().to_string().replace(',', ",,");
        let snapshot = if self.copy.is_some() { "off" } else { "on" };
        let file = match self.bad_sector {
            None => format!("file={path}"),
            Some(sector) => format!(
                "file.driver=blkdebug,file.inject-error.0.event=none,\
                 file.inject-error.0.iotype=read,file.inject-error.0.sector={sector},\
                 file.image.driver=file,file.image.filename={path}"
            ),
        };
        format!("format=raw,snapshot={snapshot},{file}")
    }

    /// Returns the image's path.
    pub(crate) fn path(&self) -> &Path {
        &self.image
    }

    /// Makes the copy, if there is none yet, and returns its folder and path.
    fn writable(&mut self) -> Result<(PathBuf, PathBuf)> {
        if self.copy.is_none() {
            let scratch = Scratch::new()?;
            let copy = scratch.file("sd.img");
            // Card images are mostly holes: `cp` keeps them.
            let mut command = Command::new("cp");
            command
                .args(["--sparse=always", "--reflink=auto"])
                .arg(&self.image)
                .arg(&copy);
            tool::run(&mut command)?;
            self.image = copy;
            self.copy = Some(Arc::new(scratch));
        }
        let folder = self.image.parent().unwrap_or(Path::new("."));
        Ok((folder.to_owned(), self.image.clone()))
    }
}

/// Writes an image of zeros with a partition table.
fn write_blank(image: &Path, mib: u32) -> std::io::Result<()> {
    let mut file = fs::File::create(image)?;
    file.set_len(u64::from(mib) << 20)?;
    let mut entry = Vec::new();
    // Bootable, no CHS start; FAT32 by LBA, no CHS end; start and length in sectors.
    entry.extend([0x80, 0xfe, 0xff, 0xff, 0x0c, 0xfe, 0xff, 0xff]);
    entry.extend(2048_u32.to_le_bytes());
    entry.extend(mib.saturating_sub(1).saturating_mul(2048).to_le_bytes());
    file.seek(SeekFrom::Start(446))?;
    file.write_all(&entry)?;
    file.seek(SeekFrom::Start(510))?;
    file.write_all(&[0x55, 0xaa])
}

/// Runs one of the mtools on the card's first partition, which starts at 1 MiB.
fn mtools(
    program: &str,
    image: &Path,
    arguments: impl FnOnce(&mut Command) -> &mut Command,
) -> Result<()> {
    let mut command = Command::new(program);
    // Without the check mtools refuses small FAT32 file systems and odd geometries.
    command.env("MTOOLS_SKIP_CHECK", "1");
    command.arg("-i").arg(format!("{}@@1M", image.display()));
    tool::run(arguments(&mut command))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_go_to_a_copy() {
        let blank = Card::blank(16).unwrap();
        let original = blank.image.clone();
        let card = Card::image(original.clone()).unwrap();
        assert!(card.drive().contains("snapshot=on"));
        let card = card.with_file("zImage", b"first").unwrap();
        let card = card.with_file("zImage", b"second").unwrap();
        assert_ne!(card.image, original);
        assert!(card.drive().contains("snapshot=off"));
        assert_eq!(card.read("zImage").unwrap(), b"second");
        let untouched = Card::image(original).unwrap();
        assert!(untouched.read("zImage").is_err());
    }

    #[test]
    fn files_are_changed_and_removed() {
        let card = Card::blank(16).unwrap();
        let card = card.with_file("a", b"abc").unwrap();
        let card = card.with_changed("a", |bytes| bytes.truncate(1)).unwrap();
        assert_eq!(card.read("a").unwrap(), b"a");
        let card = card.without("a").unwrap().with_directory("a").unwrap();
        assert!(card.read("a").is_err());
        let error = card.without("never").unwrap_err().to_string();
        assert!(error.contains("never"), "{error}");
    }

    #[test]
    fn raw_bytes_are_changed() {
        let card = Card::blank(16).unwrap();
        let card = card.corrupt(|bytes| bytes[510] = 0xaa).unwrap();
        assert_eq!(fs::read(&card.image).unwrap()[510], 0xaa);
    }
}
