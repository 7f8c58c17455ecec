//! What a handoff has to stop.

use alloc::vec::Vec;

use platform_armv7::{cpu, gic as interface};
use platform_drivers::{
    gic::{Gic, SystemCpuInterface},
    mmc::{pl181, sdhci, sdhost, sunxi},
    timer::Timer,
    virtio::Slot,
};

/// Devices to quiet before a handoff.
#[derive(Default)]
pub struct Quiesce {
    pub(super) slots: Vec<Slot>,
    pub(super) mmc: Vec<MmcHost>,
    pub(super) gic: Option<Gic>,
    pub(super) timer: Option<Timer>,
}

/// A memory card's host, out of its driver's hands.
#[derive(Clone, Copy)]
pub(super) enum MmcHost {
    Sunxi(sunxi::Registers),
    Pl181(pl181::Registers),
    SdHost(sdhost::Registers),
    Sdhci(sdhci::Registers),
}

impl MmcHost {
    fn stop(self) {
        match self {
            Self::Sunxi(registers) => registers.stop(),
            Self::Pl181(registers) => registers.stop(),
            Self::SdHost(registers) => registers.stop(),
            Self::Sdhci(registers) => registers.stop(),
        }
    }
}

/// The GICv3 CPU interface of this CPU.
struct CpuInterface;

impl SystemCpuInterface for CpuInterface {
    fn close(&mut self) {
        // SAFETY: called by the GICv3 driver alone, so the registers exist; interrupts are
        // masked since entry.
        unsafe { interface::close_interface() }
    }

    fn affinity(&self) -> u32 {
        cpu::affinity()
    }
}

impl Quiesce {
    /// Finds an interrupt that whoever was here before took and never ended.
    pub fn active_interrupt(&mut self) -> Option<u32> {
        self.gic.as_mut()?.active(cpu::affinity())
    }

    /// Stops all DMA and settles the interrupt controller. A step of the handoff: allocates
    /// nothing and cannot fail.
    pub fn all(&mut self) {
        for slot in &self.slots {
            // A device that does not confirm its reset cannot be helped from here.
            let _ = slot.reset();
        }
        for host in &self.mmc {
            host.stop();
        }
        if let Some(gic) = &mut self.gic {
            gic.settle(&mut CpuInterface);
        }
        if let Some(Timer::Sp804(timer)) = self.timer {
            timer.stop();
        }
    }
}
