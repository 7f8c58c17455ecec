//! The Generic Interrupt Controller, architecture versions 1 and 2 (IHI 0048B).

use platform_api::DeviceNode;
use safe_mmio::fields::{ReadPure, ReadPureWrite};
use safe_mmio::{UniqueMmioPointer, field, field_shared};

use crate::mmio::{self, WindowError};

/// The distributor, up to the SGI registers (IHI 0048B, table 4-1). Registers of one bit per
/// interrupt have 32 words: 1 024 interrupts. Word 0 is banked for each CPU.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Distributor {
    /// GICD_CTLR.
    pub control: ReadPureWrite<u32>,
    /// GICD_TYPER.
    pub kind: ReadPure<u32>,
    reserved_008: [u32; 30],
    /// GICD_IGROUPR: never written here.
    group: [ReadPure<u32>; 32],
    set_enable: [ReadPureWrite<u32>; 32],
    /// GICD_ICENABLER: a 1 disables.
    pub clear_enable: [ReadPureWrite<u32>; 32],
    set_pending: [ReadPureWrite<u32>; 32],
    /// GICD_ICPENDR: a 1 ends a pending state.
    pub clear_pending: [ReadPureWrite<u32>; 32],
    set_active: [ReadPureWrite<u32>; 32],
    /// GICD_ICACTIVER: a 1 deactivates.
    pub clear_active: [ReadPureWrite<u32>; 32],
    reserved_400: [u32; 704],
    /// GICD_SGIR, 0xf00.
    software_interrupt: u32,
    reserved_f04: [u32; 3],
    /// GICD_CPENDSGIR, 0xf10: one bit for each SGI and sending CPU. Version 2 only.
    clear_pending_sgi: [ReadPureWrite<u32>; 4],
    reserved_f20: [u32; 56],
}

/// The CPU interface, up to its identification (IHI 0048B, table 4-2).
#[derive(Debug)]
#[repr(C)]
struct CpuInterface {
    /// GICC_CTLR.
    control: ReadPureWrite<u32>,
    reserved_004: [u32; 51],
    /// GICC_APR, 0xd0: version 2 only.
    active_priorities: [ReadPureWrite<u32>; 4],
    reserved_0e0: [u32; 7],
    /// GICC_IIDR, 0xfc.
    identification: ReadPure<u32>,
}

/// The hypervisor's view of the virtual CPU interface (IHI 0048B, table 5-1), as far as used.
#[derive(Debug)]
#[repr(C)]
struct HypervisorControl {
    /// GICH_HCR.
    control: ReadPureWrite<u32>,
}

const _: () = {
    assert!(size_of::<Distributor>() == 0x1000);
    assert!(core::mem::offset_of!(Distributor, clear_enable) == 0x180);
    assert!(core::mem::offset_of!(Distributor, clear_pending) == 0x280);
    assert!(core::mem::offset_of!(Distributor, clear_active) == 0x380);
    assert!(core::mem::offset_of!(Distributor, clear_pending_sgi) == 0xf10);
    assert!(size_of::<CpuInterface>() == 0x100);
    assert!(core::mem::offset_of!(CpuInterface, active_priorities) == 0xd0);
    assert!(size_of::<HypervisorControl>() == 4);
};

/// GICC_CTLR: EnableGrp0 and EnableGrp1. In non-secure state bit 0 is EnableGrp1 and bit 1 is
/// reserved (4.4.1).
const CPU_ENABLES: u32 = 0b11;
/// Interrupts 16 to 31, the private peripherals': everything in word 0 but the SGIs.
pub(super) const PRIVATE_PERIPHERALS: u32 = 0xffff_0000;

/// A GIC whose registers are all memory-mapped.
#[derive(Debug)]
pub struct GicV2<'a> {
    distributor: UniqueMmioPointer<'a, Distributor>,
    cpu: UniqueMmioPointer<'a, CpuInterface>,
    /// Only with the virtualization extensions.
    hypervisor: Option<UniqueMmioPointer<'a, HypervisorControl>>,
}

