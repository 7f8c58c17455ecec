//! What our monitor is told to do on this board: put together of what the drivers know, after
//! what the tree says.

use alloc::vec::Vec;

use baton_core::devicetree::{Discovery, PowerLine, WorkingTree, power_line};
use platform_api::Step;
use platform_armv7::{
    cpu,
    monitor::{MAX_CPUS, Plan},
};
use platform_drivers::{
    bind::{Driver, driver_for},
    gic::{self, HandOver},
    power::{Survey, gpio},
};

use crate::power::{PATIENCE, survey};

/// The lists of a [`Plan`], owned.
pub struct Orders {
    cpus: Vec<(u32, Vec<Step>)>,
    interrupts: HandOver,
    gic_system_registers: bool,
    reset: Vec<Step>,
    power_off: Vec<Step>,
    timer_frequency: u32,
}

impl Orders {
    /// Puts them together.
    ///
    /// # Safety
    /// The tree's devices are the running machine's, and mapped.
    pub unsafe fn new(found: &Discovery, tree: &WorkingTree) -> Self {
        let survey = survey(found);
        let mut orders = Self {
            cpus: startable(found, &survey),
            interrupts: HandOver::default(),
            gic_system_registers: false,
            timer_frequency: found.timer_frequency.unwrap_or(0),
            reset: Vec::new(),
            power_off: Vec::new(),
        };
        for device in &found.devices {
            let driver = device.with_node(driver_for);
            if !matches!(driver, Some(Driver::Gic2 | Driver::Gic3)) {
                continue;
            }
            // SAFETY: the driver asks for identification registers of a controller that is
            // mapped, the caller's word.
            let read = |at: u32| unsafe { (at as *const u32).read_volatile() };
            if let Some(steps) = device.with_node(|node| gic::hand_over(node, &read)) {
                orders.interrupts = steps;
                orders.gic_system_registers = driver == Some(Driver::Gic3);
                break;
            }
        }
        orders.interrupts.now.extend(survey.open());
        let line = |compatible| power_line(tree, compatible, gpio::COMPATIBLE).and_then(drive);
        orders.reset = line("gpio-restart").unwrap_or(survey.reset);
        orders.power_off = line("gpio-poweroff").unwrap_or(survey.power_off);
        for last in [&mut orders.reset, &mut orders.power_off] {
            if !last.is_empty() {
                last.push(PATIENCE);
            }
        }
        orders
    }

    /// Returns the CPUs that can be started, the one that runs included.
    pub fn started(&self) -> Vec<u32> {
        self.cpus.iter().map(|(affinity, _)| *affinity).collect()
    }

    /// Lends them out as a plan.
    pub fn with_plan<R>(&self, act: impl FnOnce(&Plan<'_>) -> R) -> R {
        let cpus: Vec<(u32, &[Step])> = self
            .cpus
            .iter()
            .map(|(affinity, start)| (*affinity, start.as_slice()))
            .collect();
        act(&Plan {
            cpus: &cpus,
            every_cpu: &self.interrupts.every_cpu,
            now: &self.interrupts.now,
            reset: &self.reset,
            power_off: &self.power_off,
            timer_frequency: self.timer_frequency,
            gic_system_registers: self.gic_system_registers,
        })
    }
}

/// The CPU that runs, and those that somebody knows how to start.
fn startable(found: &Discovery, survey: &Survey) -> Vec<(u32, Vec<Step>)> {
    let own = cpu::affinity();
    let mut cpus = Vec::from([(own, survey.start(own).unwrap_or_default())]);
    let others = found.cpus.iter().filter(|&&affinity| affinity != own);
    cpus.extend(others.filter_map(|&affinity| Some((affinity, survey.start(affinity)?))));
    cpus.truncate(MAX_CPUS);
    cpus
}

/// The steps that make a line act.
fn drive(line: PowerLine) -> Option<Vec<Step>> {
    let base = u32::try_from(line.base).ok()?;
    gpio::drive(base, line.line, !line.active_low).map(Vec::from)
}
