//! Power as lists of [`Step`]: who starts a CPU, resets the machine, turns it off.
//!
//! A resident monitor carries the lists out in secure state (`platform-armv7`), where nothing
//! of this crate runs; the loader itself carries out a reset where there is no firmware that
//! would ([`run()`]). So knowledge of a board is data here, and tests compare whole lists.

mod bcm2835;
pub mod gpio;
mod h3;
mod run;
mod vexpress;

use alloc::vec::Vec;

use platform_api::{DeviceNode, Step};

use crate::{
    gic,
    watchdog::{
        self,
        sunxi::{self, Layout},
    },
};
pub use run::run;

/// A device that resets the machine or turns it off.
struct Control {
    compatible: &'static [&'static str],
    /// The steps of a reset, for registers at this address.
    reset: fn(u32) -> Vec<Step>,
    /// Those of a power-off; empty if the device has none.
    power_off: fn(u32) -> Vec<Step>,
}

/// Every one that is known.
static CONTROLS: &[Control] = &[
    Control {
        compatible: vexpress::COMPATIBLE,
        reset: vexpress::reset,
        power_off: vexpress::power_off,
    },
    Control {
        compatible: &[sunxi::SUN6I],
        reset: |base| Layout::SUN6I.expire_steps(base),
        power_off: nothing,
    },
    Control {
        compatible: &[sunxi::SUN4I],
        reset: |base| Layout::SUN4I.expire_steps(base),
        power_off: nothing,
    },
    Control {
        compatible: watchdog::bcm2835::COMPATIBLE,
        reset: bcm2835::reset,
        power_off: bcm2835::power_off,
    },
];

fn nothing(_: u32) -> Vec<Step> {
    Vec::new()
}

/// What a board's tree says about power: made for the board, shown every enabled node.
#[derive(Debug, Default)]
pub struct Survey {
    h3: bool,
    /// `arm,vexpress-sysreg`.
    flags: Option<u32>,
    /// The GIC's.
    distributor: Option<u32>,
    /// How the machine is reset; empty if nothing is known.
    pub reset: Vec<Step>,
    /// How it is turned off; empty if nothing is known.
    pub power_off: Vec<Step>,
}

impl Survey {
    /// Begins with the root's `compatible`: a chip's CPU controls have no node of their own.
    pub fn new<'a>(board: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            h3: board.into_iter().any(|name| h3::COMPATIBLE.contains(&name)),
            ..Self::default()
        }
    }

    /// Looks at a node. The first that can do a thing keeps it.
    pub fn note(&mut self, node: &DeviceNode<'_>) {
        let Some(base) = node.reg.first().and_then(|window| window.start().as_u32()) else {
            return;
        };
        if node.matches(gic::COMPATIBLE_V2) {
            self.distributor = Some(base);
        }
        if node.matches(vexpress::COMPATIBLE) {
            self.flags = Some(base);
        }
        let Some(control) = CONTROLS.iter().find(|row| node.matches(row.compatible)) else {
            return;
        };
        if self.reset.is_empty() {
            self.reset = (control.reset)(base);
        }
        if self.power_off.is_empty() {
            self.power_off = (control.power_off)(base);
        }
    }

    /// Returns what opens the chip's own locks to non-secure state.
    pub fn open(&self) -> Vec<Step> {
        if self.h3 { h3::open() } else { Vec::new() }
    }

    /// Returns how the CPU with this affinity is started, out of reset or of the pen that it
    /// waits in; `None` if that is not known.
    pub fn start(&self, affinity: u32) -> Option<Vec<Step>> {
        if self.h3 {
            return h3::start(affinity);
        }
        vexpress::start(self.flags?, self.distributor?, affinity)
    }
}

#[cfg(test)]
mod tests;
