//! The rest of the machine: interrupt controller, devices, other CPUs.

use report_format::Value;

use super::{Evidence, Rules};
use crate::survey::{GicState, OFF, Refusals};

/// `UARTFR.BUSY` and `TXFE` of a PL011 (DDI 0183, 3.3.3).
const UART_BUSY: u32 = 1 << 3;
const UART_EMPTY: u32 = 1 << 7;

pub(super) fn judge(evidence: &Evidence<'_>, rules: &mut Rules<'_>) {
    judge_gic(evidence.survey.gic, rules);
    judge_virtio(evidence, rules);
    judge_cpus(evidence, rules);
    judge_firmware(evidence.survey.refusals, rules);
    match evidence.uart_flags {
        Some(flags) => rules.masked("uart.drained", flags, UART_BUSY | UART_EMPTY, UART_EMPTY),
        None => rules.skip("uart.drained", "no UART that the witness knows in the tree"),
    }
}

fn judge_gic(gic: Option<GicState>, rules: &mut Rules<'_>) {
    let Some(gic) = gic else {
        for name in ["gic.active", "gic.pending", "gic.gich_hcr"] {
            rules.skip(name, "no GIC in the tree");
        }
        return;
    };
    let none = Value::Word("none");
    let id = |found: Option<u32>| found.map_or(none, Value::from);
    rules.equal("gic.active", id(gic.active), none);
    rules.equal("gic.pending", id(gic.pending), none);
    match gic.gich_hcr {
        Some(hcr) => rules.equal("gic.gich_hcr", hcr, 0),
        None => rules.skip("gic.gich_hcr", "not memory-mapped"),
    }
}

fn judge_virtio(evidence: &Evidence<'_>, rules: &mut Rules<'_>) {
    let devices = &evidence.survey.virtio;
    if devices.is_empty() {
        rules.skip("devices.virtio", "no virtio-mmio device");
        return;
    }
    let running = devices.iter().find(|device| device.status != 0);
    let status = running.map_or(0, |device| device.status);
    rules.equal("devices.virtio", status, 0);
}

fn judge_cpus(evidence: &Evidence<'_>, rules: &mut Rules<'_>) {
    let cpus = &evidence.survey.cpus;
    if cpus.is_empty() {
        rules.skip("cpus.off", "no other CPU in the tree");
    } else if cpus.iter().any(|(_, power)| power.is_none()) {
        rules.skip("cpus.off", "no PSCI 0.2 that can be called from here");
    } else {
        let found = cpus
            .iter()
            .filter_map(|(_, power)| *power)
            .find(|power| *power != OFF)
            .unwrap_or(OFF);
        // Two's complement, as the register has it.
        rules.equal("cpus.off", found.cast_unsigned(), OFF.cast_unsigned());
    }
}

/// PSCI's codes (ARM DEN 0022), as the register has them.
const NOT_SUPPORTED: u32 = 0xffff_ffff;
const INVALID_PARAMETERS: u32 = 0xffff_fffe;
const ALREADY_ON: u32 = 0xffff_fffc;

fn judge_firmware(refusals: Option<Refusals>, rules: &mut Rules<'_>) {
    let Some(found) = refusals else {
        for name in [
            "firmware.unknown",
            "firmware.nobody",
            "firmware.already_on",
            "firmware.registers",
        ] {
            rules.skip(name, "no PSCI 0.2 that can be called from here");
        }
        return;
    };
    rules.equal("firmware.unknown", found.unknown, NOT_SUPPORTED);
    rules.equal("firmware.nobody", found.nobody, INVALID_PARAMETERS);
    rules.equal("firmware.already_on", found.already_on, ALREADY_ON);
    // The SMC calling convention (ARM DEN 0028): r4 and up are the caller's.
    rules.equal("firmware.registers", found.changed, 0);
}
