//! What a boot command is given: an address or a file, and what can be learned of it before
//! anything is loaded.

use alloc::{boxed::Box, format, string::String, vec::Vec};
use core::fmt;

use platform_api::{PhysAddr, PhysRange};

use super::BootError;
use crate::{
    commands::{CommandError, parse_hex},
    context::Context,
    image::zimage::{self, HEAD_SIZE, ZImage},
    machine::{Disk, Machine},
    storage::{self, OpenFile, StorageError, StorageProblem, VolumeName, default_volume},
};

#[cfg(test)]
mod tests;

/// Bytes read and kept at a time while a header is looked at: one block of most disks.
const WINDOW: usize = 512;
/// Bytes read at a time while a file is only looked through.
const CHUNK: usize = 32 << 10;

/// An argument: an address, or a file on the default volume.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source<'a> {
    /// `ADDR` or `ADDR:SIZE`.
    Address {
        /// Where it lies.
        at: PhysAddr,
        /// How many bytes, if that was said.
        size: Option<u64>,
    },
    /// A path on `${devtype} ${devnum}:${distro_bootpart}`.
    File(&'a str),
}

impl fmt::Display for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address { at, .. } => at.fmt(f),
            Self::File(path) => f.write_str(path),
        }
    }
}

/// Tells whether `text` is a number: hexadecimal digits, `0x` optional.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let digits = digits.unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

impl<'a> Source<'a> {
    /// Reads an argument. Only hexadecimal digits make an address; a file of such a name is
    /// written `./add`.
    ///
    /// # Errors
    /// An address of more than 64 bits, or a size that is no number.
    pub fn parse(text: &'a str) -> Result<Self, CommandError> {
        let (address, size) = match text.split_once(':') {
            Some((address, size)) => (address, Some(size)),
            None => (text, None),
        };
        if !is_number(address) {
            return Ok(Self::File(text));
        }
        Ok(Self::Address {
            at: PhysAddr::new(parse_hex(address)?),
            size: size.map(parse_hex).transpose()?,
        })
    }

    /// The initrd that the first stage loaded, if it did.
    pub fn first_stage_initrd(cx: &Context<'_>) -> Option<Source<'static>> {
        let range = cx.map.initrd?;
        Some(Source::Address {
            at: range.start(),
            size: Some(range.size()),
        })
    }

    /// Finds it: resolves a file, or looks up how many bytes were loaded at an address.
    ///
    /// # Errors
    /// No default volume, no such file, or the disk failed.
    pub fn open(self, cx: &mut Context<'_>) -> Result<Opened, CommandError> {
        match self {
            Self::Address { at, size } => {
                let loaded = cx.loaded.iter().rev();
                let mut loaded = loaded.filter(|file| file.range.start() == at);
                Ok(Opened::Memory {
                    at,
                    size: size.or_else(|| loaded.next().map(|file| file.range.size())),
                })
            }
            Self::File(path) => {
                let (interface, device) = default_volume(&cx.env).ok_or_else(|| {
                    CommandError::message(format!(
                        "no disk to look for {path} on; set devtype, devnum and distro_bootpart"
                    ))
                })?;
                let volume = VolumeName {
                    interface: &interface,
                    device: &device,
                };
                storage::open(&mut cx.machine, volume, path)
                    .map(|file| Opened::File(file, path.into()))
                    .map_err(CommandError::from)
            }
        }
    }
}

/// A source that was found.
#[derive(Debug)]
pub enum Opened {
    /// In memory.
    Memory {
        /// Where.
        at: PhysAddr,
        /// How many bytes, if that is known.
        size: Option<u64>,
    },
    /// In a file, of this path.
    File(OpenFile, String),
}

impl Opened {
    /// Returns the address of what lies in memory already.
    pub fn address(&self) -> Option<PhysAddr> {
        match self {
            Self::Memory { at, .. } => Some(*at),
            Self::File(..) => None,
        }
    }

    /// Tells whether it starts with `magic`. What is too short does not.
    ///
    /// # Errors
    /// It could not be read.
    pub fn starts_with(
        &self,
        cx: &mut Context<'_>,
        magic: &[u8; 4],
    ) -> Result<bool, Box<BootError>> {
        let mut head = [0; 4];
        match self {
            Self::Memory { at, size } => {
                let range = readable(cx, *at, *size)?;
                Ok(cx.machine.memory.bytes(range)?.starts_with(magic))
            }
            Self::File(file, _) if file.size() < 4 => Ok(false),
            Self::File(file, _) => {
                file.read_at(&mut cx.machine.disks, 0, &mut head)
                    .map_err(zimage_error)?;
                Ok(head == *magic)
            }
        }
    }

