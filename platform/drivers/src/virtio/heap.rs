//! Where `virtio-drivers` keeps its rings: pages of the heap.

use alloc::alloc::{alloc_zeroed, dealloc};
use core::alloc::Layout;
use core::ptr::NonNull;

use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

/// DMA memory from the heap, under its physical addresses: memory is identity-mapped.
pub(super) struct Heap;

fn pages_layout(pages: usize) -> Option<Layout> {
    let size = pages.checked_mul(PAGE_SIZE)?;
    Layout::from_size_align(size, PAGE_SIZE).ok()
}

fn address(pointer: NonNull<u8>) -> PhysAddr {
    pointer.as_ptr().expose_provenance() as PhysAddr
}

// SAFETY: `dma_alloc` gives zeroed pages of an allocation of their own, or 0. Addresses are
// physical because memory is identity-mapped, as the caller of `virtio::probe` promises.
unsafe impl Hal for Heap {
    fn dma_alloc(pages: usize, _direction: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        let none = (0, NonNull::dangling());
        let Some(layout) = pages_layout(pages).filter(|layout| layout.size() > 0) else {
            return none;
        };
        // SAFETY: The layout is not empty.
        let pointer = unsafe { alloc_zeroed(layout) };
        NonNull::new(pointer).map_or(none, |pointer| (address(pointer), pointer))
    }

    unsafe fn dma_dealloc(_paddr: PhysAddr, vaddr: NonNull<u8>, pages: usize) -> i32 {
        if let Some(layout) = pages_layout(pages) {
            // SAFETY: The caller got `vaddr` from `dma_alloc` for as many pages: it was
            // allocated with this layout.
            unsafe { dealloc(vaddr.as_ptr(), layout) };
        }
        0
    }

    unsafe fn mmio_phys_to_virt(paddr: PhysAddr, _size: usize) -> NonNull<u8> {
        // Only the PCI transport asks; devices are identity-mapped too.
        usize::try_from(paddr)
            .ok()
            .and_then(|address| NonNull::new(core::ptr::with_exposed_provenance_mut(address)))
            .unwrap_or(NonNull::dangling())
    }

    unsafe fn share(buffer: NonNull<[u8]>, _direction: BufferDirection) -> PhysAddr {
        address(buffer.cast())
    }

    unsafe fn unshare(_paddr: PhysAddr, _buffer: NonNull<[u8]>, _direction: BufferDirection) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_aligned_and_zero() {
        let (physical, pointer) = Heap::dma_alloc(2, BufferDirection::Both);
        assert_eq!(physical % PAGE_SIZE as u64, 0);
        assert_eq!(physical, pointer.as_ptr() as u64);
        // SAFETY: Two pages were allocated and are not used otherwise.
        let bytes = unsafe { core::slice::from_raw_parts_mut(pointer.as_ptr(), 2 * PAGE_SIZE) };
        assert!(bytes.iter().all(|byte| *byte == 0));
        // SAFETY: The values are those of the allocation.
        assert_eq!(unsafe { Heap::dma_dealloc(physical, pointer, 2) }, 0);
    }

    #[test]
    fn too_much_is_refused() {
        assert_eq!(Heap::dma_alloc(usize::MAX, BufferDirection::Both).0, 0);
        assert_eq!(Heap::dma_alloc(0, BufferDirection::Both).0, 0);
    }
}
