//! Memory that a host's bus master moves data to and from.

use alloc::vec::Vec;

use platform_api::DataCache;
use zerocopy::{Immutable, IntoBytes};

use super::Data;

/// What DMA wants buffers aligned to for the caches' sake: no A7, A8 or A15 line is longer.
const LINE: usize = 64;
/// The bounce buffer's size.
pub(super) const BOUNCE: usize = 0x8000;

/// Bytes aligned to a line.
#[repr(C, align(64))]
#[derive(Clone, Copy)]
struct Line([u8; LINE]);

/// Tells whether DMA and the caches can share `bytes` with nobody else.
pub(super) fn is_aligned(bytes: &[u8]) -> bool {
    bytes.as_ptr().addr().is_multiple_of(LINE) && bytes.len().is_multiple_of(LINE)
}

/// The way of data between a bus master that does not see the caches and the caller's memory:
/// straight where lines allow it, else through a buffer.
pub(super) struct Path<D> {
    cache: D,
    bounce: Vec<Line>,
}

impl<D: DataCache> Path<D> {
    /// Makes a buffer of `bounce` bytes, a multiple of 64.
    pub fn new(cache: D, bounce: usize) -> Self {
        Self {
            cache,
            bounce: alloc::vec![Line([0; LINE]); bounce / LINE],
        }
    }

    /// Runs `transfer` with an address that a bus master can move `data` to or from. `None` if
    /// they are neither aligned nor as short as the buffer.
    pub fn run<R>(
        &mut self,
        data: &mut Data<'_>,
        transfer: impl FnOnce(&D, usize) -> R,
    ) -> Option<R> {
        let cache = &self.cache;
        match data {
            Data::Read(buffer) if is_aligned(buffer) => {
                // A writer's pointer: the device stores through it.
                let address = buffer.as_mut_ptr().expose_provenance();
                cache.clean_invalidate(buffer);
                let result = transfer(cache, address);
                // What speculation fetched meanwhile is older than what the device stored.
                cache.clean_invalidate(buffer);
                Some(result)
            }
            Data::Write(buffer) if is_aligned(buffer) => {
                cache.clean_invalidate(buffer);
                Some(transfer(cache, buffer.as_ptr().expose_provenance()))
            }
            _ => {
                let buffer = bytes(&mut self.bounce).get_mut(..data.len())?;
                if let Data::Write(source) = data {
                    buffer.copy_from_slice(source);
                }
                let address = buffer.as_mut_ptr().expose_provenance();
                cache.clean_invalidate(buffer);
                let result = transfer(cache, address);
                cache.clean_invalidate(buffer);
                if let Data::Read(destination) = data {
                    destination.copy_from_slice(buffer);
                }
                Some(result)
            }
        }
    }
}

/// Writes descriptors to memory, so that a bus master finds them there.
pub(super) fn publish<T: IntoBytes + Immutable>(cache: &impl DataCache, descriptors: &[T]) {
    cache.clean_invalidate(descriptors.as_bytes());
}

fn bytes(lines: &mut [Line]) -> &mut [u8] {
    let (pointer, length) = (lines.as_mut_ptr().cast::<u8>(), size_of_val(lines));
    // SAFETY: `Line` is bytes without padding; the borrow is the lines'.
    unsafe { core::slice::from_raw_parts_mut(pointer, length) }
}
