//! HYP's registers.

use report_format::Value;

use super::{Evidence, NOT_HYP, Rules};
use crate::{EntryState, Mode, Range};

/// HSCTLR.M and C: MMU and data cache.
pub(super) const HSCTLR_M_C: u32 = 1 << 2 | 1;
/// HSCTLR.I: the instruction cache, which is free.
const HSCTLR_I: u32 = 1 << 12;
/// HSCTLR with everything off, exceptions in ARM state and little-endian: the bits that should
/// be one (29, 28, 23, 22, 18, 16, 11, 6, 4, 3) and CP15BEN (5), as DDI 0406C describes it. The
/// value Xen builds on for Armv7, but for I.
pub(super) const HSCTLR_KNOWN: u32 = 0x30c5_0878;
/// The same as Armv8 describes it (DDI 0601, HSCTLR): there bit 6 is reserved as zero.
pub(super) const HSCTLR_KNOWN_V8: u32 = 0x30c5_0838;
/// HCPTR: TCPAC, TTA, TASE, TCP11 and TCP10. The other TCPn belong to coprocessors that are not
/// there, and read as ones or zeros as the processor likes.
const HCPTR_TRAPS: u32 = 1 << 31 | 1 << 20 | 1 << 15 | 1 << 11 | 1 << 10;
/// CNTHCTL.PL1PCEN and PL1PCTEN: PL1 uses the physical timer and counter; no event stream.
const CNTHCTL_FREE: u32 = 3;
/// Bytes of a vector table.
const VECTORS: u64 = 32;

const RULES: &[&str] = &[
    "hyp.mmu_off",
    "hyp.hsctlr",
    "hyp.hcr",
    "hyp.hcptr",
    "hyp.hstr",
    "hyp.hdcr",
    "hyp.cnthctl",
    "hyp.cntvoff",
    "hyp.vttbr",
    "hyp.vpidr",
    "hyp.vmpidr",
    "hyp.hvbar",
    "timer.cnthp",
];

/// HCR's bits that ARMv7 defines; 31:28 are UNK/SBZP (DDI 0406C B4.1.65). QEMU 10 reads bit 31 as
/// one whatever was written.
pub(super) const HCR_DEFINED: u32 = 0x0fff_ffff;

pub(super) fn judge(evidence: &Evidence<'_>, rules: &mut Rules<'_>) {
    let state = evidence.state;
    if state.mode() != Mode::Hyp {
        for name in RULES {
            rules.skip(name, NOT_HYP);
        }
        return;
    }
    rules.masked("hyp.mmu_off", state.hsctlr, HSCTLR_M_C, 0);
    let hsctlr = state.hsctlr & !HSCTLR_I;
    let known = hsctlr == HSCTLR_KNOWN || hsctlr == HSCTLR_KNOWN_V8;
    rules.holds("hyp.hsctlr", known, state.hsctlr, HSCTLR_KNOWN);
    rules.masked("hyp.hcr", state.hcr, HCR_DEFINED, 0);
    rules.masked("hyp.hcptr", state.hcptr, HCPTR_TRAPS, 0);
    rules.equal("hyp.hstr", state.hstr, 0);
    // HDCR: no debug or monitor traps, and HPMN leaves PL1 every counter there is.
    rules.equal("hyp.hdcr", state.hdcr, counters(state));
    rules.equal("hyp.cnthctl", state.cnthctl, CNTHCTL_FREE);
    rules.equal("hyp.cntvoff", state.cntvoff, 0);
    rules.equal("hyp.vttbr", state.vttbr, 0);
    rules.equal("hyp.vpidr", state.vpidr, state.midr);
    rules.equal("hyp.vmpidr", state.vmpidr, state.mpidr);
    judge_hvbar(evidence, rules);
    rules.masked("timer.cnthp", state.cnthp_ctl, 1, 0);
}

/// Returns PMCR.N: how many event counters there are.
fn counters(state: &EntryState) -> u32 {
    state.pmcr >> 11 & 0x1f
}

/// HVBAR may be stale, but not in memory that is somebody's now: the next HVC would run it.
fn judge_hvbar(evidence: &Evidence<'_>, rules: &mut Rules<'_>) {
    let vectors = Range::sized(u64::from(evidence.state.hvbar), VECTORS);
    let inside = [
        (Some(evidence.image()), "outside-image"),
        (evidence.tree_range(), "outside-tree"),
        (evidence.initrd(), "outside-initrd"),
    ]
    .into_iter()
    .find(|(range, _)| range.is_some_and(|range| range.overlaps(vectors)));
    let want = inside.map_or("outside", |(_, want)| want);
    rules.holds(
        "hyp.hvbar",
        inside.is_none(),
        Value::from(evidence.state.hvbar),
        Value::Word(want),
    );
}
