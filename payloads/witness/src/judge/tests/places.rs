//! Where image, tree and initrd lie, and what arrived.

use super::*;

#[test]
fn what_was_promised_has_arrived() {
    breaks(
        &["image.crc"],
        |e| e.arguments.image = Some(1),
        "got=1234abcd want=1",
    );
    breaks(
        &["initrd.crc"],
        |e| e.initrd_crc = Some(2),
        "got=2 want=cafe",
    );
    breaks(
        &["initrd.crc"],
        |e| e.initrd_crc = None,
        "got=absent want=cafe",
    );
    let stale = |e: &mut Case| e.image.word_after = 0xd00d_feed;
    breaks(&["image.appended"], stale, "got=d00dfeed want=no-tree");
    state_breaks("image.scratch", |s| s.scratch_dirty = 9, "got=9 want=0");
    state_breaks("image.aligned", |s| s.base += 0x800, "got=800 want=0");
}

#[test]
fn a_promised_initrd_that_is_missing_fails() {
    let mut case = Case::good();
    (case.facts.initrd_start, case.facts.initrd_end) = (None, None);
    case.initrd_crc = None;
    let found = case.judge();
    only_fail(
        &["tree.initrd", "initrd.crc"],
        &found,
        "got=absent want=present",
    );

    case.arguments.initrd = None;
    let found = case.judge();
    assert_eq!(found["tree.initrd"], "SKIP");
    assert_eq!(found["initrd.crc"], "SKIP");
    assert_eq!(found["initrd.ram"], "SKIP");
}

#[test]
fn nothing_overlaps() {
    // The tree moves; its reservation does not, and is then somebody else's if they touch.
    let tree_at = |address| move |e: &mut Case| e.state.general[2] = address;
    let clash = &["places.disjoint"];
    breaks(clash, tree_at(0x4800_c000), "got=image-and-tree want=none");
    let clash = &["places.disjoint", "places.unreserved"];
    breaks(clash, tree_at(0x49ff_8000), "got=tree-and-initrd want=none");
    let image = |e: &mut Case| e.state.base = 0x4a00_0000;
    breaks(clash, image, "got=image-and-initrd want=none");

    let reserve =
        |start| move |f: &mut TreeFacts<'_>| f.reserved_memory.push(Range::sized(start, 8));
    let intruded = &["places.unreserved"];
    facts_break(intruded, reserve(0x4800_0800), "got=image want=none");
    facts_break(intruded, reserve(0x4900_0800), "got=tree want=none");
    facts_break(intruded, reserve(0x4a00_0800), "got=initrd want=none");
}

#[test]
fn all_of_it_lies_in_ram() {
    let base = |e: &mut Case| e.state.base = 0x5fff_f000;
    breaks(&["image.ram"], base, "got=5ffff000 want=in-ram");
    let tree = |e: &mut Case| e.state.general[2] = 0x3fff_8000;
    breaks(&["tree.ram"], tree, "got=3fff8000 want=in-ram");
    let initrd = |f: &mut TreeFacts<'_>| {
        (f.initrd_start, f.initrd_end) = (Some(0x7000_0000), Some(0x7000_1000));
    };
    facts_break(&["initrd.ram"], initrd, "got=70000000 want=in-ram");
}
