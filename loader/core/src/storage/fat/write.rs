//! Files written, directories made, both removed.
//!
//! The order of writes is what a loss of power between any two of them is judged by: what leads to
//! something is written after it, and what something was taken from is freed after nothing leads
//! there any more. A file that is replaced gets new clusters: its entry, one sector, switches from
//! the old content to the new. So a cut leaves lost clusters at most, and FAT32's count of free
//! clusters behind.

use alloc::vec::Vec;

use hadris_fat_raw::{ATTR_ARCHIVE, ATTR_DIRECTORY, ENTRY_FREE, ShortEntry, date};

use super::{
    FatError, FatVolume, StorageError, StorageProblem,
    directory::{Place, SLOT},
    names::Located,
    table::Run,
};
use crate::storage::{
    Extent,
    blocks::{read_bytes, zeroed},
    file::write_extents,
};

/// Bytes written at once, between two looks for Ctrl-C.
const PIECE: usize = 256 << 10;
/// Bytes of a file that are copied at once, when its end is written anew.
const COPY: usize = 32 << 10;

/// Asked between pieces of a file: false stops, before the file system is changed.
pub type GoOn<'g> = dyn FnMut() -> bool + 'g;

impl FatVolume<'_> {
    /// Makes `source` the content of a file from byte `offset` on; what it held before that stays,
    /// what it held behind goes. Makes the file if there is none.
    ///
    /// # Errors
    /// A directory on the way is missing, the path is a directory, `offset` is behind the file's
    /// end, no space, damage; then nothing is changed. Or the disk failed.
    pub fn write(
        &mut self,
        path: &str,
        offset: u64,
        source: &[u8],
        go_on: &mut GoOn<'_>,
    ) -> Result<(), StorageError> {
        let (place, name) = self.parent(path)?;
        let old = self.locate(place, name)?;
        let (held, old_extents) = match &old {
            Some(found) if found.entry.is_dir() => {
                return Err(StorageProblem::IsDirectory(path.into()).into());
            }
            Some(found) => self.content(&found.entry)?,
            None => (0, Vec::new()),
        };
        if offset > held {
            return Err(StorageProblem::PastEnd {
                offset,
                length: source.len() as u64,
                size: held,
            }
            .into());
        }
        let bytes = offset.saturating_add(source.len() as u64);
        let size = u32::try_from(bytes).map_err(|_| StorageProblem::TooLarge(bytes))?;
        let clusters = size.div_ceil(self.geometry.cluster_size());

        let mut slots = Vec::new();
        let mut room = None;
        if old.is_none() {
            // How many there are is known before where the file will start.
            slots = self.new_slots(place, name, ATTR_ARCHIVE, 0, size)?;
            room = Some(self.find_room(place, slots.len())?);
        }
        let grow = room.as_ref().and_then(|room| room.grow);
        let grow = grow.map_or(0, |(count, _)| count);
        let info = self.fs_info()?;
        let taken = self.find_free(info.as_ref(), clusters.saturating_add(grow))?;
        let (data, directory) = split_runs(&taken, clusters);

        let extents = self.run_extents(&data)?;
        self.copy_start(&old_extents, &extents, offset)?;
        for (piece, at) in source.chunks(PIECE).zip((offset..).step_by(PIECE)) {
            if !go_on() {
                return Err(StorageProblem::Interrupted.into());
            }
            write_extents(self.device, &extents, at, piece)?;
        }
        self.link_chain(&data)?;
        let first = data.first().map_or(0, |run| run.first);
        let mut freed = Vec::new();
        match (old, room) {
            (Some(found), _) => {
                self.switch(&found, first, size)?;
                freed = self.extent_runs(&old_extents);
                self.free_chain(&freed)?;
            }
            (None, Some(room)) => {
                self.point_last(&mut slots, first);
                self.fill_room(room, &slots, &directory)?;
            }
            (None, None) => {}
        }
        self.count_clusters(info, &taken, &freed)
    }

    /// Makes a directory.
    ///
    /// # Errors
    /// There is something of that name, or as [`FatVolume::write`].
    pub fn create_directory(&mut self, path: &str) -> Result<(), StorageError> {
        let (place, name) = self.parent(path)?;
        if self.locate(place, name)?.is_some() {
            return Err(StorageProblem::Exists(path.into()).into());
        }
        let mut slots = self.new_slots(place, name, ATTR_DIRECTORY, 0, 0)?;
        let room = self.find_room(place, slots.len())?;
        let grow = room.grow.map_or(0, |(count, _)| count);
        let info = self.fs_info()?;
        let taken = self.find_free(info.as_ref(), 1 + grow)?;
        let (own, more) = split_runs(&taken, 1);
        let cluster = own.first().map_or(0, |run| run.first);

        self.clear_cluster(cluster)?;
        let start = self.offset(cluster)?;
        // The root is cluster 0 to its subdirectories.
        let parent = match place {
            Place::Chain(first) if !self.is_root(first) => first,
            _ => 0,
        };
        let dots = [
            (start, self.dot(b".          ", cluster)),
            (start + SLOT as u64, self.dot(b"..         ", parent)),
        ];
        self.put_slots(&dots)?;
        self.link_chain(&own)?;
        self.point_last(&mut slots, cluster);
        self.fill_room(room, &slots, &more)?;
        self.count_clusters(info, &taken, &[])
    }

    /// Removes a file, or a directory that is empty.
    ///
    /// # Errors
    /// There is none, it is not empty, damage; or the disk failed.
    pub fn remove(&mut self, path: &str) -> Result<(), StorageError> {
        let (place, name) = self.parent(path)?;
        let found = self
            .locate(place, name)?
            .ok_or_else(|| StorageProblem::Missing(path.into()))?;
        let freed = if found.entry.is_dir() {
            let inside = self.subdirectory(&found.entry)?;
            if !self.entries(inside)?.is_empty() {
                return Err(StorageProblem::NotEmpty(path.into()).into());
            }
            self.directory_runs(inside)?
        } else {
            let (_, extents) = self.content(&found.entry)?;
            self.extent_runs(&extents)
        };
        let info = self.fs_info()?;
        // The entry first: without it, what is left of a long name means nothing.
        let slots = found.slots.iter().map(|at| (*at, [0; SLOT]));
        let mut slots: Vec<_> = slots.collect();
        for (at, slot) in &mut slots {
            read_bytes(self.device, self.base + *at, slot)?;
            slot[0] = ENTRY_FREE;
        }
        self.put_slots(&slots)?;
        self.free_chain(&freed)?;
        self.count_clusters(info, &[], &freed)
    }

    /// Splits a path into its directory, which must be there, and its last name.
    fn parent<'p>(&mut self, path: &'p str) -> Result<(Place, &'p str), StorageError> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if matches!(name, "" | "." | "..") {
            return Err(StorageProblem::BadName(path.into()).into());
        }
        let place = match self.resolve(parent)? {
            None => self.root(),
            Some(entry) if entry.is_dir() => self.subdirectory(&entry)?,
            Some(_) => return Err(StorageProblem::NotDirectory(parent.into()).into()),
        };
        Ok((place, name))
    }

    /// Copies the first `length` bytes of a file into its new clusters.
    fn copy_start(
        &mut self,
        old: &[Extent],
        new: &[Extent],
        length: u64,
    ) -> Result<(), StorageError> {
        let mut bytes = zeroed(if length == 0 { 0 } else { COPY })?;
        let mut done = 0;
        for extent in old {
            let end = extent.length.min(length - done);
            let mut skip = 0;
            while skip < end {
                let piece = usize::try_from(end - skip).unwrap_or(COPY).min(COPY);
                let piece = bytes.get_mut(..piece).unwrap_or_default();
                read_bytes(self.device, extent.offset + skip, piece)?;
                write_extents(self.device, new, done + skip, piece)?;
                skip += piece.len() as u64;
            }
            done += end;
        }
        Ok(())
    }

    /// Makes an entry lead to other clusters, with another size: one sector's write.
    fn switch(&mut self, found: &Located, first: u32, size: u32) -> Result<(), StorageError> {
        let mut entry = found.entry;
        entry.set_first_cluster(self.geometry.kind(), first);
        entry.set_size(size);
        self.put_slots(&[(found.at(), entry.encode())])
    }

    /// Makes the last of new slots, the entry, lead to a cluster.
    fn point_last(&self, slots: &mut [[u8; SLOT]], cluster: u32) {
        if let Some(slot) = slots.last_mut()
            && let hadris_fat_raw::Slot::Short(mut entry) = hadris_fat_raw::Slot::parse(slot)
        {
            entry.set_first_cluster(self.geometry.kind(), cluster);
            *slot = entry.encode();
        }
    }

    /// Makes `.` or `..`.
    fn dot(&self, name: &[u8; 11], cluster: u32) -> [u8; SLOT] {
        let mut entry = ShortEntry::new(*name, ATTR_DIRECTORY);
        entry.set_first_cluster(self.geometry.kind(), cluster);
        let (day, time, _) = date::MIN;
        entry.set_modified(day, time);
        entry.encode()
    }

    /// Tells whether a directory's first cluster is the root's.
    fn is_root(&self, cluster: u32) -> bool {
        matches!(self.root(), Place::Chain(first) if first == cluster)
    }

    /// Returns the clusters of a directory.
    fn directory_runs(&mut self, place: Place) -> Result<Vec<Run>, StorageError> {
        let mut runs = Vec::new();
        let Place::Chain(first) = place else {
            return Ok(runs);
        };
        let most = hadris_fat_raw::MAX_DIR_ENTRIES * 32 / self.geometry.cluster_size();
        let mut cluster = Some(first);
        while let Some(first) = cluster {
            if runs.len() > usize::try_from(most).unwrap_or(0) {
                return Err(FatError::LongDirectory.into());
            }
            runs.push(Run { first, count: 1 });
            cluster = self.next(first)?;
        }
        Ok(runs)
    }

    /// Returns where runs of clusters are on the device.
    fn run_extents(&self, runs: &[Run]) -> Result<Vec<Extent>, StorageError> {
        let shift = self.geometry.cluster_shift();
        runs.iter()
            .map(|run| {
                Ok(Extent {
                    offset: self.base + self.offset(run.first)?,
                    length: u64::from(run.count) << shift,
                })
            })
            .collect()
    }

    /// Returns the clusters of extents.
    fn extent_runs(&self, extents: &[Extent]) -> Vec<Run> {
        let shift = self.geometry.cluster_shift();
        let cluster = |bytes: u64| u32::try_from(bytes >> shift).unwrap_or(u32::MAX);
        extents
            .iter()
            .map(|extent| Run {
                first: cluster(extent.offset - self.base - self.geometry.data_start()) + 2,
                count: cluster(extent.length),
            })
            .collect()
    }
}

/// Splits runs behind the first `clusters` clusters.
fn split_runs(runs: &[Run], clusters: u32) -> (Vec<Run>, Vec<Run>) {
    let (mut one, mut other) = (Vec::new(), Vec::new());
    let mut left = clusters;
    for run in runs {
        let here = run.count.min(left);
        left -= here;
        if here > 0 {
            one.push(Run {
                count: here,
                ..*run
            });
        }
        if run.count > here {
            other.push(Run {
                first: run.first + here,
                count: run.count - here,
            });
        }
    }
    (one, other)
}
