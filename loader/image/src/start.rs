//! bring-up
use crate::{crash, early::{EarlyInfo, HOME_SIZE}, heap, mapping::AddressSpace};
use core::fmt::Write;
use platform_api::{Guard, FaultKind, PhysRange, PhysAddr};
use platform_armv7::{entry::{self, EntryState}, guard::FaultGuard, layout, cpu};
struct W; impl Write for W { fn write_str(&mut self, s:&str)->core::fmt::Result { for b in s.bytes() { unsafe { platform_drivers::uart::pl011::raw_put(core::ptr::NonNull::new(0x0900_0000 as *mut u8).unwrap(), b) } } Ok(()) } }
#[unsafe(no_mangle)]
unsafe extern "C" fn baton_main(info: &EarlyInfo, state: &EntryState) -> ! {
    let _ = entry::install_vectors();
    let _ = writeln!(W, "hello {:?} info tree {:?} home {:?} banks {:?} res {:?}", state, info.tree, info.home, info.memory.banks, info.memory.reserved);
    let _ = writeln!(W, "image {:?} text {:?} data {:?} stack {:?}", layout::image(), layout::text(), layout::data(), layout::stack());
    crash::set_uart(0x0900_0000);
    let mut space = unsafe { AddressSpace::new(&info.memory.banks, info.home) }.unwrap();
    let _ = space.map_device(PhysRange::from_size(PhysAddr::new(0x0900_0000), 0x1000).unwrap());
    space.commit();
    let _ = writeln!(W, "mmu on {:?}", cpu::facts());
    let heap_range = PhysRange::new(layout::image().end(), info.home.end()).unwrap();
    unsafe { heap::init(heap_range) };
    let v = alloc::vec![1u8; 100000];
    let _ = writeln!(W, "heap {:?} {:p}", heap::touched(), v.as_ptr());
    for k in [FaultKind::Undefined, FaultKind::Data, FaultKind::Prefetch, FaultKind::Unaligned, FaultKind::StackOverflow, FaultKind::Call] {
        let _ = writeln!(W, "==== {k:?}");
        let r = FaultGuard.run(&mut || { FaultGuard.provoke(k); });
        let _ = writeln!(W, "back: {r:?}");
    }
    let _ = HOME_SIZE;
    loop {}
}
