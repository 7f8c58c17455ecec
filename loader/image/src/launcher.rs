//! Passes the machine on: quiets what we bound, then the last page.

use alloc::vec::Vec;

use platform_api::{
    CleanRanges, CpuMode, Handoff, HandoffRefusal, Launcher, PhysAddr, PhysRange, RawUart,
};
use platform_armv7::{cpu, handoff, layout};
use platform_drivers::psci::{AffinityState, Psci};

use crate::{devices::Quiesce, fault, heap, mapping, watch::Keeper};

/// The processor's and the board's [`Launcher`].
pub struct BoardLauncher {
    /// The firmware that knows which CPUs run.
    pub psci: Option<Psci>,
    /// Every CPU in the tree, by affinity.
    pub cpus: Vec<u32>,
    /// The devices to quiet.
    pub quiesce: Quiesce,
    /// The watchdogs.
    pub keeper: &'static Keeper,
    /// The console, for the last page.
    pub uart: RawUart,
    /// The page of the log, which may be dirty too.
    pub log: PhysRange,
}

impl BoardLauncher {
    /// Finds a CPU that firmware says is running beside this one.
    fn running_cpu(&self) -> Option<u32> {
        let psci = self.psci?;
        let own = cpu::affinity();
        self.cpus.iter().copied().find(|&affinity| {
            affinity != own
                && matches!(
                    psci.affinity_info(affinity),
                    Ok(AffinityState::On | AffinityState::OnPending)
                )
        })
    }

    /// Returns every byte of the loader that may be dirty.
    fn own_memory(&self) -> CleanRanges {
        let mut ranges = CleanRanges::default();
        let (bss, unused) = (layout::bss(), mapping::unused_tables());
        let part = |start, end| PhysRange::new(start, end).unwrap_or_default();
        let own: [PhysRange; 7] = [
            layout::data(),
            part(bss.start(), unused.start()),
            part(unused.end(), bss.end()),
            layout::exception_stack(),
            layout::stack(),
            heap::touched(),
            self.log,
        ];
        for range in own {
            // Seven ranges fit the list by its constant.
            let _ = ranges.push(range);
        }
        ranges
    }
}

impl Launcher for BoardLauncher {
    fn check(&mut self, handoff: &Handoff) -> Result<(), HandoffRefusal> {
        for address in [handoff.entry, handoff.device_tree] {
            if address.as_u32().is_none() || !address.is_aligned(4) {
                return Err(HandoffRefusal::Address(address));
            }
        }
        match self.running_cpu() {
            Some(affinity) => Err(HandoffRefusal::CpuRunning { affinity }),
            None => Ok(()),
        }
    }

    fn hand_off(&mut self, handoff: Handoff) -> ! {
        self.quiesce.all();
        self.keeper.hand_off(handoff.watchdog);
        let (handoff, own) = fault::inject(handoff, self.own_memory());
        // SAFETY: `check` and the plan came before; the devices are quiet now; `own_memory` is
        // every section and the heap; the mapping is 1 to 1.
        unsafe { handoff::hand_off(&handoff, &own, self.uart) }
    }

    fn call(&mut self, entry: PhysAddr, arguments: &[&str]) -> u32 {
        let strings: Vec<Vec<u8>> = arguments
            .iter()
            .map(|text| text.bytes().chain([0]).collect())
            .collect();
        let mut pointers: Vec<*const u8> = strings.iter().map(|text| text.as_ptr()).collect();
        pointers.push(core::ptr::null());
        let argc = u32::try_from(arguments.len()).unwrap_or(0);
        let entry = entry.as_u32().unwrap_or(0);
        // SAFETY: the user's word that `entry` is a program; that is what `go` is for. The
        // strings live until it returns.
        unsafe { handoff::call(entry, argc, pointers.as_ptr()) }
    }
}

/// Says what a payload's mode will be if it is not HYP.
pub fn degraded(mode: CpuMode) -> Option<&'static str> {
    match (mode, cpu::has_hyp()) {
        (CpuMode::Hypervisor, _) => None,
        (CpuMode::Supervisor, true) => {
            Some("no HYP: entered in non-secure SVC; running and booting in SVC")
        }
        (CpuMode::Supervisor, false) => {
            Some("no HYP: this processor has none; running and booting in SVC")
        }
        (CpuMode::SecureSupervisor, true) => {
            Some("no HYP: secure SVC has no way to Monitor mode; running and booting in secure SVC")
        }
        (CpuMode::SecureSupervisor, false) => {
            Some("no HYP: this processor has none; running and booting in secure SVC")
        }
    }
}
