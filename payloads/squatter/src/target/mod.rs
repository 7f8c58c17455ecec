//! What touches the machine.

mod gic;
mod occupy;
mod plan;
mod registers;
mod tables;

use core::fmt::Write;

use arrayvec::ArrayString;
use payload_runtime::{Scene, call_in_hyp, park_cpu, report, scratch};
use report_format::{Line, Value, Verdict};
use witness::tree::Tree;

use plan::{Layout, Plan, Way};

/// The longest command line.
const COMMAND_LINE: usize = 512;

/// Reads what is asked for, prepares it, and goes to HYP to do it. Returns to nobody: it ends
/// here only if something is missing, with a rule that failed.
pub fn main() -> ! {
    let scene = Scene::open();
    let Err(what) = squat(&scene);
    report::print(Line::Rule {
        name: "squat.ready",
        verdict: Verdict::Fail {
            got: Value::Word("not"),
            want: Value::Word(what),
        },
    });
    report::finish()
}

/// Prepares everything that can be prepared from PL1, and calls [`occupy::occupy`] in HYP.
fn squat(scene: &Scene) -> Result<core::convert::Infallible, &'static str> {
    let facts = scene.tree.as_ref().map_err(|_| "a-tree")?;
    let bootargs = facts.bootargs.ok_or("a-command-line")?;
    if scene.state.mode() != witness::Mode::Hyp {
        return Err("entry-in-hyp");
    }
    let (way, cpus) = plan::parse(bootargs).ok_or("squat=hyp|off|svc|svc-old|svc-none[,cpus]")?;
    // SAFETY: called once.
    let layout = Layout::new(unsafe { scratch() }).ok_or("more-scratch")?;
    let image = plan::loader(facts).ok_or("a-loader-as-initrd")?;

    let mut line = ArrayString::<COMMAND_LINE>::new();
    let others = bootargs.split_ascii_whitespace();
    for word in others.filter(|word| !word.starts_with(plan::WORD)) {
        write!(line, "{word} ").map_err(|_| "a-shorter-command-line")?;
    }
    let tree = scene.blob.and_then(|blob| Tree::new(blob).ok());
    let written = tree.and_then(|tree| tree.with_bootargs(line.trim_end(), layout.tree));
    let tree = written.ok_or("room-for-a-tree")?;

    if cpus {
        let conduit = witness::survey::callable(facts, scene.state).ok_or("psci")?;
        for cpu in facts
            .cpus
            .iter()
            .filter(|cpu| **cpu != scene.state.affinity())
        {
            if !park_cpu(conduit, *cpu) {
                return Err("every-cpu-to-start");
            }
        }
    }
    let plan = Plan::new(way, facts, image, tree, layout.tables).ok_or("ram")?;
    report::print(Line::Info {
        name: "squat",
        text: way.name(),
    });
    report::console().drain();
    // SAFETY: `occupy` never returns and lives on the stack that it is given, whose memory is
    // nobody else's.
    unsafe { call_in_hyp(occupy::occupy, (&raw const plan).cast(), layout.stack_top) }
}

impl Way {
    fn name(self) -> &'static str {
        match self {
            Self::Hyp => "hyp: from HYP, its MMU and caches on",
            Self::Off => "off: from HYP, its MMU and caches off, nothing cleaned",
            Self::Svc => "svc: from SVC with MMU and caches on, under a stub as Linux's in HYP",
            Self::SvcOld => "svc-old: from SVC, under a stub as Linux's before 4.12 in HYP",
            Self::SvcNone => "svc-none: from SVC, under a HYP that gives itself to nobody",
        }
    }
}
