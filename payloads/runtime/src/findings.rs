//! The lines that say what was found, for who reads a report that failed.

use core::fmt::Write;

use arrayvec::ArrayString;
use report_format::Line;
use witness::crc::crc32;
use witness::survey::Survey;
use witness::tree::TreeFacts;
use witness::{Evidence, Range};

use crate::report;

/// Prints what was found, before it is judged.
pub fn print(evidence: &Evidence<'_>, blob: Option<&[u8]>) {
    let state = evidence.state;
    for (name, value) in REGISTERS.iter().zip(state.general) {
        let value = u64::from(value);
        report::print(Line::Register { name, value });
    }
    let value = u64::from(state.cpsr);
    report::print(Line::Register {
        name: "CPSR",
        value,
    });
    for (name, value) in state.registers() {
        report::print(Line::Register { name, value });
    }
    if state.secure != 0 {
        info("mode.secure", format_args!("entered in secure state"));
    }
    print_range(
        "image",
        Range::sized(u64::from(state.base), u64::from(evidence.image.length)),
    );
    print_crc("image", Some(state.image_crc));
    if let Ok(facts) = evidence.tree {
        print_tree(evidence, facts);
    }
    print_crc("tree", blob.map(crc32));
    print_crc("initrd", evidence.initrd_crc);
    print_survey(evidence.survey);
}

fn print_tree(evidence: &Evidence<'_>, facts: &TreeFacts<'_>) {
    let [_, _, r2, ..] = evidence.state.general;
    print_range("tree", Range::sized(u64::from(r2), u64::from(facts.size)));
    if let Some(initrd) = facts.initrd() {
        print_range("initrd", initrd);
    }
    for bank in &facts.memory {
        print_range("memory", *bank);
    }
    for entry in facts.reservations.iter().chain(&facts.reserved_memory) {
        print_range("reserved", *entry);
    }
    if !facts.uart_is_stdout {
        info(
            "uart",
            format_args!("stdout-path names no UART that is known here"),
        );
    }
    if facts.seeded {
        info("tree.seed", format_args!("present"));
    }
}

fn print_survey(survey: &Survey) {
    if let Some(gic) = survey.gic {
        for (name, value) in [
            ("GICC_CTLR", gic.gicc_ctlr),
            ("GICC_RPR", gic.gicc_rpr),
            ("GICH_HCR", gic.gich_hcr),
        ] {
            if let Some(value) = value.map(u64::from) {
                report::print(Line::Register { name, value });
            }
        }
    }
    for device in &survey.virtio {
        info(
            "virtio",
            format_args!(
                "{:08x} device={:x} status={:x}",
                device.address, device.device, device.status
            ),
        );
    }
    for (affinity, power) in &survey.cpus {
        match power {
            Some(power) => info("cpu", format_args!("{affinity:x} affinity_info={power}")),
            None => info("cpu", format_args!("{affinity:x} nobody to ask")),
        }
    }
}

fn print_range(name: &str, range: Range) {
    let Range { start, end } = range;
    report::print(Line::Range { name, start, end });
}

fn print_crc(name: &str, crc: Option<u32>) {
    if let Some(value) = crc {
        report::print(Line::Crc { name, value });
    }
}

fn info(name: &str, text: core::fmt::Arguments<'_>) {
    let mut buffer = ArrayString::<80>::new();
    // What does not fit is cut: it is a remark.
    let _ = buffer.write_fmt(text);
    report::print(Line::Info {
        name,
        text: &buffer,
    });
}

const REGISTERS: [&str; 15] = [
    "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
];
