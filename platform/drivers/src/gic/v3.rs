//! The Generic Interrupt Controller, architecture version 3 (IHI 0069).
//!
//! Its CPU interface is in system registers: [`SystemCpuInterface`] is implemented where those
//! are, in `platform-armv7`.

use core::ptr::NonNull;

use platform_api::DeviceNode;
use safe_mmio::fields::{ReadPure, ReadPureWrite};
use safe_mmio::{UniqueMmioPointer, field, field_shared};

use super::v2::{Distributor, PRIVATE_PERIPHERALS, first_active, settle_words};
use crate::mmio::{self, WindowError};

/// The part of a version 3 GIC that is in this CPU's system registers.
pub trait SystemCpuInterface {
    /// Closes the interface: ICC_IGRPEN1 = 0, every implemented ICC_AP1Rn = 0, and in HYP
    /// ICH_HCR = 0; then ISB. Only ever called on a machine with a GICv3.
    fn close(&mut self);

    /// Returns Aff3:Aff2:Aff1:Aff0 of this CPU as GICR_TYPER holds it, that is the low 24 bits of MPIDR on a
    /// 32-bit CPU.
    fn affinity(&self) -> u32;
}

/// One CPU's redistributor: the control frame and the frame of its private interrupts
/// (IHI 0069, 12.10 and 12.11).
#[repr(C)]
struct Redistributor {
    /// GICR_CTLR.
    control: ReadPureWrite<u32>,
    identification: ReadPure<u32>,
    /// GICR_TYPER, two words: flags, affinity.
    kind: [ReadPure<u32>; 2],
    reserved_00010: [u32; 0x4000 - 4],
    reserved_10000: [u32; 0x60],
    /// GICR_ICENABLER0, 0x10180.
    clear_enable: ReadPureWrite<u32>,
    reserved_10184: [u32; 0x3f],
    /// GICR_ICPENDR0, 0x10280.
    clear_pending: ReadPureWrite<u32>,
    reserved_10284: [u32; 0x3f],
    /// GICR_ICACTIVER0, 0x10380.
    clear_active: ReadPureWrite<u32>,
    reserved_10384: [u32; 0x3f1f],
}

const _: () = {
    assert!(size_of::<Redistributor>() == 0x2_0000);
    assert!(core::mem::offset_of!(Redistributor, clear_enable) == 0x1_0180);
    assert!(core::mem::offset_of!(Redistributor, clear_pending) == 0x1_0280);
    assert!(core::mem::offset_of!(Redistributor, clear_active) == 0x1_0380);
};

/// GICR_TYPER: the redistributor has frames for virtual LPIs, twice the size.
pub(super) const TYPE_VIRTUAL_LPIS: u32 = 1 << 1;
/// GICR_TYPER: the last one of this window.
pub(super) const TYPE_LAST: u32 = 1 << 4;
/// GICD_CTLR: affinity routing, ARE_NS, or in secure state ARE_S; private interrupts are then
/// the redistributor's (12.9.4).
const ROUTING: u32 = 1 << 4;
/// GICD_CTLR: a write is still taking effect.
const DISTRIBUTOR_BUSY: u32 = 1 << 31;
/// GICR_CTLR: a write is still taking effect.
const REDISTRIBUTOR_BUSY: u32 = 1 << 3;
/// How often a busy bit is read before it is left alone: a broken controller must not stop a
/// handoff.
const PATIENCE: u32 = 100_000;

/// A GIC with redistributors.
#[derive(Debug)]
pub struct GicV3 {
    distributor: UniqueMmioPointer<'static, Distributor>,
    /// The first window of redistributors, and its size.
    redistributors: (NonNull<Redistributor>, usize),
}

impl GicV3 {
    /// Takes over the GIC of `node`: `reg` holds the distributor, then windows of
    /// redistributors, of which the first is used.
    ///
    /// # Errors
    /// If a window cannot hold its registers.
    ///
    /// # Safety
    /// As [`super::probe`].
    pub(super) unsafe fn probe(node: &DeviceNode<'_>) -> Result<Self, WindowError> {
        let (distributor, _) = mmio::registers(node, 0)?;
        let redistributors = mmio::registers(node, 1)?;
        Ok(Self {
            // SAFETY: The caller vouches for all windows of the node.
            distributor: unsafe { UniqueMmioPointer::new(distributor) },
            redistributors,
        })
    }

    /// See [`super::Gic::settle`].
    pub(super) fn settle(&mut self, cpu: &mut dyn SystemCpuInterface) {
        cpu.close();
        let routing = field_shared!(self.distributor, control).read() & ROUTING != 0;
        settle_words(&mut self.distributor, usize::from(routing));
        wait_while(|| field_shared!(self.distributor, control).read() & DISTRIBUTOR_BUSY != 0);
        if routing && let Some(mut own) = self.redistributor(cpu.affinity()) {
            field!(own, clear_enable).write(PRIVATE_PERIPHERALS);
            wait_while(|| field_shared!(own, control).read() & REDISTRIBUTOR_BUSY != 0);
            // With affinity routing this register reaches SGIs too.
            field!(own, clear_pending).write(u32::MAX);
            field!(own, clear_active).write(u32::MAX);
        }
    }

    /// See [`super::Gic::active`].
    pub(super) fn active(&mut self, affinity: u32) -> Option<u32> {
        let routing = field_shared!(self.distributor, control).read() & ROUTING != 0;
        if routing && let Some(mut own) = self.redistributor(affinity) {
            // Reads as GICR_ISACTIVER0 does (12.11.4).
            let word = field!(own, clear_active).read();
            if word != 0 {
                return Some(word.trailing_zeros());
            }
        }
        first_active(&mut self.distributor, u32::from(routing))
    }

