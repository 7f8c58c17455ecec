use super::*;

const BASE: u64 = 0x4000_0000;
const FIRST: u32 = (BASE / 64) as u32;

fn lines() -> Lines {
    Lines::new(BASE, 1 << 20)
}

fn access(line: u32, cached: bool) -> Access {
    Access {
        line: FIRST + line,
        mask: 0xf0,
        cpu: 0,
        cached,
    }
}

/// One level 1 with 4 sets of 2 ways, one level 2 with 8 sets of 4 ways.
fn levels() -> (Level, Level) {
    (Level::new(4, 2), Level::new(8, 4))
}

fn store(lines: &mut Lines, line: u32, cached: bool, speculated: u32) -> Option<Wrong> {
    let fault = lines.store(access(line, cached), Some(0x1234), 1, speculated, 0);
    fault.map(|fault| fault.wrong)
}

fn load(lines: &Lines, line: u32, cached: bool) -> Option<Wrong> {
    lines.load(access(line, cached)).map(|fault| fault.wrong)
}

fn fetch(lines: &mut Lines, cached: bool, kept: bool, since: u32) -> Option<Wrong> {
    let fault = lines.fetch(access(3, cached), kept, since);
    fault.map(|fault| fault.wrong)
}

fn pass(lines: &mut Lines, levels: &mut (Level, Level), level: u32, skip: Option<(u32, u32)>) {
    let (sets, ways) = [(4, 2), (8, 4)][level as usize];
    for set in 0..sets {
        for way in 0..ways {
            if skip == Some((set, way)) {
                continue;
            }
            let op = SetWay {
                cpu: 0,
                level,
                set,
                way,
                clean: true,
                invalidate: true,
            };
            lines.set_way(&mut [&mut levels.0, &mut levels.1], op);
        }
    }
}

#[test]
fn what_the_cpu_wrote_is_dirty_until_cleaned_by_address() {
    let mut lines = lines();
    assert_eq!(store(&mut lines, 3, true, 0), None);
    assert_eq!(load(&lines, 3, false), Some(Wrong::ReadDirty));
    assert_eq!(load(&lines, 3, true), None);
    assert_eq!(lines.dirty_lines(), 1);
    assert_eq!(lines.dirty()[0].writer, Some(0x1234));
    assert!(
        !lines.maintain(FIRST + 2, true, true, false),
        "another line"
    );
    assert!(lines.maintain(FIRST + 3, true, true, false));
    assert_eq!(load(&lines, 3, false), None);
    assert!(lines.dirty().is_empty());
    assert_eq!(lines.dirty_lines(), 0);
}

#[test]
fn cleaned_to_unification_is_still_dirty() {
    let mut lines = lines();
    store(&mut lines, 3, true, 0);
    assert_eq!(fetch(&mut lines, true, false, 1), Some(Wrong::FetchDirty));
    lines.maintain(FIRST + 3, true, false, true);
    assert_eq!(fetch(&mut lines, true, false, 1), None);
    assert_eq!(load(&lines, 3, false), Some(Wrong::ReadDirty));
    assert!(lines.dirty()[0].below_unification);
}

#[test]
fn invalidated_without_a_clean_is_lost() {
    let mut lines = lines();
    store(&mut lines, 3, true, 0);
    lines.maintain(FIRST + 3, false, true, false);
    assert_eq!(load(&lines, 3, true), Some(Wrong::ReadLost));
    assert_eq!(lines.lost(0x4000_0000, 0x4000_1000), [FIRST + 3]);
    store(&mut lines, 3, false, 0);
    assert_eq!(load(&lines, 3, true), None, "written anew");
}

#[test]
fn sets_and_ways_count_when_all_are_done_level_after_level() {
    for (order, skip, clean) in [
        (&[0, 1][..], None, true),
        (&[1, 0], None, false),
        (&[0], None, false),
        (&[1], None, false),
        (&[0, 1], Some((0, (3, 1))), false),
        (&[0, 1], Some((1, (3, 2))), false),
        (&[0, 1], Some((1, (2, 2))), true),
    ] {
        let (mut lines, mut levels) = (lines(), levels());
        store(&mut lines, 3, true, 0);
        for &level in order {
            let skip = skip.filter(|(skipped, _)| *skipped == level);
            pass(&mut lines, &mut levels, level, skip.map(|(_, way)| way));
        }
        assert_eq!(lines.dirty().is_empty(), clean, "{order:?} {skip:?}");
    }
}

