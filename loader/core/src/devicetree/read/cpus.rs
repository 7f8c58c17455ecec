//! `/cpus`: affinities, and how the others are started.

use alloc::borrow::ToOwned;

use platform_api::{PhysAddr, PhysRange};

use super::{
    super::{
        CpuStart, EnableMethod, Reservation, TreeError, cells::number, check::until_nul,
        early::RELEASE_BYTES,
    },
    Level, Reader, bad,
    facts::{Facts, Key},
    text,
};

impl<'a> Reader<'a> {
    pub(super) fn cpu(&mut self, level: &Level<'a>, facts: &Facts<'a>) -> Result<(), TreeError> {
        let name = self.path.get(level.parent_path + 1..).unwrap_or_default();
        let is_cpu = match facts.get(Key::DeviceType) {
            Some(device_type) => until_nul(device_type) == b"cpu",
            None => name == "cpu" || name.starts_with("cpu@"),
        };
        let Some(reg) = facts.get(Key::Reg).filter(|_| is_cpu) else {
            return Ok(());
        };
        let release = facts.get(Key::ReleaseAddress);
        if let Some(value) = release {
            let range = number(value)
                .and_then(|at| PhysRange::from_size(PhysAddr::new(at), RELEASE_BYTES))
                .ok_or_else(|| bad("/cpus/cpu", "cpu-release-addr", value))?;
            if !self
                .found
                .reservations
                .iter()
                .any(|known| known.range == range)
            {
                self.found.reservations.push(Reservation {
                    range,
                    name: "cpu-release-addr".to_owned(),
                    no_map: false,
                    log: false,
                });
            }
        }
        if !level.enabled {
            return Ok(());
        }
        let affinity = number(reg)
            .and_then(|affinity| u32::try_from(affinity).ok())
            .ok_or_else(|| bad("/cpus/cpu", "reg", reg))?;
        let method = facts
            .get(Key::EnableMethod)
            .or(self.cpus_method)
            .and_then(text);
        self.found.cpus.push(affinity);
        self.found.cpu_starts.push(CpuStart {
            affinity,
            method: method.map(|method| match method {
                "psci" => EnableMethod::Psci,
                "spin-table" => EnableMethod::SpinTable,
                other => EnableMethod::Other(other.to_owned()),
            }),
            release: release.and_then(number).map(PhysAddr::new),
        });
        Ok(())
    }
}
