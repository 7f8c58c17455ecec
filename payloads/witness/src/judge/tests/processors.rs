//! What a CPU that is started may find, and what not.

use super::*;

/// Adds a second CPU with a state that is broken so, and expects this rule to fail so.
fn second_breaks(rule: &str, breakage: impl Fn(&mut SecondaryState), failure: &str) {
    let add = |case: &mut Case| {
        let mut second = started(2);
        let mut state = second.state.unwrap();
        breakage(&mut state);
        second.state = Some(state);
        case.survey.started.push((2, second));
    };
    breaks(&[rule], add, failure);
}

#[test]
fn every_cpu_comes_as_it_is_owed() {
    second_breaks("cpus.mode", |s| s.cpsr = 0x1d3, "got=13 want=1a");
    second_breaks("cpus.masks", |s| s.cpsr = 0x15a, "got=140 want=1c0");
    second_breaks("cpus.arm", |s| s.cpsr |= 0x20, "got=20 want=0");
    second_breaks("cpus.context", |s| s.r0 = 5, "got=5 want=fffffffd");
    second_breaks("cpus.number", |s| s.mpidr = 0x8000_0001, "got=1 want=2");
    second_breaks("cpus.mmu_off", |s| s.hsctlr |= 1, "got=1 want=0");
    second_breaks("cpus.mmu_off", |s| s.sctlr |= 4, "got=4 want=0");
    second_breaks("cpus.untrapped", |s| s.hcr = 1, "got=1 want=0");
}

#[test]
fn a_cpu_that_cannot_be_started_or_stopped_is_told() {
    let add = |started: Started| move |case: &mut Case| case.survey.started.push((2, started));
    let mut absent = started(2);
    absent.state = None;
    breaks(&["cpus.start"], add(absent), "got=never-came want=came");
    absent.answer = -2;
    breaks(&["cpus.start"], add(absent), "got=fffffffe want=came");
    let mut running = started(2);
    running.after = 0;
    breaks(&["cpus.stop"], add(running), "got=0 want=1");
}

#[test]
fn alone_nothing_is_judged_of_the_others() {
    let mut case = Case::good();
    case.survey.started.clear();
    let found = case.judge();
    let skipped = found.iter().filter(|(_, verdict)| *verdict == "SKIP");
    let names: Vec<&str> = skipped.map(|(rule, _)| rule.as_str()).collect();
    assert_eq!(names.len(), 9);
    assert!(
        names.iter().all(|name| name.starts_with("cpus.")),
        "{names:?}"
    );
}
