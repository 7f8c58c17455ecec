//! The rates of devices' clocks, as far as a tree alone tells them.

use alloc::vec::Vec;

use super::{
    super::{Device, cells::cell},
    facts::{Facts, Key},
};

/// The most steps from a device to a clock of a fixed rate.
const MAX_STEPS: usize = 4;

/// What a phandle stands for.
#[derive(Clone, Copy)]
enum Clock {
    /// A clock of so many Hz.
    Fixed(u32),
    /// A switch, which the tree has set to that clock.
    Switch(u32),
}

/// Clocks, and who wants to know their rates. A clock may stand behind its users in the tree.
#[derive(Default)]
pub(super) struct Clocks {
    known: Vec<(u32, Clock)>,
    wanted: Vec<(usize, u32)>,
}

/// Returns the first cell of a list.
fn first(list: &[u8]) -> Option<u32> {
    cell(list.get(..4)?)
}

impl Clocks {
    /// Notes a node that is a clock.
    pub(super) fn note(&mut self, compatible: &[u8], facts: &Facts<'_>) {
        let clock = if compatible.starts_with(b"fixed-clock\0") {
            facts
                .get(Key::ClockFrequency)
                .and_then(cell)
                .map(Clock::Fixed)
        } else if compatible.starts_with(b"arm,sp810\0") {
            // The motherboard's system controller: it chooses between two clocks for its timers.
            facts
                .get(Key::ClockParents)
                .and_then(first)
                .map(Clock::Switch)
        } else {
            return;
        };
        let handle = facts.get(Key::Phandle).and_then(cell);
        self.known.extend(handle.zip(clock));
    }

    /// Notes that the device at `place` has clocks.
    pub(super) fn want(&mut self, place: usize, facts: &Facts<'_>) {
        let clock = facts.get(Key::Clocks).and_then(first);
        self.wanted.extend(clock.map(|clock| (place, clock)));
    }

    /// Tells the devices, but those that say it themselves, the rates that are known.
    pub(super) fn settle(&self, devices: &mut [Device]) {
        for &(place, clock) in &self.wanted {
            if let Some(device) = devices.get_mut(place)
                && device.clock.is_none()
            {
                device.clock = self.rate(clock);
            }
        }
    }

    fn rate(&self, handle: u32) -> Option<u32> {
        let mut handle = handle;
        for _ in 0..MAX_STEPS {
            let (_, clock) = self.known.iter().find(|(known, _)| *known == handle)?;
            match *clock {
                Clock::Fixed(rate) => return Some(rate).filter(|&rate| rate != 0),
                Clock::Switch(parent) => handle = parent,
            }
        }
        None
    }
}
