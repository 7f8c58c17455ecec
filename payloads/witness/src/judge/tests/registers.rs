//! What the processor was left in.

use super::*;

#[test]
fn registers_and_mode() {
    state_breaks("regs.r0", |s| s.general[0] = 1, "got=1 want=0");
    state_breaks("regs.r1", |s| s.general[1] = 0, "got=0 want=ffffffff");
    // A tree that is not where r2 says is in nobody's reservation.
    let off = "got=49000004 want=nonzero-multiple-of-8";
    let found = &["regs.r2", "places.unreserved"];
    breaks(found, |e| e.state.general[2] += 4, off);
    state_breaks("mode.masks", |s| s.cpsr &= !(1 << 8), "got=c0 want=1c0");
    state_breaks("mode.masks", |s| s.cpsr &= !(1 << 7), "got=140 want=1c0");
    state_breaks("mode.masks", |s| s.cpsr &= !(1 << 6), "got=180 want=1c0");
    state_breaks("mode.arm", |s| s.cpsr |= 1 << 5, "got=20 want=0");
    state_breaks("mode.endian", |s| s.cpsr |= 1 << 9, "got=200 want=0");
    state_breaks("capture.undefined", |s| s.undefined = 1, "got=1 want=0");
    state_breaks("mode.entry", |s| s.cpsr = 0x1db, "got=1b want=hyp");
}

#[test]
fn hyp_registers() {
    let known = "want=30c50878";
    for bit in [1, 19, 21, 25, 30, 13, 31] {
        let got = 0x30c5_0878_u32 | 1 << bit;
        let failure = format!("got={got:x} {known}");
        state_breaks("hyp.hsctlr", |s| s.hsctlr = got, &failure);
    }
    state_breaks("hyp.hsctlr", |s| s.hsctlr = 0, &format!("got=0 {known}"));
    breaks(
        &["hyp.mmu_off", "hyp.hsctlr"],
        |e| e.state.hsctlr |= 1,
        "got=1 want=0",
    );
    breaks(
        &["hyp.mmu_off", "hyp.hsctlr"],
        |e| e.state.hsctlr |= 4,
        "got=4 want=0",
    );
    state_breaks("hyp.hcr", |s| s.hcr = 1 << 27, "got=8000000 want=0");
    state_breaks("hyp.hcptr", |s| s.hcptr |= 1 << 31, "got=80000000 want=0");
    state_breaks("hyp.hcptr", |s| s.hcptr |= 3 << 10, "got=c00 want=0");
    state_breaks("hyp.hstr", |s| s.hstr = 1 << 15, "got=8000 want=0");
    state_breaks("hyp.hdcr", |s| s.hdcr = 0, "got=0 want=6");
    state_breaks("hyp.hdcr", |s| s.hdcr |= 1 << 6, "got=46 want=6");
    state_breaks("hyp.cnthctl", |s| s.cnthctl = 0, "got=0 want=3");
    state_breaks("hyp.cnthctl", |s| s.cnthctl = 7, "got=7 want=3");
    let high = 1 << 32;
    state_breaks("hyp.cntvoff", |s| s.cntvoff = high, "got=100000000 want=0");
    state_breaks("hyp.vttbr", |s| s.vttbr = high, "got=100000000 want=0");
    state_breaks("hyp.vpidr", |s| s.vpidr = 0, "got=0 want=414fc0f0");
    state_breaks("hyp.vmpidr", |s| s.vmpidr = 1, "got=1 want=80000000");
    state_breaks("timer.cnthp", |s| s.cnthp_ctl = 5, "got=1 want=0");
}

#[test]
fn hvbar_lies_in_nobodys_memory() {
    for (hvbar, failure) in [
        (0x4800_0000, "got=48000000 want=outside-image"),
        (0x4800_cfe0, "got=4800cfe0 want=outside-image"),
        (0x4900_0000, "got=49000000 want=outside-tree"),
        (0x4a0e_ffe0, "got=4a0effe0 want=outside-initrd"),
    ] {
        state_breaks("hyp.hvbar", |s| s.hvbar = hvbar, failure);
    }
}

#[test]
fn pl1_registers_and_timers() {
    for (bit, failure) in [
        (1, "got=22 want=20"),
        (12, "got=1020 want=20"),
        (25, "got=2000020 want=20"),
        (30, "got=40000020 want=20"),
    ] {
        state_breaks("pl1.sctlr", |s| s.sctlr |= 1 << bit, failure);
    }
    state_breaks("pl1.sctlr", |s| s.sctlr &= !(1 << 5), "got=0 want=20");
    let mmu = &["pl1.mmu_off", "pl1.sctlr"];
    breaks(mmu, |e| e.state.sctlr |= 1, "got=1 want=0");
    breaks(mmu, |e| e.state.sctlr |= 4, "got=4 want=0");
    state_breaks("pl1.ttbcr", |s| s.ttbcr = 1 << 31, "got=80000000 want=0");
    let sane = "want=1-MHz-to-1-GHz";
    state_breaks("timer.cntfrq", |s| s.cntfrq = 0, &format!("got=0 {sane}"));
    let slow = format!("got=8000 {sane}");
    state_breaks("timer.cntfrq", |s| s.cntfrq = 32_768, &slow);
    state_breaks("timer.cntp", |s| s.cntp_ctl = 1, "got=1 want=0");
    state_breaks("timer.cntv", |s| s.cntv_ctl = 1, "got=1 want=0");
}

#[test]
fn in_svc_the_rules_of_hyp_are_skipped_and_the_icache_is_free() {
    let mut case = Case::good();
    case.state.cpsr = 0x1d3;
    case.state.hcr = 1;
    case.state.sctlr |= 1 << 12;
    case.same_mode_everywhere();
    let found = case.judge();
    for (rule, verdict) in &found {
        let expected = match rule.as_str() {
            "mode.hyp" | "timer.cnthp" => "SKIP",
            rule if rule.starts_with("hyp.") => "SKIP",
            _ => "PASS",
        };
        assert_eq!(verdict, expected, "{rule}");
    }
}

#[test]
fn registers_a_processor_has_not_are_excused() {
    let old = |timer: u32, monitors: u32, undefined: u32| EntryState {
        cpsr: 0x1d3,
        id_pfr1: timer << 16,
        id_dfr0: monitors << 24,
        undefined,
        ..EntryState::default()
    };
    for (state, passes) in [
        (old(1, 2, 0), true),
        (old(1, 2, 1), false),
        (old(0, 2, 5), true),
        (old(0, 2, 6), false),
        (old(1, 0xf, 1), true),
        (old(1, 0, 2), false),
    ] {
        let mut case = Case::good();
        case.state = state;
        let found = &case.judge()["capture.undefined"];
        assert_eq!(found == "PASS", passes, "{state:?}");
    }
}