#[test]
fn a_store_during_the_pass_stays() {
    let (mut lines, mut levels) = (lines(), levels());
    pass(&mut lines, &mut levels, 0, Some((3, 1)));
    store(&mut lines, 3, true, 0);
    let op = SetWay {
        cpu: 0,
        level: 0,
        set: 3,
        way: 1,
        clean: true,
        invalidate: true,
    };
    lines.set_way(&mut [&mut levels.0, &mut levels.1], op);
    pass(&mut lines, &mut levels, 1, None);
    assert_eq!(lines.dirty().len(), 1);
}

#[test]
fn another_cpus_first_level_is_not_reached_by_set_and_way() {
    let (mut lines, mut levels) = (lines(), levels());
    let other = Access {
        cpu: 1,
        ..access(3, true)
    };
    lines.store(other, None, 1, 0, 0);
    pass(&mut lines, &mut levels, 0, None);
    pass(&mut lines, &mut levels, 1, None);
    assert_eq!(lines.dirty().len(), 1);
    lines.maintain(FIRST + 3, true, true, false);
    assert!(lines.dirty().is_empty());
}

#[test]
fn invalidate_by_set_and_way_loses() {
    let (mut lines, mut levels) = (lines(), levels());
    store(&mut lines, 3, true, 0);
    let op = SetWay {
        cpu: 0,
        level: 0,
        set: 3,
        way: 0,
        clean: false,
        invalidate: true,
    };
    lines.set_way(&mut [&mut levels.0, &mut levels.1], op);
    assert_eq!(load(&lines, 3, true), Some(Wrong::ReadLost));
}

#[test]
fn what_speculation_may_have_brought_in_gets_stale() {
    let (mut lines, mut levels) = (lines(), levels());
    let off = lines.tick();
    store(&mut lines, 3, false, off);
    assert_eq!(load(&lines, 3, false), None);
    assert_eq!(load(&lines, 3, true), Some(Wrong::ReadStale));
    // Dropped afterwards, by set/way or by address, it is good again.
    pass(&mut lines, &mut levels, 0, None);
    assert_eq!(load(&lines, 3, true), Some(Wrong::ReadStale));
    pass(&mut lines, &mut levels, 1, None);
    assert_eq!(load(&lines, 3, true), None);
    store(&mut lines, 4, false, off);
    lines.maintain(FIRST + 4, false, true, false);
    assert_eq!(load(&lines, 4, true), None);
    // Dropped before, it never gets stale.
    store(&mut lines, 4, false, off);
    assert_eq!(load(&lines, 4, true), None);
}

#[test]
fn old_instructions_are_fetched_until_dropped() {
    let mut lines = lines();
    assert_eq!(fetch(&mut lines, false, true, 1), None);
    store(&mut lines, 3, false, 0);
    assert_eq!(fetch(&mut lines, false, true, 1), Some(Wrong::FetchStale));
    let all = lines.tick();
    assert_eq!(fetch(&mut lines, false, true, all), None);
    store(&mut lines, 3, false, 0);
    lines.forget_instructions(FIRST + 3);
    assert_eq!(fetch(&mut lines, false, true, all), None);
}

#[test]
fn what_is_wrong_is_blamed_on_who_caused_it() {
    let mut lines = lines();
    store(&mut lines, 3, true, 0);
    let off = lines.tick();
    let inherited = |fault: Option<Fault>| fault.unwrap().inherited;
    assert!(!inherited(lines.load(access(3, false))), "its own");
    lines.hand_over();
    assert!(inherited(lines.load(access(3, false))));
    // Stale by what the caches held before.
    store(&mut lines, 4, false, off);
    assert!(inherited(lines.load(access(4, true))));
    // And by what the new owner's caches held.
    let own = lines.tick();
    store(&mut lines, 5, false, own);
    assert!(!inherited(lines.load(access(5, true))));
}
