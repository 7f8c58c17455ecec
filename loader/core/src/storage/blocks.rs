//! Bytes of a block device: whole blocks go straight to and from where they belong, the ragged
//! ends through a buffer of one block.

use alloc::vec::Vec;

use platform_api::BlockDevice;

use super::{StorageError, StorageProblem};

/// Returns a zeroed buffer.
///
/// # Errors
/// [`StorageProblem::OutOfMemory`] rather than the allocator's panic: sizes come from the disk.
pub fn buffer<T: Default + Clone>(length: usize) -> Result<Vec<T>, StorageError> {
    let mut buffer = Vec::new();
    buffer
        .try_reserve_exact(length)
        .map_err(|_| StorageProblem::OutOfMemory(length.saturating_mul(size_of::<T>())))?;
    buffer.resize(length, T::default());
    Ok(buffer)
}

/// Zeros to copy from, in words: filling byte by byte, as `resize` does in the target's code, takes
/// many times as long.
static ZEROS: [u64; 64] = [0; 64];

/// Appends zeros until `bytes` has `length` of them; for which there should be room.
pub fn pad(bytes: &mut Vec<u8>, length: usize) {
    while let Some(more) = length.checked_sub(bytes.len()).filter(|more| *more > 0) {
        let zeros: &[u8] = bytemuck::cast_slice(&ZEROS);
        bytes.extend_from_slice(zeros.get(..more).unwrap_or(zeros));
    }
}

/// Returns zeroed bytes.
///
/// # Errors
/// As [`buffer`].
pub fn zeroed(length: usize) -> Result<Vec<u8>, StorageError> {
    let mut bytes = Vec::new();
    bytes
        .try_reserve_exact(length)
        .map_err(|_| StorageProblem::OutOfMemory(length))?;
    pad(&mut bytes, length);
    Ok(bytes)
}

/// Reads the bytes from `offset` on into `dest`: at most three requests, one if both ends are
/// block boundaries.
pub fn read_bytes(
    device: &mut dyn BlockDevice,
    offset: u64,
    dest: &mut [u8],
) -> Result<(), StorageError> {
    let block = device.info().block_size;
    // A power of two by contract; anything else would be a driver's mistake, and reads wrong
    // blocks rather than outside of a buffer.
    let shift = block.trailing_zeros();
    let mask = block.wrapping_sub(1);
    let within = |position: u64| usize::try_from(position & u64::from(mask)).unwrap_or(0);
    let mut first = offset >> shift;
    let mut dest = dest;
    let skip = within(offset);
    if skip > 0 && !dest.is_empty() {
        let taken = read_part(device, first, skip, dest)?;
        dest = dest.get_mut(taken..).unwrap_or_default();
        first += 1;
    }
    let ragged = within(dest.len() as u64);
    let (whole, tail) = dest.split_at_mut(dest.len() - ragged);
    if !whole.is_empty() {
        device.read_blocks(first, whole)?;
        first += whole.len() as u64 >> shift;
    }
    if !tail.is_empty() {
        read_part(device, first, 0, tail)?;
    }
    Ok(())
}

/// Writes `source` from `offset` on: at most three requests, one if both ends are block
/// boundaries. Of blocks that are written in part, the rest is read before and kept.
pub fn write_bytes(
    device: &mut dyn BlockDevice,
    offset: u64,
    source: &[u8],
) -> Result<(), StorageError> {
    let block = device.info().block_size;
    // A power of two by contract, as for `read_bytes`.
    let shift = block.trailing_zeros();
    let mask = block.wrapping_sub(1);
    let within = |position: u64| usize::try_from(position & u64::from(mask)).unwrap_or(0);
    let mut first = offset >> shift;
    let mut source = source;
    let skip = within(offset);
    if skip > 0 && !source.is_empty() {
        let taken = write_part(device, first, skip, source)?;
        source = source.get(taken..).unwrap_or_default();
        first += 1;
    }
    let (whole, tail) = source.split_at(source.len() - within(source.len() as u64));
    if !whole.is_empty() {
        device.write_blocks(first, whole)?;
        first += whole.len() as u64 >> shift;
    }
    if !tail.is_empty() {
        write_part(device, first, 0, tail)?;
    }
    Ok(())
}

/// Writes into block `index`, from byte `skip` of it on, as much of `source` as fits; returns how
/// much that was.
fn write_part(
    device: &mut dyn BlockDevice,
    index: u64,
    skip: usize,
    source: &[u8],
) -> Result<usize, StorageError> {
    let length = usize::try_from(device.info().block_size).unwrap_or(0);
    let mut block = zeroed(length)?;
    device.read_blocks(index, &mut block)?;
    let part = block.get_mut(skip..).unwrap_or_default();
    let taken = part.len().min(source.len());
    if let (Some(to), Some(from)) = (part.get_mut(..taken), source.get(..taken)) {
        to.copy_from_slice(from);
    }
    device.write_blocks(index, &block)?;
    Ok(taken)
}

/// Reads part of block `index`, from byte `skip` of it on, as much as `dest` takes; returns how
/// much that was.
fn read_part(
    device: &mut dyn BlockDevice,
    index: u64,
    skip: usize,
    dest: &mut [u8],
) -> Result<usize, StorageError> {
    let length = usize::try_from(device.info().block_size).unwrap_or(0);
    let mut block = zeroed(length)?;
    device.read_blocks(index, &mut block)?;
    let part = block.get(skip..).unwrap_or_default();
    let taken = part.len().min(dest.len());
    if let (Some(to), Some(from)) = (dest.get_mut(..taken), part.get(..taken)) {
        to.copy_from_slice(from);
    }
    Ok(taken)
}