impl GicV2<'static> {
    /// Takes over the GIC of `node`: `reg` holds distributor, CPU interface and, with the
    /// virtualization extensions, hypervisor control and virtual CPU interface.
    ///
    /// # Errors
    /// If a window cannot hold its registers.
    ///
    /// # Safety
    /// As [`super::probe`].
    pub(super) unsafe fn probe(node: &DeviceNode<'_>) -> Result<Self, WindowError> {
        let (distributor, _) = mmio::registers(node, 0)?;
        let (cpu, _) = mmio::registers(node, 1)?;
        let hypervisor = match mmio::registers(node, 2) {
            Ok((pointer, _)) => Some(pointer),
            Err(WindowError::Missing { .. }) => None,
            Err(error) => return Err(error),
        };
        // SAFETY: The caller vouches for all windows of the node.
        unsafe {
            Ok(Self {
                distributor: UniqueMmioPointer::new(distributor),
                cpu: UniqueMmioPointer::new(cpu),
                hypervisor: hypervisor.map(|pointer| UniqueMmioPointer::new(pointer)),
            })
        }
    }
}

impl GicV2<'_> {
    /// See [`super::Gic::settle`].
    pub(super) fn settle(&mut self) {
        // First the door to this CPU: nothing that follows can be signalled half-way. The other
        // bits stay: bypass and EOImode are the secure world's or the next owner's choice, and
        // EOImode must not change with interrupts active (4.4.1).
        field!(self.cpu, control).modify(|control| control & !CPU_ENABLES);
        let version_2 = self.is_version_2();

        settle_words(&mut self.distributor, 0);
        if version_2 {
            // ICPENDR does not reach SGIs (4.3.8).
            let mut sgis = field!(self.distributor, clear_pending_sgi);
            for mut word in sgis.iter() {
                word.write(u32::MAX);
            }
            // An interrupt that was acknowledged and never ended holds its priority until it is
            // dropped, and blocks all that are not more urgent: deactivating it in the
            // distributor does not drop it (3.2.1, 4.4.13).
            let mut priorities = field!(self.cpu, active_priorities);
            for mut word in priorities.iter() {
                word.write(0);
            }
        }
        // En = 0: no virtual interrupt and no maintenance interrupt (5.3.1).
        if let Some(hypervisor) = &mut self.hypervisor {
            field!(*hypervisor, control).write(0);
        }
    }

    /// See [`super::Gic::active`].
    pub(super) fn active(&mut self) -> Option<u32> {
        first_active(&mut self.distributor, 0)
    }

    /// Tells version 2 from version 1 by GICC_IIDR's architecture version (4.4.18): version 1
    /// has neither GICC_APR nor GICD_CPENDSGIR.
    fn is_version_2(&self) -> bool {
        field_shared!(self.cpu, identification).read() >> 16 & 0xf == 2
    }
}

/// Disables, ends and deactivates every interrupt from word `first` of the bit registers on.
///
/// GICD_CTLR stays: with every interrupt disabled its state decides nothing for us, and from
/// secure state a 0 would also cut off a secure world. Interrupts of group 0 do not notice our
/// writes from non-secure state (4.3.6).
pub(super) fn settle_words(distributor: &mut UniqueMmioPointer<'_, Distributor>, first: usize) {
    // GICD_TYPER.ITLinesNumber: 32 (n + 1) interrupts (4.3.2).
    let words = (field_shared!(*distributor, kind).read() & 0x1f) as usize + 1;
    for index in first..words {
        // SGIs stay enabled if they are: some controllers do not let them be disabled, and
        // Linux and Xen set them for themselves.
        let mask = if index == 0 {
            PRIVATE_PERIPHERALS
        } else {
            u32::MAX
        };
        set(field!(*distributor, clear_enable), index, mask);
        set(field!(*distributor, clear_pending), index, mask);
        set(field!(*distributor, clear_active), index, u32::MAX);
    }
}

/// Finds the first active interrupt from word `first` of the bit registers on.
pub(super) fn first_active(
    distributor: &mut UniqueMmioPointer<'_, Distributor>,
    first: u32,
) -> Option<u32> {
    let words = (field_shared!(*distributor, kind).read() & 0x1f) + 1;
    let mut active = field!(*distributor, set_active);
    (first..words).find_map(|index| {
        let word = active.get(index as usize)?.read();
        (word != 0).then(|| 32 * index + word.trailing_zeros())
    })
}

