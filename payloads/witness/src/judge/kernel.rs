//! PL1's registers, and the timers PL1 can see.

use report_format::Value;

use super::Rules;
use crate::{EntryState, Mode};

/// SCTLR.M and C.
const SCTLR_M_C: u32 = 1 << 2 | 1;
/// SCTLR (DDI 0406C, B4.1.130): M, A, C, EE and TE off.
const SCTLR_OFF: u32 = 1 << 30 | 1 << 25 | 1 << 2 | 1 << 1 | 1;
/// SCTLR.I: free for who is entered in PL1, reset-like for who is entered in HYP.
const SCTLR_I: u32 = 1 << 12;
/// SCTLR.CP15BEN: the CP15 barriers work.
const SCTLR_CP15BEN: u32 = 1 << 5;
/// ENABLE of a timer's control register.
const TIMER_ENABLE: u32 = 1;

pub(super) fn judge(state: &EntryState, rules: &mut Rules<'_>) {
    rules.masked("pl1.mmu_off", state.sctlr, SCTLR_M_C, 0);
    let icache = if state.mode() == Mode::Hyp {
        SCTLR_I
    } else {
        0
    };
    rules.masked(
        "pl1.sctlr",
        state.sctlr,
        SCTLR_OFF | icache | SCTLR_CP15BEN,
        SCTLR_CP15BEN,
    );
    rules.equal("pl1.ttbcr", state.ttbcr, 0);
    rules.holds(
        "timer.cntfrq",
        (1_000_000..=1_000_000_000).contains(&state.cntfrq),
        state.cntfrq,
        Value::Word("1-MHz-to-1-GHz"),
    );
    rules.masked("timer.cntp", state.cntp_ctl, TIMER_ENABLE, 0);
    rules.masked("timer.cntv", state.cntv_ctl, TIMER_ENABLE, 0);
}
