//! A disk that is large in its numbers and small in the input.
//!
//! The input is a byte that picks the block size (and by its top bit, that the checksums of an
//! EFI partition table are put right: no mutation would hit them), the disk's sectors (four bytes), and records:
//! the number of a sector (four bytes) and its 512 bytes. Numbers are little-endian. Sectors
//! without a record are zero; the last record may be short. So a FAT32 volume of 34 MiB takes
//! some hundred bytes.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use platform_api::{BlockDevice, BlockError, BlockInfo};

const SECTOR: usize = 512;

/// Block sizes that the input can pick.
const BLOCK_SIZES: [u32; 4] = [512, 512, 1024, 4096];

/// The disk.
#[derive(Clone, Debug)]
pub struct SparseDisk {
    sectors: BTreeMap<u64, [u8; SECTOR]>,
    info: BlockInfo,
    /// Requests so far, of all clones.
    pub requests: Rc<Cell<u64>>,
}

/// A disk that can be written to; clones are the same disk.
#[derive(Clone, Debug)]
pub struct WritableDisk(pub Rc<RefCell<SparseDisk>>);

impl WritableDisk {
    /// Makes a disk of what one that cannot be written to holds.
    pub fn new(mut disk: SparseDisk) -> Self {
        disk.info.read_only = false;
        Self(Rc::new(RefCell::new(disk)))
    }

    /// Returns what it holds.
    pub fn sectors(&self) -> BTreeMap<u64, [u8; SECTOR]> {
        let mut sectors = self.0.borrow().sectors.clone();
        sectors.retain(|_, sector| *sector != [0; SECTOR]);
        sectors
    }
}

impl BlockDevice for WritableDisk {
    fn info(&self) -> BlockInfo {
        self.0.borrow().info
    }

    fn read_blocks(&mut self, first: u64, buffer: &mut [u8]) -> Result<(), BlockError> {
        self.0.borrow_mut().read_blocks(first, buffer)
    }

    fn write_blocks(&mut self, first: u64, buffer: &[u8]) -> Result<(), BlockError> {
        let disk = &mut *self.0.borrow_mut();
        BlockError::check(disk.info, first, buffer.len())?;
        disk.requests.set(disk.requests.get() + 1);
        let first = first * (u64::from(disk.info.block_size) / SECTOR as u64);
        let sectors = buffer.as_chunks::<SECTOR>().0;
        disk.sectors.extend((first..).zip(sectors.iter().copied()));
        Ok(())
    }
}

impl SparseDisk {
    /// Makes the disk that `input` describes; `None` if it is too short to.
    pub fn parse(input: &[u8]) -> Option<Self> {
        let (&[pick, ..], rest) = input.split_first_chunk::<1>()?;
        let (count, rest) = rest.split_first_chunk::<4>()?;
        let block_size = BLOCK_SIZES[usize::from(pick) % BLOCK_SIZES.len()];
        let records = rest.chunks(4 + SECTOR).filter_map(|record| {
            let (at, content) = record.split_first_chunk::<4>()?;
            let mut sector = [0; SECTOR];
            sector[..content.len()].copy_from_slice(content);
            Some((u64::from(u32::from_le_bytes(*at)), sector))
        });
        let bytes = u64::from(u32::from_le_bytes(*count)) * SECTOR as u64;
        let mut disk = Self {
            sectors: records.collect(),
            info: BlockInfo {
                block_size,
                blocks: bytes / u64::from(block_size),
                read_only: true,
            },
            requests: Rc::default(),
        };
        if pick & 0x80 != 0 {
            disk.put_right(1);
            disk.put_right(disk.info.blocks.saturating_sub(1));
        }
        disk.requests.set(0);
        Some(disk)
    }

    /// Puts the checksums right of the EFI partition table whose header is in block `at`.
    fn put_right(&mut self, at: u64) -> Option<()> {
        let mut block = vec![0; usize::try_from(self.info.block_size).ok()?];
        self.read_blocks(at, &mut block).ok()?;
        let word = |at: usize| Some(u32::from_le_bytes(*block.get(at..)?.first_chunk()?));
        let size = usize::try_from(word(12)?).ok()?;
        let bytes = usize::try_from(word(80)?.checked_mul(word(84)?)?).ok()?;
        if !(92..=512).contains(&size) || bytes > 64 << 10 {
            return None;
        }
        let mut table = vec![0; bytes.next_multiple_of(block.len())];
        self.read_blocks(u64::from(word(72)?), &mut table).ok()?;
        let sum = crc32fast::hash(&table[..bytes]);
        block[88..92].copy_from_slice(&sum.to_le_bytes());
        block[16..20].fill(0);
        let sum = crc32fast::hash(&block[..size]);
        block[16..20].copy_from_slice(&sum.to_le_bytes());
        let sector = at * (block.len() / SECTOR) as u64;
        let content = self.sectors.entry(sector).or_insert([0; SECTOR]);
        content.copy_from_slice(&block[..SECTOR]);
        Some(())
    }

    /// Writes the input that describes `image`, in blocks of 512 bytes.
    pub fn describe(image: &[u8]) -> Vec<u8> {
        let mut input = vec![0];
        input.extend(u32::try_from(image.len() / SECTOR).unwrap().to_le_bytes());
        for (at, sector) in image.chunks_exact(SECTOR).enumerate() {
            if sector.iter().any(|byte| *byte != 0) {
                input.extend(u32::try_from(at).unwrap().to_le_bytes());
                input.extend(sector);
            }
        }
        input
    }
}

impl BlockDevice for SparseDisk {
    fn info(&self) -> BlockInfo {
        self.info
    }

    fn read_blocks(&mut self, first: u64, buffer: &mut [u8]) -> Result<(), BlockError> {
        BlockError::check(self.info, first, buffer.len())?;
        self.requests.set(self.requests.get() + 1);
        buffer.fill(0);
        let per_block = u64::from(self.info.block_size) / SECTOR as u64;
        let first = first * per_block;
        let end = first + (buffer.len() / SECTOR) as u64;
        for (at, sector) in self.sectors.range(first..end) {
            let start = usize::try_from(at - first).unwrap() * SECTOR;
            buffer[start..start + SECTOR].copy_from_slice(sector);
        }
        Ok(())
    }

    fn write_blocks(&mut self, _first: u64, _buffer: &[u8]) -> Result<(), BlockError> {
        Err(BlockError::ReadOnly)
    }
}
