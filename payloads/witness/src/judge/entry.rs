//! General registers and the program status register.

use report_format::Value;

use super::{NOT_HYP, Rules};
use crate::{EntryState, Mode};

/// CPSR (DDI 0406C, B1.3.3): asynchronous aborts, IRQs and FIQs masked.
pub(super) const MASKS: u32 = 1 << 8 | 1 << 7 | 1 << 6;
/// CPSR.J and CPSR.T: neither Jazelle nor Thumb.
pub(super) const INSTRUCTION_SET: u32 = 1 << 24 | 1 << 5;
/// CPSR.E: big-endian data.
const BIG_ENDIAN: u32 = 1 << 9;

pub(super) fn judge(state: &EntryState, rules: &mut Rules<'_>) {
    let [r0, r1, r2, ..] = state.general;
    rules.equal("regs.r0", r0, 0);
    rules.equal("regs.r1", r1, u32::MAX);
    rules.holds(
        "regs.r2",
        r2 != 0 && r2.is_multiple_of(8),
        r2,
        Value::Word("nonzero-multiple-of-8"),
    );
    match state.mode() {
        Mode::Hyp => {
            rules.holds("mode.entry", true, 0_u32, 0_u32);
            rules.holds("mode.hyp", true, 0_u32, 0_u32);
        }
        Mode::Svc => {
            rules.holds("mode.entry", true, 0_u32, 0_u32);
            rules.skip("mode.hyp", NOT_HYP);
        }
        Mode::Other(mode) => {
            rules.holds("mode.entry", false, Value::from(mode), Value::Word("hyp"));
            rules.skip("mode.hyp", NOT_HYP);
        }
    }
    rules.masked("mode.masks", state.cpsr, MASKS, MASKS);
    rules.masked("mode.arm", state.cpsr, INSTRUCTION_SET, 0);
    rules.masked("mode.endian", state.cpsr, BIG_ENDIAN, 0);
    // A read that was Undefined left a 0 which proves nothing.
    rules.equal("capture.undefined", undefined_owed(state), 0);
}

/// Returns how many reads were Undefined that the processor's features say are not.
fn undefined_owed(state: &EntryState) -> u32 {
    // ID_PFR1.GenTimer and ID_DFR0.PerfMon (DDI 0406C, B4.1.94 and B4.1.82): processors without
    // them lack 5 timer registers (and 3 of HYP's), or PMCR.
    let timer = state.id_pfr1 >> 16 & 0xf != 0;
    let monitors = !matches!(state.id_dfr0 >> 24 & 0xf, 0 | 0xf);
    let hyp = u32::from(state.mode() == Mode::Hyp);
    let excused = if timer { 0 } else { 5 + 3 * hyp } + u32::from(!monitors);
    state.undefined.saturating_sub(excused)
}
