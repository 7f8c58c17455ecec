//! The other processors, as they come when a payload starts them: "every CPU in the same mode,
//! all others off", and able to start and stop again.

use report_format::Value;

use super::{Evidence, Rules, entry, hyp};
use crate::survey::{OFF, SecondaryState, Started};

/// Each rule, and for a CPU: what was found, and what is owed.
type Rule = (
    &'static str,
    fn(&Evidence<'_>, u32, &SecondaryState) -> (u32, u32),
);

const RULES: &[Rule] = &[
    ("cpus.mode", |evidence, _, came| {
        (came.cpsr & 0x1f, evidence.state.cpsr & 0x1f)
    }),
    ("cpus.masks", |_, _, came| {
        (came.cpsr & entry::MASKS, entry::MASKS)
    }),
    ("cpus.arm", |_, _, came| {
        (came.cpsr & entry::INSTRUCTION_SET, 0)
    }),
    ("cpus.context", |_, affinity, came| {
        (came.r0, SecondaryState::context(affinity))
    }),
    ("cpus.number", |_, affinity, came| {
        (came.mpidr & 0x00ff_ffff, affinity)
    }),
    // MMU and data cache, of HYP and of PL1.
    ("cpus.mmu_off", |_, _, came| {
        ((came.hsctlr | came.sctlr) & hyp::HSCTLR_M_C, 0)
    }),
    ("cpus.untrapped", |_, _, came| {
        (came.hcr & hyp::HCR_DEFINED, 0)
    }),
];

pub(super) fn judge(evidence: &Evidence<'_>, rules: &mut Rules<'_>) {
    let started = &evidence.survey.started;
    if started.is_empty() {
        let names = RULES.iter().map(|(name, _)| *name);
        for name in ["cpus.start"].into_iter().chain(names).chain(["cpus.stop"]) {
            rules.skip(name, "no other CPU could be started");
        }
        return;
    }
    let failure = started.iter().find(|(_, started)| started.state.is_none());
    let answer = failure.map_or(Value::Word("came"), |(_, started)| match started.answer {
        0 => Value::Word("never-came"),
        // Two's complement, as the register has it.
        answer => Value::from(answer.cast_unsigned()),
    });
    rules.equal("cpus.start", answer, Value::Word("came"));
    for (name, find) in RULES {
        // The first CPU that is not as it must be, else any that is.
        let mut found = started
            .iter()
            .filter_map(|(affinity, Started { state, .. })| {
                Some(find(evidence, *affinity, state.as_ref()?))
            });
        let bad = found.clone().find(|(got, want)| got != want);
        match bad.or(found.next_back()) {
            Some((got, want)) => rules.equal(name, got, want),
            None => rules.skip(name, "no other CPU came"),
        }
    }
    let running = started.iter().find(|(_, started)| started.after != OFF);
    let after = running.map_or(OFF, |(_, started)| started.after);
    rules.equal("cpus.stop", after.cast_unsigned(), OFF.cast_unsigned());
}