    /// Finds the redistributor of the CPU with this affinity.
    fn redistributor(&mut self, affinity: u32) -> Option<UniqueMmioPointer<'_, Redistributor>> {
        let (first, size) = self.redistributors;
        let mut offset = 0;
        while offset + size_of::<Redistributor>() <= size {
            // SAFETY: `probe`'s caller vouched for the window, the frames fit into what is left
            // of it, their sizes keep the alignment, and `&mut self` makes the pointer unique.
            let candidate = unsafe { UniqueMmioPointer::new(first.byte_add(offset)) };
            let [flags, owner] = field_shared!(candidate, kind)
                .split()
                .map(|word| word.read());
            if owner == affinity {
                return Some(candidate);
            }
            if flags & TYPE_LAST != 0 {
                return None;
            }
            let frames = if flags & TYPE_VIRTUAL_LPIS != 0 { 2 } else { 1 };
            offset += frames * size_of::<Redistributor>();
        }
        None
    }
}

fn wait_while(busy: impl Fn() -> bool) {
    for _ in 0..PATIENCE {
        if !busy() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    struct Cpu(Cell<u32>);

    impl SystemCpuInterface for Cpu {
        fn close(&mut self) {
            self.0.set(self.0.get() + 1);
        }

        fn affinity(&self) -> u32 {
            1
        }
    }

    const FRAME: usize = 0x2_0000 / 4;

    /// Registers posing as a controller, in the device's words.
    struct Fake {
        distributor: &'static mut [u32],
        redistributors: &'static mut [u32],
    }

    impl Fake {
        fn new(routing: u32, kinds: &[u32]) -> Self {
            let distributor = vec![0u32; 0x400].leak();
            distributor[0] = routing;
            distributor[1] = 3;
            let redistributors = vec![0u32; FRAME * kinds.len()].leak();
            for (index, kind) in kinds.iter().enumerate() {
                redistributors[index * FRAME + 2] = *kind;
                redistributors[index * FRAME + 3] = u32::try_from(index).unwrap();
            }
            Self {
                distributor,
                redistributors,
            }
        }

        fn gic(&mut self) -> GicV3 {
            // SAFETY: The memory is leaked, word-aligned, at least as large as the blocks, and
            // not touched otherwise while the controller is in use.
            let distributor = unsafe {
                UniqueMmioPointer::new(NonNull::new(self.distributor.as_mut_ptr()).unwrap().cast())
            };
            GicV3 {
                distributor,
                redistributors: (
                    NonNull::new(self.redistributors.as_mut_ptr())
                        .unwrap()
                        .cast(),
                    self.redistributors.len() * 4,
                ),
            }
        }

        fn settle(&mut self) {
            let mut cpu = Cpu(Cell::new(0));
            self.gic().settle(&mut cpu);
            assert_eq!(cpu.0.get(), 1);
        }
    }

    #[test]
    fn private_interrupts_are_settled_in_this_cpus_redistributor() {
        let mut fake = Fake::new(ROUTING, &[0, TYPE_LAST]);
        fake.settle();
        assert_eq!(
            fake.distributor[0x180 / 4..0x190 / 4],
            [0, u32::MAX, u32::MAX, u32::MAX]
        );
        let own = &fake.redistributors[FRAME..];
        assert_eq!(own[0x1_0180 / 4], PRIVATE_PERIPHERALS);
        assert_eq!(own[0x1_0280 / 4], u32::MAX);
        assert_eq!(own[0x1_0380 / 4], u32::MAX);
        assert_eq!(fake.redistributors[0x1_0180 / 4], 0);
    }

    #[test]
    fn finds_an_active_interrupt_of_this_cpu_or_of_all() {
        let mut fake = Fake::new(ROUTING, &[0, TYPE_LAST]);
        fake.redistributors[0x1_0380 / 4] = 1 << 3;
        // The distributor's first word is nobody's where there are redistributors.
        fake.distributor[0x300 / 4] = 1;
        assert_eq!(fake.gic().active(1), None);
        fake.distributor[0x304 / 4] = 1 << 1;
        assert_eq!(fake.gic().active(1), Some(33));
        fake.redistributors[FRAME + 0x1_0380 / 4] = 1 << 26;
        assert_eq!(fake.gic().active(1), Some(26));
        assert_eq!(fake.gic().active(0), Some(3));
    }

    #[test]
    fn without_routing_they_are_the_distributors() {
        let mut fake = Fake::new(0, &[0, TYPE_LAST]);
        fake.settle();
        assert_eq!(fake.distributor[0x180 / 4], PRIVATE_PERIPHERALS);
        assert_eq!(fake.redistributors[FRAME + 0x1_0180 / 4], 0);
    }

    #[test]
    fn frames_for_virtual_lpis_are_stepped_over() {
        // The second pair of frames belongs to the first CPU, and has no type of its own.
        let mut fake = Fake::new(ROUTING, &[TYPE_VIRTUAL_LPIS, 0, TYPE_LAST]);
        fake.redistributors[FRAME + 3] = 1;
        fake.redistributors[2 * FRAME + 3] = 1;
        fake.settle();
        assert_eq!(fake.redistributors[FRAME + 0x1_0180 / 4], 0);
        assert_eq!(
            fake.redistributors[2 * FRAME + 0x1_0180 / 4],
            PRIVATE_PERIPHERALS
        );
    }

    #[test]
    fn no_redistributor_of_ours_ends_the_search() {
        let mut fake = Fake::new(ROUTING, &[TYPE_LAST, 0]);
        fake.settle();
        assert_eq!(fake.redistributors[FRAME + 0x1_0180 / 4], 0);
        let mut fake = Fake::new(ROUTING, &[0]);
        fake.settle();
        assert_eq!(fake.redistributors[0x1_0180 / 4], 0);
    }
}
