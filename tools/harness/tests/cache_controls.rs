//! The cache checker's controls: handoffs that are wrong on purpose, each of which it must name,
//! with the lines, and nothing else. See docs/cachecheck.md.

use std::{collections::BTreeSet, fs, time::Duration};

use harness::{
    Card, Error, FirstStage, Machine, Result, build,
    caches::{Verdict, Verdicts, Watched},
    here,
};

/// How long QEMU may take to end.
const END: Duration = Duration::from_secs(60);
/// How long a board may take to its kernel, from its boot ROM on.
const BOARD: Duration = Duration::from_secs(180);
/// Bytes in a line.
const LINE: u32 = 64;
/// Sets of Cortex-A15's first level, and of its second as QEMU tells it.
const SETS: [u32; 2] = [256, 2304];

/// Which lines of a part of the payload must be reported.
#[derive(Clone, Copy, PartialEq)]
enum Lines {
    None,
    All,
    First,
    Last,
    /// Every other, from the second on.
    Odd,
    /// Those in the first set of either level.
    FirstSet,
}

use Lines::{All, First, FirstSet, Last, None, Odd};

impl Lines {
    fn includes(self, line: u32, first: u32, last: u32) -> bool {
        match self {
            None => false,
            All => true,
            First => line == first,
            Last => line == last,
            Odd => (line - first) % 2 == 1,
            FirstSet => SETS.iter().any(|sets| line.is_multiple_of(*sets)),
        }
    }
}

/// What must be said of image, tree and initrd, all written by the CPU.
const NOTHING: [Lines; 3] = [None, None, None];
const EVERYTHING: [Lines; 3] = [All, All, All];

/// Boots the witness with a fault, its image and initrd copied by the CPU, and returns what the
/// checker says of the last handoff.
fn with_fault(name: &str, machine: Machine) -> Result<(Verdict, Verdicts)> {
    let append = format!(
        "handoff_fault={name} report.then=poweroff baton.bootdelay=0 baton.bootcmd=\"\
         load virtio 0:1 50000000 report.zimg; cp.b 50000000 42000000 ${{filesize}}; \
         load virtio 0:1 4c000000 initrd.img; cp.b 4c000000 4d000000 ${{filesize}}; \
         bootz 42000000 4d000000:${{filesize}}\""
    );
    let machine = machine
        .card(Card::built()?)
        .first_stage(FirstStage::Kernel {
            image: build::file("baton-broken.zimg")?,
            append: Some(append),
            initrd: Option::None,
            dtb: Option::None,
        });
    let mut watch = Watched::new(machine)?
        .elf(&build::file("baton-broken.elf")?)
        .start()?;
    watch.session.expect_exit(END)?;
    let verdicts = watch.verdicts()?;
    assert_eq!(verdicts.inconclusive, Option::None, "{}", verdicts.text);
    let [first, last] = verdicts.handoffs.as_slice() else {
        let text = format!("not two handoffs:\n{}", verdicts.text);
        return Err(Error::check(text));
    };
    // Until it hands over, Baton does nothing wrong; but the handoff to it answers for what Baton
    // should have dropped, and for what it reads of its own last lines.
    if !matches!(name, "no-tlbiallnsnh" | "pl1-on" | "drop") {
        assert_eq!(first.word.as_deref(), Some("CLEAN"), "{}", verdicts.text);
    }
    Ok((last.clone(), verdicts))
}

/// Checks that the verdict names exactly `kinds`, beside what the payload then stumbles over, and
/// of the payload exactly `lines` by the rule `kind`.
fn is_named(verdict: &Verdict, kinds: &[&str], kind: &str, lines: [Lines; 3]) -> Result<()> {
    let word = if kinds.is_empty() {
        "CLEAN"
    } else {
        "VIOLATION"
    };
    assert_eq!(verdict.word.as_deref(), Some(word), "{}", verdict.head);
    let consequence = |kind: &str| {
        ["read-", "fetch-", "write-"]
            .iter()
            .any(|lazy| kind.starts_with(lazy))
    };
    let named: BTreeSet<&str> = verdict
        .violations
        .iter()
        .map(|violation| violation.kind.as_str())
        .filter(|kind| !consequence(kind))
        .collect();
    let wanted: BTreeSet<&str> = kinds.iter().copied().collect();
    assert_eq!(named, wanted, "{:?}", verdict.violations.first());
    for (part, lines) in ["image", "tree", "initrd"].into_iter().zip(lines) {
        let place = verdict.part(part);
        let (start, end) = place.ok_or_else(|| Error::check(format!("no {part}")))?;
        let (first, last) = (start / LINE, (end - 1) / LINE);
        let wanted: BTreeSet<u32> = (first..=last)
            .filter(|line| lines.includes(*line, first, last))
            .collect();
        assert_eq!(reported(verdict, kind, part), wanted, "{kind} {part}");
    }
    Ok(())
}

