//! The monitor that stays below us when we were entered in secure state: its memory, and what it
//! has to do on this board.

use baton_core::devicetree::Discovery;
use platform_api::PhysRange;
use platform_armv7::{
    cpu,
    entry::EntryState,
    layout,
    monitor::{self, BYTES, InstallError, Plan},
};

use crate::early::EarlyInfo;

/// Bytes of heap that the home must keep.
const HEAP: u64 = 1 << 20;

/// Cuts the monitor's pages off the home's end, if there is a monitor and room for it. From here on
/// they are reserved memory that is never mapped. Called once, with the MMU off.
pub fn pages(info: &mut EarlyInfo, state: &EntryState) -> Option<PhysRange> {
    monitor::note(state);
    if !monitor::is_resident() {
        return None;
    }
    let end = info.home.end();
    let start = end.checked_sub(BYTES)?.align_down(BYTES);
    let pages = PhysRange::from_size(start, BYTES)?;
    let home = PhysRange::new(info.home.start(), start)?;
    if home.size() < layout::image().size() + HEAP || info.memory.no_map.try_push(pages).is_err() {
        return None;
    }
    info.home = home;
    // SAFETY: the MMU is off; the pages are the home's, which is nobody else's, and hold nothing.
    unsafe { monitor::prepare(pages) };
    Some(pages)
}

/// Tells the monitor what it has to do on this board, and moves it to its pages.
pub fn install(found: &Discovery, pages: PhysRange) -> Result<(), InstallError> {
    let plan = Plan {
        cpus: &[(cpu::affinity(), &[])],
        timer_frequency: found.timer_frequency.unwrap_or(0),
        ..Plan::default()
    };
    // SAFETY: `pages` was cut off and prepared at the start, and nothing was loaded or unpacked
    // since, so the image's first copy is whole. The steps are those of the drivers that have
    // bound to this machine's devices.
    unsafe { monitor::install(&plan, pages) }
}
