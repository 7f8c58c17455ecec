//! FAT12, FAT16 and FAT32.
//!
//! `hadris-fat-raw` knows the layouts: boot sector, allocation-table entries, directory slots,
//! long names. The driver above it, `hadris-fat`, fetches table entries one by one through a
//! block of 512 bytes, with a 64-bit division each: 446 instructions an entry, 598 k and 11
//! requests for the chain of a 5.5 MB kernel in clusters of 4 KiB. Here a chain is swept over a
//! window of the table (`chain.rs`): about 30 k and 4 requests, look-up and boot sector included.

mod allocate;
mod chain;
mod directory;
mod names;
mod room;
mod table;
mod write;

use alloc::vec::Vec;

use hadris_fat_raw::{BOOT_SECTOR_LEN, BootError, Geometry, RootLocation, ShortEntry, parse_boot};
use platform_api::BlockDevice;

pub use self::write::GoOn;
use self::{chain::Window, directory::Place};
use super::{
    Entry, Extent, FatError, StorageError, StorageProblem, blocks::read_bytes, partition::Region,
};

/// A file's size, and where its bytes are on the device.
type Content = (u64, Vec<Extent>);

/// A FAT volume on a device.
pub struct FatVolume<'a> {
    device: &'a mut dyn BlockDevice,
    /// Where the volume starts on the device, in bytes.
    base: u64,
    geometry: Geometry,
    window: Window,
}

/// Reads and checks the boot sector of a volume.
pub fn probe(device: &mut dyn BlockDevice, region: Region) -> Result<Geometry, StorageError> {
    if region.length < BOOT_SECTOR_LEN as u64 {
        return Err(FatError::NotFat("the partition is empty").into());
    }
    let mut sector = [0; BOOT_SECTOR_LEN];
    read_bytes(device, region.offset, &mut sector)?;
    let geometry = parse_boot(&sector).map_err(|error| match error {
        BootError::NotFat(what) | BootError::Corrupt(what) => FatError::NotFat(what),
        BootError::Signature(_) => FatError::NotFat("no 0xaa55 at the end of its boot sector"),
        BootError::RootCluster { cluster, .. } => FatError::BadStart(cluster),
        _ => FatError::NotFat("its boot sector is corrupt"),
    })?;
    if geometry.data_end() > region.length {
        return Err(FatError::TooLarge {
            claimed: geometry.data_end(),
            held: region.length,
        }
        .into());
    }
    Ok(geometry)
}

impl<'a> FatVolume<'a> {
    /// Makes the volume whose boot sector was read.
    pub fn new(device: &'a mut dyn BlockDevice, region: Region, geometry: Geometry) -> Self {
        Self {
            device,
            base: region.offset,
            geometry,
            window: Window::default(),
        }
    }

    /// Finds a file.
    pub fn open(&mut self, path: &str) -> Result<Content, StorageError> {
        let entry = self.file(path)?;
        self.content(&entry)
    }

    /// Follows a file's chain.
    fn content(&mut self, entry: &ShortEntry) -> Result<Content, StorageError> {
        let first = entry.first_cluster(self.geometry.kind());
        let extents = self.extents(first, entry.size())?;
        Ok((u64::from(entry.size()), extents))
    }

    /// Finds files in the root directory, all in one pass.
    pub fn open_each<const N: usize>(
        &mut self,
        names: [&str; N],
    ) -> Result<[Result<Content, StorageError>; N], StorageError> {
        let mut found = [None; N];
        let root = self.root();
        self.visit(root, &mut |candidate| {
            for (place, name) in found.iter_mut().zip(names) {
                if place.is_none() && candidate.is_named(name) {
                    *place = Some(candidate.entry);
                }
            }
            Ok(found.iter().all(Option::is_some))
        })?;
        let mut found = found.into_iter();
        Ok(names.map(|name| match found.next().flatten() {
            None => Err(StorageProblem::Missing(name.into()).into()),
            Some(entry) if entry.is_dir() => Err(StorageProblem::IsDirectory(name.into()).into()),
            Some(entry) => self.content(&entry),
        }))
    }

    /// Returns a file's size.
    pub fn size(&mut self, path: &str) -> Result<u64, StorageError> {
        Ok(u64::from(self.file(path)?.size()))
    }

    /// Lists a directory.
    pub fn list(&mut self, path: &str) -> Result<Vec<Entry>, StorageError> {
        let place = match self.resolve(path)? {
            None => self.root(),
            Some(entry) if entry.is_dir() => self.subdirectory(&entry)?,
            Some(_) => return Err(StorageProblem::NotDirectory(path.into()).into()),
        };
        self.entries(place)
    }

    /// Finds a file, not a directory.
    fn file(&mut self, path: &str) -> Result<ShortEntry, StorageError> {
        match self.resolve(path)? {
            Some(entry) if !entry.is_dir() && !path.ends_with('/') => Ok(entry),
            Some(entry) if !entry.is_dir() => Err(StorageProblem::NotDirectory(path.into()).into()),
            _ => Err(StorageProblem::IsDirectory(path.into()).into()),
        }
    }

    /// Walks a path from the root; `None` is the root itself. `.` and `..` are resolved in the
    /// text: no link could make that differ.
    fn resolve(&mut self, path: &str) -> Result<Option<ShortEntry>, StorageError> {
        let mut names: Vec<&str> = Vec::new();
        for name in path.split('/') {
            match name {
                "" | "." => {}
                ".." => {
                    names.pop();
                }
                name => names.push(name),
            }
        }
        let mut found: Option<ShortEntry> = None;
        for name in names {
            let place = match &found {
                None => self.root(),
                Some(entry) if entry.is_dir() => self.subdirectory(entry)?,
                Some(_) => return Err(StorageProblem::NotDirectory(path.into()).into()),
            };
            let entry = self.find(place, name)?;
            found = Some(entry.ok_or_else(|| StorageProblem::Missing(path.into()))?);
        }
        Ok(found)
    }

    /// Returns where the root directory is.
    fn root(&self) -> Place {
        match self.geometry.root() {
            RootLocation::Fixed { start, size } => Place::Fixed { start, size },
            RootLocation::Cluster(first) => Place::Chain(first),
        }
    }

    /// Returns where a subdirectory is.
    fn subdirectory(&self, entry: &ShortEntry) -> Result<Place, StorageError> {
        let first = entry.first_cluster(self.geometry.kind());
        self.offset(first)?;
        Ok(Place::Chain(first))
    }

    /// Returns where a cluster is in the volume, if there is such a cluster.
    fn offset(&self, cluster: u32) -> Result<u64, StorageError> {
        self.geometry
            .cluster_offset(cluster)
            .ok_or_else(|| FatError::BadStart(cluster).into())
    }
}
#[cfg(test)]
mod tests;