/// Returns the lines of a part that the rule names.
fn reported(verdict: &Verdict, kind: &str, part: &str) -> BTreeSet<u32> {
    verdict
        .violations
        .iter()
        .filter(|violation| violation.kind == kind && violation.field("owner") == Some(part))
        .filter_map(harness::caches::Violation::range)
        .flat_map(|(start, end)| start / LINE..u32::try_from(end / u64::from(LINE)).unwrap_or(0))
        .collect()
}

macro_rules! controls {
    ($($test:ident: $fault:literal $kinds:expr, $kind:literal $lines:expr;)*) => {
        $(#[test]
        fn $test() -> Result<()> {
            let (verdict, _) = with_fault($fault, Machine::virt(here!()))?;
            is_named(&verdict, &$kinds, $kind, $lines)
        })*
    };
}

controls! {
    nothing: "none" [], "dirty" NOTHING;
    nothing_by_set: "no-sets" ["speculation", "dirty"], "dirty" NOTHING;
    the_image: "no-image" ["speculation", "dirty"], "dirty" [All, None, None];
    the_tree: "no-tree" ["speculation", "dirty"], "dirty" [None, All, None];
    the_initrd: "no-initrd" ["speculation", "dirty"], "dirty" [None, None, All];
    one_line_short: "short-tree" ["speculation", "dirty"], "dirty" [None, Last, None];
    one_line_late: "late-tree" ["speculation", "dirty"], "dirty" [None, First, None];
    nothing_cleaned: "no-clean" ["speculation", "dirty"], "dirty" EVERYTHING;
    stride_of_128: "stride" ["speculation", "dirty"], "dirty" [Odd, Odd, Odd];
    to_unification: "unification" ["speculation", "dirty"], "dirty" EVERYTHING;
    invalidated: "drop" ["lost"], "lost" EVERYTHING;
    a_push_after_the_clean: "store" ["speculation", "dirty"], "dirty" NOTHING;
    a_late_fixup: "late-fixup" ["speculation", "dirty"], "dirty" [None, First, None];
    no_dsb_before_off: "no-clean-dsb" ["dsb"], "dirty" NOTHING;
    data_cache_left_on: "caches-on" ["mmu-on"], "dirty" NOTHING;
    by_set_before_off: "sets-first" ["speculation"], "dirty" NOTHING;
    level_1_skipped: "no-level-1" ["speculation", "dirty"], "dirty" EVERYTHING;
    level_2_skipped: "no-level-2" ["speculation", "dirty"], "dirty" EVERYTHING;
    a_way_skipped: "skip-way" ["speculation", "dirty"], "dirty" EVERYTHING;
    a_set_skipped: "skip-set" ["speculation", "dirty"], "dirty" [FirstSet, FirstSet, FirstSet];
    invalidated_by_set: "sets-drop" ["lost"], "lost" EVERYTHING;
    level_2_first: "level-2-first" ["dirty"], "dirty" EVERYTHING;
    no_iciallu: "no-iciallu" ["icache"], "dirty" NOTHING;
    no_tlbiallh: "no-tlbiallh" ["tlb-hyp"], "dirty" NOTHING;
    no_tlbiallnsnh: "no-tlbiallnsnh" ["tlb-pl1"], "dirty" NOTHING;
    no_last_dsb: "no-last-dsb" ["dsb"], "dirty" NOTHING;
    pl1_left_on: "pl1-on" ["pl1-on", "tlb-pl1"], "dirty" NOTHING;
    vectors_in_the_image: "vectors" ["vectors"], "dirty" NOTHING;
    no_isb: "no-isb" ["isb", "speculation", "dirty"], "dirty" NOTHING;
    mmu_left_on: "mmu-on" ["mmu-on", "tlb-hyp"], "dirty" NOTHING;
    // Harmless, and so not named: Cortex-A15 needs no BPIALL beside ICIALLU, and what is not
    // cleaned by address goes by set and way.
    bpiall_is_not_needed: "no-bpiall" [], "dirty" NOTHING;
}

