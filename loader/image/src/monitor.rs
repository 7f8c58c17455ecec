//! The monitor that stays below us when we were entered in secure state: its memory, and what it
//! has to do on this board.

use alloc::{
    string::{String, ToString},
    vec::Vec,
};

use baton_core::devicetree::{Discovery, Psci, PsciConduit, WorkingTree};
use platform_api::PhysRange;
use platform_armv7::{
    entry::EntryState,
    layout,
    monitor::{self, BYTES, InstallError},
};

use crate::{early::EarlyInfo, secure::Orders};

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

/// The monitor in its pages.
#[derive(Default)]
pub struct Resident {
    /// Where it stays; `None` if there is none.
    pub pages: Option<PhysRange>,
    /// The CPUs that it can start, the one that runs included.
    pub started: Vec<u32>,
}

/// Moves the monitor, if there is one, to `pages`. Where it has none, or they cannot hold it, it is
/// closed, and the error says so.
///
/// # Safety
/// As [`Orders::new`].
pub unsafe fn settle(
    found: &mut Discovery,
    tree: &WorkingTree,
    pages: Option<PhysRange>,
) -> Result<Resident, String> {
    if !monitor::is_resident() {
        return Ok(Resident::default());
    }
    let installed = match pages {
        // SAFETY: the caller's word.
        Some(pages) => unsafe { install(found, tree, pages) }.map_err(|error| error.to_string()),
        None => Err("no room to stay".into()),
    };
    installed.map_err(|error| {
        // SAFETY: it is where it was entered, and nothing was written there since.
        unsafe { monitor::close() };
        error + ": no PSCI, and interrupts stay secure"
    })
}

/// Tells the monitor what it has to do on this board, and moves it to its pages. From then on
/// `found` has its PSCI, whatever the tree said of another.
unsafe fn install(
    found: &mut Discovery,
    tree: &WorkingTree,
    pages: PhysRange,
) -> Result<Resident, InstallError> {
    // SAFETY: the caller's word.
    let orders = unsafe { Orders::new(found, tree) };
    // SAFETY: `pages` was cut off and prepared at the start, and nothing was loaded or unpacked
    // since, so the image's first copy is whole. The steps are the drivers', for this machine.
    orders.with_plan(|plan| unsafe { monitor::install(plan, pages) })?;
    found.psci = Some(Psci {
        conduit: PsciConduit::Smc,
        legacy: false,
        cpu_on: None,
        cpu_off: None,
    });
    Ok(Resident {
        pages: Some(pages),
        started: orders.started(),
    })
}