fn set(mut words: UniqueMmioPointer<'_, [ReadPureWrite<u32>; 32]>, index: usize, value: u32) {
    if let Some(mut word) = words.get(index) {
        word.write(value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIC_400: u32 = 0x0202_143b;
    const VERSION_1: u32 = 0x0101_043b;

    struct Fake {
        distributor: [u32; 0x400],
        cpu: [u32; 0x40],
        hypervisor: [u32; 1],
    }

    impl Fake {
        /// A controller with `lines` as ITLinesNumber that a first stage left in use.
        fn new(identification: u32, lines: u32) -> Self {
            let mut fake = Fake {
                distributor: [0; 0x400],
                cpu: [0; 0x40],
                hypervisor: [0x1],
            };
            fake.distributor[0] = 3;
            fake.distributor[1] = 0xfc00 | lines;
            fake.distributor[0x80 / 4..0x100 / 4].fill(0xa5a5_a5a5);
            fake.cpu[0] = 0x1e3;
            fake.cpu[0xd0 / 4..0xe0 / 4].fill(0x80);
            fake.cpu[0xfc / 4] = identification;
            fake
        }

        fn gic(&mut self, with_hypervisor: bool) -> GicV2<'_> {
            // SAFETY: The arrays have the blocks' sizes and alignment, are borrowed for the
            // pointers' lifetime, and any bit pattern is a valid register.
            unsafe {
                GicV2 {
                    distributor: UniqueMmioPointer::new(
                        core::ptr::NonNull::from(&mut self.distributor).cast(),
                    ),
                    cpu: UniqueMmioPointer::new(core::ptr::NonNull::from(&mut self.cpu).cast()),
                    hypervisor: with_hypervisor.then(|| {
                        UniqueMmioPointer::new(
                            core::ptr::NonNull::from(&mut self.hypervisor).cast(),
                        )
                    }),
                }
            }
        }

        fn settle(&mut self, with_hypervisor: bool) {
            self.gic(with_hypervisor).settle();
        }

        fn words(&self, offset: usize) -> &[u32] {
            &self.distributor[offset / 4..offset / 4 + 32]
        }
    }

    #[test]
    fn silences_a_gic_400() {
        let mut fake = Fake::new(GIC_400, 4);
        fake.settle(true);
        assert_eq!(fake.cpu[0], 0x1e0, "enables off, bypass bits kept");
        for offset in [0x180, 0x280, 0x380] {
            let words = fake.words(offset);
            assert_eq!(words[1..5], [u32::MAX; 4], "{offset:#x}");
            assert!(words[5..].iter().all(|word| *word == 0), "{offset:#x}");
        }
        assert_eq!(fake.words(0x180)[0], PRIVATE_PERIPHERALS);
        assert_eq!(fake.words(0x280)[0], PRIVATE_PERIPHERALS);
        assert_eq!(fake.words(0x380)[0], u32::MAX);
        assert_eq!(fake.distributor[0xf10 / 4..0xf20 / 4], [u32::MAX; 4]);
        assert_eq!(fake.cpu[0xd0 / 4..0xe0 / 4], [0; 4]);
        assert_eq!(fake.hypervisor, [0]);
    }

    #[test]
    fn finds_an_active_interrupt_among_those_there_are() {
        let mut fake = Fake::new(GIC_400, 1);
        let mut active = |word: usize, bits| {
            fake.distributor[0x300 / 4..0x380 / 4].fill(0);
            fake.distributor[0x300 / 4 + word] = bits;
            fake.gic(true).active()
        };
        assert_eq!(active(0, 0), None);
        assert_eq!(active(0, 1 << 26), Some(26));
        assert_eq!(active(1, 3 << 4), Some(36));
        assert_eq!(active(2, 1), None);
    }

    #[test]
    fn leaves_groups_and_the_distributors_control() {
        let mut fake = Fake::new(GIC_400, 31);
        fake.settle(true);
        assert_eq!(fake.distributor[0], 3);
        assert!(fake.words(0x80).iter().all(|word| *word == 0xa5a5_a5a5));
        assert!(fake.words(0x100).iter().all(|word| *word == 0));
        assert!(fake.words(0x300).iter().all(|word| *word == 0));
        assert!(fake.words(0x180)[1..].iter().all(|word| *word == u32::MAX));
    }

    #[test]
    fn version_1_has_no_registers_of_version_2() {
        let mut fake = Fake::new(VERSION_1, 2);
        fake.settle(false);
        assert_eq!(fake.cpu[0], 0x1e0);
        assert_eq!(fake.cpu[0xd0 / 4..0xe0 / 4], [0x80; 4]);
        assert_eq!(fake.distributor[0xf10 / 4..0xf20 / 4], [0; 4]);
        assert_eq!(fake.hypervisor, [1]);
    }
}
