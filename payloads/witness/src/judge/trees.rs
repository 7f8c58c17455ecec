//! The tree's sanity, and the command line's.

use report_format::Value;

use super::{Evidence, Rules};
use crate::tree::TreeFacts;

const RULES: &[&str] = &[
    "tree.memory",
    "tree.bootargs",
    "tree.stdout",
    "tree.boot_cpu",
    "tree.arguments",
    "tree.initrd",
];

pub(super) fn judge(evidence: &Evidence<'_>, rules: &mut Rules<'_>) {
    match evidence.tree {
        Ok(facts) => {
            rules.holds("tree.valid", true, 0_u32, 0_u32);
            judge_facts(evidence, facts, rules);
        }
        Err(error) => {
            let (value, part) = error.parts();
            rules.holds("tree.valid", false, Value::from(value), Value::Word(part));
            for name in RULES {
                rules.skip(name, "no valid tree");
            }
        }
    }
}

fn judge_facts(evidence: &Evidence<'_>, facts: &TreeFacts<'_>, rules: &mut Rules<'_>) {
    let (present, absent) = (Value::Word("present"), Value::Word("absent"));
    let presence = |is: bool| if is { present } else { absent };
    let bytes: u64 = facts.memory.iter().map(|bank| bank.end - bank.start).sum();
    rules.holds("tree.memory", bytes != 0, bytes, present);
    rules.equal("tree.bootargs", presence(facts.bootargs.is_some()), present);
    rules.equal("tree.stdout", presence(facts.stdout.is_some()), present);
    rules.equal("tree.boot_cpu", facts.boot_cpu, evidence.state.affinity());
    rules.holds(
        "tree.arguments",
        evidence.argument_error.is_none(),
        Value::Word("unreadable"),
        Value::Word("readable"),
    );
    let wanted = evidence.arguments.initrd.is_some();
    match (facts.initrd_start, facts.initrd_end) {
        (None, None) if wanted => rules.equal("tree.initrd", absent, present),
        (None, None) => rules.skip("tree.initrd", "no initrd in the tree"),
        (Some(start), Some(end)) => rules.holds("tree.initrd", start < end, end, start),
        _ => rules.equal(
            "tree.initrd",
            Value::Word("one-end"),
            Value::Word("both-ends"),
        ),
    }
}
