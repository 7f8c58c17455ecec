//! A disk in memory or in a file, which fails on request.

use std::{
    cell::RefCell,
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    rc::Rc,
};

use platform_api::{BlockDevice, BlockError, BlockInfo};

/// One transfer, as the disk saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// It was a write.
    pub write: bool,
    /// The first block.
    pub first: u64,
    /// How many.
    pub blocks: u64,
}

#[derive(Debug)]
enum Store {
    Memory(Vec<u8>),
    File(File),
}

#[derive(Debug)]
struct State {
    store: Store,
    info: BlockInfo,
    requests: Vec<Request>,
    failing: Vec<(u64, BlockError)>,
    writes_left: Option<u64>,
    blocks_left: Option<u64>,
}

/// A disk with a handle that stays behind: clones are the same disk, so a test keeps one and
/// boxes the other into the machine.
#[derive(Clone, Debug)]
pub struct FakeDisk {
    state: Rc<RefCell<State>>,
}

impl FakeDisk {
    /// Makes a disk of 512-byte blocks that holds `content`, padded to whole blocks.
    pub fn new(content: Vec<u8>) -> Self {
        Self::with_block_size(content, 512)
    }

    /// Makes a disk with blocks of `block_size` bytes (a power of two, at least 512).
    pub fn with_block_size(mut content: Vec<u8>, block_size: u32) -> Self {
        let size = block_size as usize;
        content.resize(content.len().div_ceil(size) * size, 0);
        let blocks = (content.len() / size) as u64;
        Self::with_store(Store::Memory(content), block_size, blocks)
    }

    /// Opens a disk of 512-byte blocks in a file. Writes go to the file.
    ///
    /// # Errors
    /// If the file cannot be opened for reading and writing.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        let blocks = file.metadata()?.len() / 512;
        Ok(Self::with_store(Store::File(file), 512, blocks))
    }

    fn with_store(store: Store, block_size: u32, blocks: u64) -> Self {
        let info = BlockInfo {
            block_size,
            blocks,
            read_only: false,
        };
        let state = State {
            store,
            info,
            requests: Vec::new(),
            failing: Vec::new(),
            writes_left: None,
            blocks_left: None,
        };
        Self {
            state: Rc::new(RefCell::new(state)),
        }
    }

    /// Makes every transfer that touches `block` fail with `error`.
    pub fn fail_at(&self, block: u64, error: BlockError) {
        self.state.borrow_mut().failing.push((block, error));
    }

    /// Heals every block.
    pub fn heal(&self) {
        self.state.borrow_mut().failing.clear();
    }

    /// Loses power after `writes` more writes: later ones claim success and change nothing.
    pub fn cut_power_after(&self, writes: u64) {
        self.state.borrow_mut().writes_left = Some(writes);
    }

    /// Loses power after `blocks` more blocks are written: the write that goes beyond is torn, what
    /// comes after it is lost, and all of them claim success.
    pub fn cut_power_after_blocks(&self, blocks: u64) {
        self.state.borrow_mut().blocks_left = Some(blocks);
    }

    /// Makes the disk refuse writes.
    pub fn set_read_only(&self, read_only: bool) {
        self.state.borrow_mut().info.read_only = read_only;
    }

    /// Returns the transfers so far, oldest first, and forgets them.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.state.borrow_mut().requests)
    }

    /// Returns the whole content of a disk in memory, or an empty one for a file.
    pub fn content(&self) -> Vec<u8> {
        match &self.state.borrow().store {
            Store::Memory(bytes) => bytes.clone(),
            Store::File(_) => Vec::new(),
        }
    }
}

impl State {
    /// Notes a request; returns the byte offset of its first block.
    fn begin(&mut self, write: bool, first: u64, length: usize) -> Result<u64, BlockError> {
        let blocks = BlockError::check(self.info, first, length)?;
        self.requests.push(Request {
            write,
            first,
            blocks,
        });
        let touched = first..first + blocks;
        match self.failing.iter().find(|(at, _)| touched.contains(at)) {
            Some((_, error)) => Err(*error),
            None => Ok(first * u64::from(self.info.block_size)),
        }
    }
}

/// What a failing host file looks like to the loader.
fn host_error(first: u64, error: &io::Error) -> BlockError {
    let status = error.raw_os_error().unwrap_or(0).unsigned_abs();
    BlockError::Device { first, status }
}

impl BlockDevice for FakeDisk {
    fn info(&self) -> BlockInfo {
        self.state.borrow().info
    }

