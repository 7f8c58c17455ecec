//! One hop.

use core::fmt::Write;

use arrayvec::ArrayString;
use payload_runtime::{Scene, enter, report, scratch};
use report_format::{Hops, Line, Value, Verdict};
use witness::tree::{Tree, TreeFacts};

/// What the loader is told, beside the words it passes on: no countdown, not even a look at the
/// keyboard, and the same again.
const AGAIN: &str = "baton.bootdelay=-2 baton.bootcmd=\"bootz relay.zimg baton.zimg\"";

/// The longest command line.
const COMMAND_LINE: usize = 512;

/// The zImage magic, at this offset.
const MAGIC: u32 = 0x016f_2818;
const MAGIC_AT: u32 = 0x24;

/// Judges, counts, and enters the loader again, or ends.
pub fn main() -> ! {
    let scene = Scene::open();
    let survey = scene.survey();
    let evidence = scene.evidence(&survey);
    let bootargs = scene.tree.as_ref().ok().and_then(|facts| facts.bootargs);
    let hops = Hops::parse(bootargs.unwrap_or_default());
    if hops.is_none_or(|hops| hops.hop == 1) {
        scene.print(&evidence);
        witness::judge(&evidence, &mut report::Printer);
    } else {
        witness::judge(&evidence, &mut report::Quiet);
    }
    rule("relay.hops", hops.is_some(), "readable");
    let image = scene.tree.as_ref().ok().and_then(loader);
    rule("relay.loader", image.is_some(), "a-loader-as-initrd");
    let next = match (hops, image, report::tally().fail) {
        (Some(hops), Some(image), 0) => go_on(&scene, hops, image, bootargs.unwrap_or_default()),
        _ => Err("rules"),
    };
    if let Err(what) = next {
        rule("relay.next", false, what);
        if hops.is_some_and(|hops| hops.hop > 1) {
            scene.print(&evidence);
        }
    }
    report::finish()
}

/// Counts what the witness does not know. A rule that holds is not printed.
fn rule(name: &str, holds: bool, want: &str) {
    let verdict = if holds {
        Verdict::Pass
    } else {
        Verdict::Fail {
            got: Value::Word("not"),
            want: Value::Word(want),
        }
    };
    witness::Sink::line(&mut report::Quiet, Line::Rule { name, verdict });
}

/// Finds the loader: the initrd, if it is a zImage where one can be entered.
fn loader(facts: &TreeFacts<'_>) -> Option<u32> {
    let initrd = facts.initrd().filter(|initrd| facts.in_ram(*initrd))?;
    let start = u32::try_from(initrd.start).ok()?;
    if !start.is_multiple_of(4096) || initrd.end - initrd.start < 4096 {
        return None;
    }
    // SAFETY: in RAM, aligned, and nobody writes there.
    let magic = unsafe { ((start + MAGIC_AT) as *const u32).read_volatile() };
    (magic == MAGIC).then_some(start)
}

/// Says that this hop was good, and enters the loader; returns after the last hop.
fn go_on(scene: &Scene, hops: Hops, image: u32, bootargs: &str) -> Result<(), &'static str> {
    report::print(Line::Hop {
        number: hops.hop,
        tally: report::tally(),
    });
    let Some(next) = hops.next() else {
        return Ok(());
    };
    let mut line = ArrayString::<COMMAND_LINE>::new();
    for word in Hops::others(bootargs) {
        write!(line, "{word} ").map_err(|_| "a-shorter-command-line")?;
    }
    write!(line, "{next} {AGAIN}").map_err(|_| "a-shorter-command-line")?;
    // SAFETY: called once, after everything was judged.
    let room = unsafe { scratch() };
    let tree = scene.blob.and_then(|blob| Tree::new(blob).ok());
    let written = tree.and_then(|tree| tree.with_bootargs(&line, room));
    let tree = written.ok_or("room-for-a-tree")?.as_ptr() as u32;
    report::console().drain();
    // SAFETY: the image's sum and place were judged, the tree was written just now with the
    // caches off; the loader reads the tree before it writes to what is ours.
    unsafe { enter(image, tree) }
}
