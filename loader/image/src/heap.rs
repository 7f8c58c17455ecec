//! The heap: the part of the home that the image leaves.

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    ptr::NonNull,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering, compiler_fence},
};

use linked_list_allocator::Heap;
use platform_api::{PhysAddr, PhysRange};

/// The allocator. One CPU and no interrupts, so no lock: only a flag that says a change is
/// under way, for the fault handler.
struct LoaderHeap {
    heap: UnsafeCell<Heap>,
    busy: AtomicBool,
    start: AtomicUsize,
    end: AtomicUsize,
    highest: AtomicUsize,
}

// SAFETY: the loader runs on one CPU with interrupts masked: nobody else can enter.
unsafe impl Sync for LoaderHeap {}

#[global_allocator]
static HEAP: LoaderHeap = LoaderHeap {
    heap: UnsafeCell::new(Heap::empty()),
    busy: AtomicBool::new(false),
    start: AtomicUsize::new(0),
    end: AtomicUsize::new(0),
    highest: AtomicUsize::new(0),
};

impl LoaderHeap {
    fn with<R>(&self, change: impl FnOnce(&mut Heap) -> R) -> R {
        self.busy.store(true, Ordering::Relaxed);
        // The fault handler looks at `busy`: no change of the heap may move across it.
        compiler_fence(Ordering::SeqCst);
        // SAFETY: one CPU, no interrupts, and an exception never allocates, so there is no
        // other reference; `busy` keeps a recovered fault from coming back in.
        let result = change(unsafe { &mut *self.heap.get() });
        compiler_fence(Ordering::SeqCst);
        self.busy.store(false, Ordering::Relaxed);
        result
    }
}

// SAFETY: linked_list_allocator returns disjoint blocks of the memory given to `init`.
unsafe impl GlobalAlloc for LoaderHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let block = self.with(|heap| heap.allocate_first_fit(layout));
        match block {
            Ok(block) => {
                let end = block.as_ptr() as usize + layout.size();
                if end > self.highest.load(Ordering::Relaxed) {
                    self.highest.store(end, Ordering::Relaxed);
                }
                block.as_ptr()
            }
            Err(()) => core::ptr::null_mut(),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(block) = NonNull::new(block) {
            // SAFETY: GlobalAlloc's caller gives back a block of this allocator with its layout.
            self.with(|heap| unsafe { heap.deallocate(block, layout) });
        }
    }
}

/// Gives the heap its memory.
///
/// # Safety
/// `range` is mapped writable RAM that nobody else uses. Called once.
pub unsafe fn init(range: PhysRange) {
    let (Some(start), Ok(size)) = (range.start().as_u32(), usize::try_from(range.size())) else {
        return;
    };
    HEAP.start.store(start as usize, Ordering::Relaxed);
    HEAP.end.store(start as usize + size, Ordering::Relaxed);
    HEAP.highest.store(start as usize, Ordering::Relaxed);
    // SAFETY: the caller's word.
    HEAP.with(|heap| unsafe { heap.init(start as *mut u8, size) });
}

/// Returns the part of the heap that was ever written, with the allocator's own node after it.
pub fn touched() -> PhysRange {
    const NODE: usize = 64;
    let load = |address: &AtomicUsize| address.load(Ordering::Relaxed);
    // Not behind the heap: what follows it may be no RAM, and cleaning that faults.
    let end = (load(&HEAP.highest) + NODE).min(load(&HEAP.end));
    let address = |address| PhysAddr::new(address as u64);
    PhysRange::new(address(load(&HEAP.start)), address(end)).unwrap_or_default()
}

/// Says why a fault cannot be recovered from: it came in the middle of a change of the heap.
pub fn recovery_check() -> Option<&'static str> {
    HEAP.busy
        .load(Ordering::Relaxed)
        .then_some("the fault came while the heap was being changed")
}