/// Whose line, and who wrote it.
#[test]
fn owner_and_writer_have_names() -> Result<()> {
    let (verdict, _) = with_fault("store", Machine::virt(here!()))?;
    let stack = verdict
        .violations
        .iter()
        .find(|violation| violation.field("owner") == Some("stack"))
        .map(|violation| violation.field("writer"));
    assert!(
        stack
            .flatten()
            .is_some_and(|writer| writer.starts_with("baton-broken.elf:"))
    );
    let (verdict, _) = with_fault("no-clean", Machine::virt(here!()))?;
    let owners: BTreeSet<&str> = verdict
        .violations
        .iter()
        .filter_map(|violation| violation.field("owner"))
        .collect();
    for owner in ["image", "tree", "initrd", "tables", "bss", "stack", "heap"] {
        assert!(owners.contains(owner), "{owner} is not in {owners:?}");
    }
    Ok(())
}

/// On a Cortex-A7, whose caches have another shape.
#[test]
fn on_a_cortex_a7() -> Result<()> {
    for (fault, kinds, lines) in [
        ("none", &[][..], NOTHING),
        ("skip-way", &["speculation", "dirty"], EVERYTHING),
        ("no-level-2", &["speculation", "dirty"], EVERYTHING),
    ] {
        let (verdict, _) = with_fault(fault, Machine::virt(here!()).cpu("cortex-a7"))?;
        is_named(&verdict, kinds, "dirty", lines)?;
    }
    Ok(())
}

/// On the Orange Pi, where the first stage is in secure state: the same names, after its registers'
/// other banks. The tree, written by the CPU, is not cleaned; Debian's kernel does not notice here.
#[test]
fn on_the_orange_pi() -> Result<()> {
    let broken = build::read("baton-broken.zimg")?;
    let card = Card::built_for("orangepi-pc")?.with_file("baton.zimg", &broken)?;
    let script = card.read("boot.scr")?;
    let script = String::from_utf8_lossy(script.get(72..).unwrap_or_default()).into_owned();
    let card = card.with_script(&script.replace("console=", "handoff_fault=no-tree console="))?;
    let machine = Machine::orangepi_pc(here!()).card(card);
    let mut watch = Watched::new(machine)?
        .stop_after(2)
        .elf(&build::file("baton-broken.elf")?)
        .start()?;
    watch
        .session
        .expect_for("Booting Linux on physical CPU", BOARD)?;
    let verdicts = watch.verdicts()?;
    assert_eq!(verdicts.inconclusive, Option::None, "{}", verdicts.text);
    let [first, last] = verdicts.handoffs.as_slice() else {
        return Err(Error::check(verdicts.text));
    };
    assert_eq!(first.word.as_deref(), Some("CLEAN"), "{}", verdicts.text);
    assert_eq!(last.word.as_deref(), Some("VIOLATION"), "{}", verdicts.text);
    let (start, end) = last.part("tree").ok_or_else(|| Error::check("no tree"))?;
    let lines: BTreeSet<u32> = (start / LINE..=(end - 1) / LINE).collect();
    assert_eq!(reported(last, "dirty", "tree"), lines, "{}", verdicts.text);
    for part in ["image", "initrd"] {
        assert!(reported(last, "dirty", part).is_empty(), "{part}");
    }
    Ok(())
}

/// A machine that never gets to a handoff proves nothing.
#[test]
fn no_handoff_is_inconclusive() -> Result<()> {
    let watch = Watched::new(Machine::virt(here!()))?.start()?;
    let verdicts = watch.verdicts()?;
    let why = verdicts.inconclusive.clone().unwrap_or_default();
    assert!(why.contains("no handoff was seen"), "{}", verdicts.text);
    assert!(verdicts.all_clean(0).is_err());
    Ok(())
}

/// The image that is shipped can do none of this.
#[test]
fn the_shipped_image_has_no_faults() -> Result<()> {
    let has = |name: &str| -> Result<bool> {
        let bytes = fs::read(build::file(name)?).unwrap();
        Ok(bytes.windows(13).any(|window| window == b"handoff_fault"))
    };
    assert!(has("baton-broken.zimg")?, "the control");
    assert!(!has("baton.zimg")?);
    // No step of the last page is led astray.
    let symbols = fs::read(build::file("target/thumbv7a-none-eabi/release/baton")?).unwrap();
    let named = |bytes: &[u8], name: &[u8]| bytes.windows(name.len()).any(|window| window == name);
    assert!(named(&symbols, b"hand_off_asm"), "it has symbols");
    assert!(!named(&symbols, b"broken_clean"));
    Ok(())
}
