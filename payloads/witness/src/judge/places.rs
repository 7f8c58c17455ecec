//! Where image, tree and initrd lie, and whether their bytes arrived.

use report_format::Value;

use super::{Evidence, Rules};
use crate::Range;
use crate::tree::{MAGIC, TreeFacts};

/// What images are aligned to (docs/image-format.md).
const IMAGE_ALIGNMENT: u32 = 4096;

pub(super) fn judge(evidence: &Evidence<'_>, rules: &mut Rules<'_>) {
    let state = evidence.state;
    rules.masked("image.aligned", state.base, IMAGE_ALIGNMENT - 1, 0);
    rules.equal("image.scratch", state.scratch_dirty, 0);
    // A stale tree behind the image would be taken for an appended one.
    let word = evidence.image.word_after;
    rules.holds(
        "image.appended",
        word != MAGIC,
        word,
        Value::Word("no-tree"),
    );
    judge_crc(
        "image.crc",
        Some(state.image_crc),
        evidence.arguments.image,
        rules,
    );
    judge_crc(
        "initrd.crc",
        evidence.initrd_crc,
        evidence.arguments.initrd,
        rules,
    );
    match evidence.tree {
        Ok(facts) => judge_ranges(evidence, facts, rules),
        Err(_) => {
            for name in RULES {
                rules.skip(name, "no valid tree");
            }
        }
    }
}

const RULES: &[&str] = &[
    "image.ram",
    "tree.ram",
    "initrd.ram",
    "places.disjoint",
    "places.unreserved",
];

fn judge_crc(name: &str, got: Option<u32>, want: Option<u32>, rules: &mut Rules<'_>) {
    match (got, want) {
        (Some(got), Some(want)) => rules.equal(name, got, want),
        (None, Some(want)) => rules.holds(name, false, Value::Word("absent"), want),
        (_, None) => rules.skip(name, "not told on the command line"),
    }
}

fn judge_ranges(evidence: &Evidence<'_>, facts: &TreeFacts<'_>, rules: &mut Rules<'_>) {
    let image = evidence.image();
    let tree = evidence.tree_range().unwrap_or_default();
    let initrd = evidence.initrd();
    let in_ram = Value::Word("in-ram");
    rules.holds("image.ram", facts.in_ram(image), image.start, in_ram);
    rules.holds("tree.ram", facts.in_ram(tree), tree.start, in_ram);
    match initrd {
        Some(initrd) => rules.holds("initrd.ram", facts.in_ram(initrd), initrd.start, in_ram),
        None => rules.skip("initrd.ram", "no initrd in the tree"),
    }

    let initrd = initrd.unwrap_or_default();
    let clash = [
        (image, tree, "image-and-tree"),
        (image, initrd, "image-and-initrd"),
        (tree, initrd, "tree-and-initrd"),
    ]
    .into_iter()
    .find(|(one, other, _)| one.overlaps(*other));
    let name = clash.map_or("none", |(_, _, name)| name);
    rules.equal("places.disjoint", Value::Word(name), Value::Word("none"));

    let intruder = [
        (intrudes(facts, image, false), "image"),
        (intrudes(facts, tree, true), "tree"),
        (intrudes(facts, initrd, true), "initrd"),
    ]
    .into_iter()
    .find(|(intrudes, _)| *intrudes);
    let name = intruder.map_or("none", |(_, name)| name);
    rules.equal("places.unreserved", Value::Word(name), Value::Word("none"));
}

/// Tells whether `range` lies in memory that is reserved for somebody else. Loaders enter the
/// tree and the initrd in the reservation block to protect them (`own`): there, an entry that
/// holds all of it is its own.
fn intrudes(facts: &TreeFacts<'_>, range: Range, own: bool) -> bool {
    let reserved = facts
        .reservations
        .iter()
        .filter(|entry| !(own && entry.contains(range)));
    reserved
        .chain(&facts.reserved_memory)
        .any(|entry| entry.overlaps(range))
}
