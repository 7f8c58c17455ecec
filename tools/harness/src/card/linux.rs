//! Cards as Debian's tools make them: sfdisk's tables, mke2fs's file systems.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use super::Card;
use crate::{
    error::{Error, Result},
    scratch::Scratch,
    tool,
};

/// The path with the tools of administrators.
fn search_path() -> String {
    std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin"
}

impl Card {
    /// Makes a card of so many MiB with the table that `sfdisk` makes of `table`, and no more.
    ///
    /// # Errors
    /// The image cannot be written, or sfdisk refuses.
    pub fn with_new_table(mib: u32, table: &str) -> Result<Self> {
        Self::blank(mib)?
            .corrupt(|card| card.fill(0))?
            .sfdisk(table, &[])
    }

    /// Makes the card one of so many MiB, and has `sfdisk` add the partitions of `table`.
    ///
    /// # Errors
    /// The card cannot be copied, or sfdisk refuses.
    pub fn with_partitions(mut self, mib: u32, table: &str) -> Result<Self> {
        let (_, image) = self.writable()?;
        OpenOptions::new()
            .write(true)
            .open(&image)
            .and_then(|file| file.set_len(u64::from(mib) << 20))
            .map_err(|error| Error::io(format!("growing {}", image.display()), error))?;
        self.sfdisk(table, &["--append"])
    }

    fn sfdisk(mut self, table: &str, options: &[&str]) -> Result<Self> {
        let (_, image) = self.writable()?;
        let doing = || format!("running sfdisk on {}", image.display());
        let mut child = Command::new("sfdisk")
            .args(["-q", "--no-reread", "--no-tell-kernel"])
            .args(options)
            .arg(&image)
            .env("PATH", search_path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .map_err(|error| Error::io(doing(), error))?;
        let written = child
            .stdin
            .take()
            .map(|mut stdin| stdin.write_all(table.as_bytes()));
        let ended = child.wait().map_err(|error| Error::io(doing(), error))?;
        match written {
            Some(Ok(())) if ended.success() => Ok(self),
            _ => Err(Error::check(format!("sfdisk: {ended}\n{table}"))),
        }
    }

    /// Makes a file system with mke2fs from MiB `at` on, `mib` long, that holds `files`; a path
    /// with `->` is a link to what is behind.
    ///
    /// # Errors
    /// The card cannot be copied, or mke2fs refuses.
    pub fn with_ext(
        mut self,
        at: u32,
        mib: u32,
        options: &[&str],
        files: &[(&str, &[u8])],
    ) -> Result<Self> {
        let (_, image) = self.writable()?;
        let scratch = Scratch::new()?;
        let root = scratch.file("root");
        fs::create_dir(&root).map_err(|error| Error::io("making a folder".to_owned(), error))?;
        for (path, bytes) in files {
            put(&root, path, bytes).map_err(|error| Error::io(format!("writing {path}"), error))?;
        }
        let mut command = Command::new("mke2fs");
        command
            .args([
                "-q",
                "-F",
                "-U",
                "01234567-89ab-cdef-0123-456789abcdef",
                "-d",
            ])
            .arg(&root)
            .args(["-E", &format!("offset={}", u64::from(at) << 20)])
            .args(options)
            .arg(&image)
            .arg(format!("{mib}M"))
            .env("PATH", search_path());
        tool::run(&mut command)?;
        Ok(self)
    }

    /// Returns all that is on the card.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn content(&self) -> Result<Vec<u8>> {
        let doing = || format!("reading {}", self.image.display());
        fs::read(&self.image).map_err(|error| Error::io(doing(), error))
    }
}

fn put(root: &Path, path: &str, bytes: &[u8]) -> std::io::Result<()> {
    let (path, target) = path.split_once("->").unwrap_or((path, ""));
    let path = root.join(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match target {
        "" => fs::write(path, bytes),
        target => std::os::unix::fs::symlink(target, path),
    }
}
