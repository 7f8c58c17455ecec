//! The entry code, and the state it saved.

use core::mem::offset_of;

use witness::EntryState;

/// The number of the HVC that leaves HYP for an image.
pub const LEAVE: u32 = 0xbe01;

/// The number of the HVC that calls a function in HYP.
pub const CALL: u32 = 0xbe02;

core::arch::global_asm!(
    include_str!("entry.S"),
    CALL = const CALL,
    LEAVE = const LEAVE,
    STATE_SIZE = const size_of::<EntryState>(),
    STATE_SHIFT = const size_of::<EntryState>().trailing_zeros(),
    GENERAL = const offset_of!(EntryState, general),
    BASE = const offset_of!(EntryState, base),
    CPSR = const offset_of!(EntryState, cpsr),
    SCRATCH_DIRTY = const offset_of!(EntryState, scratch_dirty),
    UNDEFINED = const offset_of!(EntryState, undefined),
    SECURE = const offset_of!(EntryState, secure),
    IMAGE_CRC = const offset_of!(EntryState, image_crc),
    CNTVOFF = const offset_of!(EntryState, cntvoff),
    VTTBR = const offset_of!(EntryState, vttbr),
    HTTBR = const offset_of!(EntryState, httbr),
    CNTPCT = const offset_of!(EntryState, cntpct),
    MIDR = const offset_of!(EntryState, midr),
    MPIDR = const offset_of!(EntryState, mpidr),
    CTR = const offset_of!(EntryState, ctr),
    ID_PFR1 = const offset_of!(EntryState, id_pfr1),
    ID_DFR0 = const offset_of!(EntryState, id_dfr0),
    SCTLR = const offset_of!(EntryState, sctlr),
    ACTLR = const offset_of!(EntryState, actlr),
    CPACR = const offset_of!(EntryState, cpacr),
    TTBCR = const offset_of!(EntryState, ttbcr),
    VBAR = const offset_of!(EntryState, vbar),
    PMCR = const offset_of!(EntryState, pmcr),
    CNTFRQ = const offset_of!(EntryState, cntfrq),
    CNTKCTL = const offset_of!(EntryState, cntkctl),
    CNTP_CTL = const offset_of!(EntryState, cntp_ctl),
    CNTV_CTL = const offset_of!(EntryState, cntv_ctl),
    HSCTLR = const offset_of!(EntryState, hsctlr),
    HACTLR = const offset_of!(EntryState, hactlr),
    HCR = const offset_of!(EntryState, hcr),
    HDCR = const offset_of!(EntryState, hdcr),
    HCPTR = const offset_of!(EntryState, hcptr),
    HSTR = const offset_of!(EntryState, hstr),
    HVBAR = const offset_of!(EntryState, hvbar),
    HTCR = const offset_of!(EntryState, htcr),
    VTCR = const offset_of!(EntryState, vtcr),
    VPIDR = const offset_of!(EntryState, vpidr),
    VMPIDR = const offset_of!(EntryState, vmpidr),
    CNTHCTL = const offset_of!(EntryState, cnthctl),
    CNTHP_CTL = const offset_of!(EntryState, cnthp_ctl),
);

unsafe extern "C" {
    /// In entry.S; written by the entry code before any Rust runs, and never again.
    #[link_name = "entry_state"]
    static ENTRY_STATE: EntryState;
}

/// Returns the state the payload was entered in.
pub fn state() -> &'static EntryState {
    // SAFETY: entry.S reserves size_of::<EntryState>() bytes, aligned to as many, under this
    // name, has filled them with words (any bits are a valid EntryState), and nothing writes
    // them once Rust runs.
    unsafe { &ENTRY_STATE }
}

/// Reads the image's length from the header at `base`.
pub fn image_length(base: u32) -> u32 {
    // SAFETY: the header is part of this image, which lies at `base` and is readable: this
    // code runs from it.
    unsafe { ((base + 0x2c) as *const u32).read_volatile() }
}

/// Reads from the header at `base` how much memory the image wants from there on.
pub fn run_time_size(base: u32) -> u32 {
    // SAFETY: as for `image_length`.
    unsafe { ((base + 0x5c) as *const u32).read_volatile() }
}