    /// Reads the header of a zImage.
    ///
    /// # Errors
    /// It is none, a broken or a big-endian one, or it could not be read.
    pub fn zimage(&self, cx: &mut Context<'_>) -> Result<ZImage, Box<BootError>> {
        let image = match self {
            Self::Memory { at, size } => {
                let range = readable(cx, *at, *size)?;
                let bytes = cx.machine.memory.bytes(range)?;
                // All of it is at hand: there is nothing left to fetch.
                zimage::parse(bytes, range.size(), &mut |_, _| {
                    Err(StorageProblem::Missing(String::new()).into())
                })?
            }
            Self::File(file, _) => {
                let mut reader = Reader::new(file, &mut cx.machine.disks);
                let mut head = [0; HEAD_SIZE];
                let held = usize::try_from(file.size()).unwrap_or(HEAD_SIZE);
                let head = head.get_mut(..held.min(HEAD_SIZE)).unwrap_or_default();
                reader
                    .file
                    .read_at(reader.disks, 0, head)
                    .map_err(zimage_error)?;
                zimage::parse(head, file.size(), &mut |at, target| reader.read(at, target))?
            }
        };
        if image.big_endian {
            return Err(BootError::BigEndian.into());
        }
        Ok(image)
    }

    /// Returns all its bytes.
    ///
    /// # Errors
    /// They are not in RAM, the heap has no room for them, or the disk failed.
    pub fn to_bytes(&self, machine: &mut Machine<'_>, limit: u64) -> Result<Vec<u8>, CommandError> {
        let (file, path) = match self {
            Self::File(file, path) => (file, path),
            Self::Memory { at, size } => {
                let size = size.unwrap_or(limit).min(limit);
                let range = PhysRange::from_size(*at, size)
                    .ok_or(platform_api::MemoryError::Unaddressable(*at))?;
                return Ok(machine.memory.bytes(range)?.to_vec());
            }
        };
        let size = file.size();
        let mut bytes = Vec::new();
        let room = usize::try_from(size).ok().filter(|_| size <= limit);
        match room.map(|size| bytes.try_reserve_exact(size).map(|()| size)) {
            Some(Ok(size)) => bytes.resize(size, 0),
            _ => {
                let text = format!("{path} is too large: {size:#x} bytes, at most {limit:#x}");
                return Err(CommandError::message(text));
            }
        }
        file.read_at(&mut machine.disks, 0, &mut bytes)?;
        Ok(bytes)
    }
}

fn zimage_error(error: StorageError) -> Box<BootError> {
    Box::new(BootError::ZImage(error.into()))
}

/// Returns the bytes from `at` on that nobody owns: `size` of them, or all there are.
///
/// # Errors
/// `at` is not in RAM or somebody's.
pub(super) fn readable(
    cx: &Context<'_>,
    at: PhysAddr,
    size: Option<u64>,
) -> Result<PhysRange, Box<BootError>> {
    let ledger = cx.map.ledger();
    let gap = ledger.gaps().find(|gap| gap.contains(at));
    let Some(gap) = gap else {
        let first = PhysRange::from_size(at, 1).unwrap_or_default();
        ledger.check(first, super::plan::IMAGE)?;
        return Err(BootError::Memory(platform_api::MemoryError::NotRam(first)).into());
    };
    let all = PhysRange::new(at, gap.end()).unwrap_or_default();
    let known = size.and_then(|size| PhysRange::from_size(at, size));
    Ok(known
        .filter(|known| all.contains_range(*known))
        .unwrap_or(all))
}

/// Reads words of a file without asking the disk for the same block twice.
struct Reader<'f> {
    file: &'f OpenFile,
    disks: &'f mut [Disk],
    window: [u8; WINDOW],
    held: Option<u64>,
}

impl<'f> Reader<'f> {
    fn new(file: &'f OpenFile, disks: &'f mut [Disk]) -> Self {
        Self {
            file,
            disks,
            window: [0; WINDOW],
            held: None,
        }
    }

    fn read(&mut self, offset: u64, target: &mut [u8]) -> Result<(), StorageError> {
        let window = WINDOW as u64;
        let start = offset - offset % window;
        let within = usize::try_from(offset - start).unwrap_or(WINDOW);
        let whole = start
            .checked_add(window)
            .is_some_and(|end| end <= self.file.size());
        let end = within.checked_add(target.len());
        let Some(end) = end.filter(|end| whole && *end <= WINDOW) else {
            return self.file.read_at(self.disks, offset, target);
        };
        if self.held != Some(start) {
            self.held = None;
            self.file.read_at(self.disks, start, &mut self.window)?;
            self.held = Some(start);
        }
        if let Some(found) = self.window.get(within..end) {
            target.copy_from_slice(found);
        }
        Ok(())
    }
}

/// Computes the CRC-32 of a file's first `length` bytes without loading it anywhere.
///
/// # Errors
/// The file is shorter, the disk failed, or the heap has no room for a chunk.
pub(super) fn crc32_of_file(
    machine: &mut Machine<'_>,
    file: &OpenFile,
    length: u64,
) -> Result<u32, CommandError> {
    file.check(0, length)?;
    let mut chunk = Vec::new();
    chunk
        .try_reserve_exact(CHUNK)
        .map_err(|_| CommandError::message("no memory left".into()))?;
    chunk.resize(CHUNK, 0);
    let mut hasher = crc32fast::Hasher::new();
    let mut offset = 0;
    while offset < length {
        let step = usize::try_from(length - offset).unwrap_or(CHUNK).min(CHUNK);
        let part = chunk.get_mut(..step).unwrap_or_default();
        file.read_at(&mut machine.disks, offset, part)?;
        hasher.update(part);
        offset += step as u64;
    }
    Ok(hasher.finalize())
}
