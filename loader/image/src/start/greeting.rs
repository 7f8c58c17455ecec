//! What is said at the start.

use alloc::string::String;
use core::fmt::Write;

use baton_core::{boot::FIRST_STAGE_INITRD, context::Context};
use platform_api::PhysRange;
use platform_armv7::{
    cpu,
    entry::{EntryState, Way},
    inspect::Processor,
};

use crate::{early::EarlyInfo, launcher};

/// Says who this is and what it found, in U-Boot's shape.
pub(super) fn banner(cx: &mut Context<'_>) {
    let bytes: u64 = cx.map.ram.iter().map(|bank| bank.size()).sum();
    let (build, cpu) = (cx.build, cx.machine.cpu);
    let model = core::mem::take(&mut cx.model);
    let _ = writeln!(
        cx,
        "\n{build}\n\nCPU:   {} in {} mode\nModel: {model}\nDRAM:  {} MiB",
        cpu.name,
        cpu.mode,
        bytes >> 20
    );
    cx.model = model;
}

/// Returns what the user should know before anything else.
pub(super) fn warnings(
    (state, processor): (&EntryState, &Processor<'_>),
    info: &EarlyInfo,
    initrd: Option<PhysRange>,
    failures: &[(String, String)],
) -> String {
    let mut lines = String::new();
    if let Some(text) = launcher::degraded(cpu::mode()) {
        let _ = writeln!(lines, "{text}");
    }
    if !cpu::has_long_descriptors() {
        lines.push_str("no long page-table descriptors: MMU and data cache stay off\n");
    }
    taken_over(processor, &mut lines);
    if info.searched {
        let at = info.tree.map(|range| range.start()).unwrap_or_default();
        let _ = match info.given {
            Some(given) => writeln!(
                lines,
                "no device tree at {given:#010x}: using the one found at {at}"
            ),
            None => writeln!(
                lines,
                "no device tree was given: using the one found at {at}"
            ),
        };
    }
    if info.assumed {
        let _ = writeln!(
            lines,
            "no memory in the device tree: using a part; U-Boot's `go ADDR FDT START SIZE` says it"
        );
    }
    if info.home.start() == state.load_address.into() {
        let _ = writeln!(
            lines,
            "no room at the top of low memory: staying at {}",
            info.home
        );
    }
    if let Some(initrd) = initrd {
        let _ = writeln!(
            lines,
            "{FIRST_STAGE_INITRD} at {initrd}: bootz uses it where no other is named"
        );
    }
    for (path, reason) in failures {
        let _ = writeln!(lines, "{path}: {reason}");
    }
    lines
}

/// Says in one line what a former owner of HYP left that no payload is owed.
fn taken_over(processor: &Processor<'_>, lines: &mut String) {
    if processor.found.way == Way::Stub as u32 {
        let _ = writeln!(lines, "entered in SVC; taken to HYP by the stub there");
    }
    if processor.found.way == Way::OwnMonitor as u32 {
        let _ = writeln!(lines, "entered in secure SVC; in HYP by Baton's monitor");
    }
    let undone = processor.found.undone();
    let active = processor.active_interrupt;
    if undone.is_empty() && active.is_none() {
        return;
    }
    let _ = write!(lines, "undone of a former owner: {undone}");
    if let Some(interrupt) = active {
        let _ = write!(lines, " GIC={interrupt} active");
    }
    let _ = writeln!(lines, " (`hyp entry`)");
}
