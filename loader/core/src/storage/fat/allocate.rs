//! Free clusters: the search for them, and FAT32's count of them.

use alloc::vec::Vec;

use hadris_fat_raw::{RawFsInfo, check_fs_info};

use super::{FatError, FatVolume, StorageError, StorageProblem, table::Run};
use crate::storage::blocks::{read_bytes, write_bytes};

/// The first cluster there is.
const FIRST: u32 = 2;
/// Runs that a new file may be in: half a MiB of heap at most.
const MAX_RUNS: usize = 1 << 16;
/// What FSInfo holds where a number is not known.
const UNKNOWN: u32 = u32::MAX;

/// FAT32's FSInfo sector, as far as it is used: hints, never believed.
pub struct FsInfo {
    /// Where its two numbers are in the volume.
    at: u64,
    /// How many clusters are free, or [`UNKNOWN`].
    free: u32,
    /// Where to look for free ones.
    hint: u32,
}

/// Where the number of free clusters is in the sector; the hint comes right behind.
const FREE_COUNT: usize = core::mem::offset_of!(RawFsInfo, free_count);

impl FatVolume<'_> {
    /// Reads FSInfo, if the volume has one and it looks like one.
    pub(super) fn fs_info(&mut self) -> Result<Option<FsInfo>, StorageError> {
        let Some(sector) = self.geometry.fs_info_sector() else {
            return Ok(None);
        };
        let at = u64::from(sector) * u64::from(self.geometry.sector_size());
        let mut raw: RawFsInfo = bytemuck::Zeroable::zeroed();
        read_bytes(
            self.device,
            self.base + at,
            bytemuck::bytes_of_mut(&mut raw),
        )?;
        let info = FsInfo {
            at: at + FREE_COUNT as u64,
            free: raw.free_count.get(),
            hint: raw.next_free.get(),
        };
        Ok(check_fs_info(&raw).is_ok().then_some(info))
    }

    /// Writes FSInfo after `taken` clusters were allocated, the last of them `last`, and `freed`
    /// were freed.
    pub(super) fn count_clusters(
        &mut self,
        info: Option<FsInfo>,
        taken: &[Run],
        freed: &[Run],
    ) -> Result<(), StorageError> {
        let Some(FsInfo { at, free, hint }) = info else {
            return Ok(());
        };
        let sum = |runs: &[Run]| runs.iter().map(|run| run.count).sum::<u32>();
        let counted = free.checked_sub(sum(taken));
        let counted = counted.and_then(|free| free.checked_add(sum(freed)));
        let most = self.geometry.max_cluster() - 1;
        // A count that was wrong before is no longer claimed.
        let counted = counted.filter(|count| free != UNKNOWN && *count <= most);
        let hint = taken.last().map_or(hint, |run| run.first + run.count - 1);
        let numbers = [counted.unwrap_or(UNKNOWN).to_le(), hint.to_le()];
        write_bytes(self.device, self.base + at, bytemuck::bytes_of(&numbers))
    }

    /// Finds `needed` free clusters, from FSInfo's hint on, once around the table at most.
    ///
    /// # Errors
    /// [`FatError::NoSpace`] if there are less, whatever FSInfo says.
    pub(super) fn find_free(
        &mut self,
        info: Option<&FsInfo>,
        needed: u32,
    ) -> Result<Vec<Run>, StorageError> {
        let end = self.geometry.max_cluster() + 1;
        let hint = info.map_or(FIRST, |info| info.hint);
        let hint = if (FIRST..end).contains(&hint) {
            hint
        } else {
            FIRST
        };
        let mut runs: Vec<Run> = Vec::new();
        let mut found = 0;
        for cluster in (hint..end).chain(FIRST..hint) {
            if found >= needed {
                break;
            }
            if !self.is_free(cluster, end - cluster)? {
                continue;
            }
            found += 1;
            if let Some(run) = runs.last_mut()
                && run.first + run.count == cluster
            {
                run.count += 1;
                continue;
            }
            if runs.len() >= MAX_RUNS {
                return Err(FatError::TooFragmented.into());
            }
            let bytes = (runs.len() + 1) * size_of::<Run>();
            runs.try_reserve(1)
                .map_err(|_| StorageProblem::OutOfMemory(bytes))?;
            runs.push(Run {
                first: cluster,
                count: 1,
            });
        }
        if found < needed {
            return Err(FatError::NoSpace {
                needed,
                free: found,
                cluster: self.geometry.cluster_size(),
            }
            .into());
        }
        Ok(runs)
    }

    /// Tells whether a cluster is free. `more` clusters after it will be asked for next.
    fn is_free(&mut self, cluster: u32, more: u32) -> Result<bool, StorageError> {
        let kind = self.geometry.kind();
        self.hold(cluster, more - 1)?;
        Ok(self.window.entry(kind, cluster) == Some(0))
    }
}
