//! PSCI and the generic timer: nodes without `reg`.

use super::{
    super::{Discovery, Psci, PsciConduit, cells::cell, check::until_nul},
    facts::{Facts, Key},
    strings,
};

/// Notes what an enabled node with this `compatible` says about the firmware and the timer.
pub(super) fn note(found: &mut Discovery, compatible: &[u8], facts: &Facts<'_>) {
    if compatible.starts_with(b"arm,psci") {
        found.psci = psci(compatible, facts);
    } else if compatible.starts_with(b"arm,")
        && strings(compatible).any(|name| matches!(name, "arm,armv7-timer" | "arm,armv8-timer"))
    {
        found.arch_timer = true;
        found.timer_frequency = facts.get(Key::ClockFrequency).and_then(cell);
    }
}

fn psci(compatible: &[u8], facts: &Facts<'_>) -> Option<Psci> {
    let conduit = match until_nul(facts.get(Key::Method)?) {
        b"smc" => PsciConduit::Smc,
        b"hvc" => PsciConduit::Hvc,
        _ => return None,
    };
    let legacy = !strings(compatible).any(|name| name.starts_with("arm,psci-"));
    // QEMU lists the numbers of 0.2 too, where they are given by the standard.
    let function = |key| facts.get(key).and_then(cell).filter(|_| legacy);
    Some(Psci {
        conduit,
        legacy,
        cpu_on: function(Key::CpuOn),
        cpu_off: function(Key::CpuOff),
    })
}
