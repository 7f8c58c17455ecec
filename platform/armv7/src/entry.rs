//! What the entry code found.

use crate::{
    layout,
    registers::{Hvbar, Vbar, isb},
    secure,
};

pub use crate::asm::EARLY_INFO_SIZE;

/// The state the caller left, as entry.S pushed it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct EntryState {
    /// r0: 0, or `go`'s argc.
    pub r0: u32,
    /// r1: the machine number, or `go`'s argv.
    pub r1: u32,
    /// r2: the device tree, unless `go` entered.
    pub r2: u32,
    /// Where the image was put.
    pub load_address: u32,
    /// The program status.
    pub cpsr: u32,
    /// SCTLR.
    pub control: u32,
    /// VBAR.
    pub vectors: u32,
    /// HSCTLR; 0 if the loader does not run in HYP.
    pub hyp_control: u32,
    /// HVBAR; 0 if the loader does not run in HYP.
    pub hyp_vectors: u32,
    /// How it came to the mode it runs in: a [`Way`].
    pub way: u32,
}

/// How the loader came to the mode it runs in, as entry.S writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Way {
    /// It was entered in it.
    Entered = 0,
    /// To HYP by the stub that a kernel left there.
    Stub = 1,
    /// To HYP from secure state, by a monitor of its own.
    OwnMonitor = 2,
}

unsafe extern "C" {
    fn set_abort_stack();
}

/// Installs the vectors that report and recover. Called once, at home, before anything that
/// can fault on purpose.
pub fn install_vectors() {
    let hyp = crate::registers::cpsr() & 0x1f == 0x1a;
    let (Some(hyp_table), Some(pl1_table)) = (
        layout::hyp_vectors_address().as_u32(),
        layout::pl1_vectors_address().as_u32(),
    ) else {
        // The image runs below 4 GiB: not reached.
        return;
    };
    // SAFETY: the tables are 32-byte aligned code of this image, which stays where it is now;
    // they use stacks of the image alone. set_abort_stack is called in SVC mode, as it wants.
    unsafe {
        if hyp {
            Hvbar::write(hyp_table);
        } else {
            set_abort_stack();
            Vbar::write(pl1_table);
        }
    }
    isb();
    if !hyp {
        secure::probe();
    }
}
