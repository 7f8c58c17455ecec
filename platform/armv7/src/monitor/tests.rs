use super::*;

const WRITE: Step = Step::Write {
    at: 0x1000,
    value: 7,
};
const ENTRY: Step = Step::WriteEntry { at: 0x2000 };
const PLAN: Plan<'_> = Plan {
    cpus: &[(0x100, &[]), (0x101, &[ENTRY, WRITE])],
    every_cpu: &[WRITE],
    now: &[ENTRY],
    reset: &[],
    power_off: &[WRITE, WRITE],
    timer_frequency: 24_000_000,
    gic_system_registers: true,
};

/// Reads a list as monitor.S does.
fn list(words: &[u32], place: u32) -> Vec<[u32; 3]> {
    let from = place as usize / 4;
    let mut steps = words[from..].chunks(3);
    let mut list = Vec::new();
    while let Some([operation, at, value]) = steps.next() {
        if *operation == 0 {
            break;
        }
        list.push([*operation, *at, *value]);
    }
    list
}

#[test]
fn the_monitor_finds_everything_again() {
    let mut words = [0xffff_ffff; DATA_WORDS];
    let used = PLAN.encode(0x100, &mut words).unwrap();
    assert_eq!(words[..3], [2, 1, 24_000_000]);
    assert_eq!(list(&words, words[3]), [WRITE.words()]);
    assert_eq!(list(&words, words[4]), [ENTRY.words()]);
    assert_eq!(list(&words, words[5]), [[0; 3]; 0]);
    assert_eq!(list(&words, words[6]), [WRITE.words(), WRITE.words()]);
    assert_eq!(words[7..16], [0; 9]);
    let record = |index: usize| &words[16 + 32 * index..][..32];
    assert_eq!(record(0)[..6], [0x100, ON, 0, 0, 0, 0]);
    assert_eq!(list(&words, record(0)[6]), [[0; 3]; 0]);
    assert_eq!(record(1)[..6], [0x101, OFF, 0, 0, 0, 0]);
    assert_eq!(list(&words, record(1)[6]), [ENTRY.words(), WRITE.words()]);
    assert_eq!(record(1)[7..], [0; 25]);
    // Head, two records, six lists with 6 steps.
    assert_eq!(used, 16 + 2 * 32 + 6 + 6 * 3);
    assert!(words[used..].iter().all(|word| *word == 0));
}

#[test]
fn the_one_that_runs_is_on() {
    let mut words = [0; DATA_WORDS];
    PLAN.encode(0x101, &mut words).unwrap();
    assert_eq!([words[17], words[49]], [OFF, ON]);
}

#[test]
fn refuses_what_does_not_fit() {
    let mut words = [0; DATA_WORDS];
    let missing = PLAN.encode(0, &mut words);
    assert_eq!(missing, Err(PlanError::BootCpuMissing(0)));
    let cpus = [(0, &[][..]), (1, &[]), (0, &[])];
    let twice = Plan {
        cpus: &cpus,
        ..PLAN
    };
    assert_eq!(twice.encode(1, &mut words), Err(PlanError::Twice(0)));
    let cpus: Vec<(u32, &[Step])> = (0..17).map(|cpu| (cpu, &[][..])).collect();
    let many = Plan {
        cpus: &cpus,
        ..PLAN
    };
    assert_eq!(many.encode(0, &mut words), Err(PlanError::TooManyCpus(17)));
    // All the processors there may be, and as many steps as fit.
    let room = (DATA_WORDS - 16 - 16 * 32 - 20) / 3;
    let steps = vec![WRITE; room + 1];
    let full = |now| Plan {
        cpus: &cpus[..16],
        now,
        ..Plan::default()
    };
    assert_eq!(full(&steps[1..]).encode(0, &mut words), Ok(DATA_WORDS));
    let more = full(&steps).encode(0, &mut words);
    assert_eq!(more, Err(PlanError::TooManySteps));
}

#[test]
fn reasons_name_their_values() {
    for (error, said) in [
        (PlanError::TooManyCpus(17), "17 CPUs, at most 16"),
        (PlanError::BootCpuMissing(0x100), "no CPU 0x100 in /cpus"),
        (PlanError::Twice(1), "CPU 0x1 is twice in /cpus"),
        (PlanError::TooManySteps, "too many steps"),
    ] {
        assert_eq!(error.to_string(), said);
    }
}