    fn read_blocks(&mut self, first: u64, buffer: &mut [u8]) -> Result<(), BlockError> {
        let state = &mut *self.state.borrow_mut();
        let offset = state.begin(false, first, buffer.len())?;
        match &mut state.store {
            Store::Memory(bytes) => {
                let from = offset as usize;
                let found = bytes.get(from..from + buffer.len()).unwrap_or_default();
                buffer.copy_from_slice(found);
                Ok(())
            }
            Store::File(file) => file
                .seek(SeekFrom::Start(offset))
                .and_then(|_| file.read_exact(buffer))
                .map_err(|error| host_error(first, &error)),
        }
    }

    fn write_blocks(&mut self, first: u64, buffer: &[u8]) -> Result<(), BlockError> {
        let state = &mut *self.state.borrow_mut();
        if state.info.read_only {
            return Err(BlockError::ReadOnly);
        }
        let offset = state.begin(true, first, buffer.len())?;
        match &mut state.writes_left {
            Some(0) => return Ok(()),
            Some(left) => *left -= 1,
            None => {}
        }
        let mut buffer = buffer;
        if let Some(left) = &mut state.blocks_left {
            let size = u64::from(state.info.block_size);
            let kept = (buffer.len() as u64 / size).min(*left);
            *left -= kept;
            buffer = buffer.get(..(kept * size) as usize).unwrap_or_default();
        }
        match &mut state.store {
            Store::Memory(bytes) => {
                let from = offset as usize;
                if let Some(place) = bytes.get_mut(from..from + buffer.len()) {
                    place.copy_from_slice(buffer);
                }
                Ok(())
            }
            Store::File(file) => file
                .seek(SeekFrom::Start(offset))
                .and_then(|_| file.write_all(buffer))
                .map_err(|error| host_error(first, &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BROKEN: BlockError = BlockError::Timeout {
        first: 1,
        waited_us: 5,
    };

    #[test]
    fn reads_writes_and_remembers_requests() {
        let handle = FakeDisk::new(vec![7; 1000]);
        let mut disk = handle.clone();
        assert_eq!(disk.info().blocks, 2);
        let mut buffer = [0; 1024];
        disk.read_blocks(0, &mut buffer).unwrap();
        assert_eq!((buffer[999], buffer[1000]), (7, 0));
        disk.write_blocks(1, &[9; 512]).unwrap();
        assert_eq!(handle.content()[512..], [9; 512]);
        assert_eq!(handle.take_requests().len(), 2);
        assert!(disk.read_blocks(2, &mut buffer[..512]).is_err());
        assert!(disk.read_blocks(0, &mut buffer[..100]).is_err());
    }

    #[test]
    fn fails_where_told() {
        let handle = FakeDisk::new(vec![0; 2048]);
        let mut disk = handle.clone();
        handle.fail_at(1, BROKEN);
        let mut buffer = [0; 1024];
        assert_eq!(disk.read_blocks(0, &mut buffer), Err(BROKEN));
        assert_eq!(disk.read_blocks(2, &mut buffer), Ok(()));
        handle.heal();
        assert_eq!(disk.read_blocks(0, &mut buffer), Ok(()));
        handle.set_read_only(true);
        assert_eq!(disk.write_blocks(0, &buffer), Err(BlockError::ReadOnly));
    }

    #[test]
    fn loses_power_silently() {
        let handle = FakeDisk::new(vec![0; 1024]);
        let mut disk = handle.clone();
        handle.cut_power_after(1);
        disk.write_blocks(0, &[1; 512]).unwrap();
        disk.write_blocks(1, &[2; 512]).unwrap();
        let content = handle.content();
        assert_eq!((content[0], content[512]), (1, 0));
    }

    #[test]
    fn tears_a_write() {
        let handle = FakeDisk::new(vec![0; 2048]);
        let mut disk = handle.clone();
        handle.cut_power_after_blocks(3);
        disk.write_blocks(2, &[1; 1024]).unwrap();
        disk.write_blocks(0, &[2; 1024]).unwrap();
        let content = handle.content();
        let first = [0, 512, 1024, 1536].map(|at| content[at]);
        assert_eq!(first, [2, 0, 1, 1]);
    }

    #[test]
    fn lives_in_a_file() {
        let path = std::env::temp_dir().join(format!("fake-disk-{}", std::process::id()));
        std::fs::write(&path, vec![3; 1024]).unwrap();
        let mut disk = FakeDisk::open(&path).unwrap();
        disk.write_blocks(1, &[4; 512]).unwrap();
        let mut buffer = [0; 1024];
        disk.read_blocks(0, &mut buffer).unwrap();
        assert_eq!((buffer[0], buffer[512]), (3, 4));
        std::fs::remove_file(&path).unwrap();
    }
}
