//! What gives every interrupt to non-secure state, as steps for who runs in secure state.
//!
//! Out of reset all interrupts are group 0, and non-secure state can neither see nor change
//! them. Linux wants them in group 1, and a priority mask that lets it set its own (booting.rst).

use alloc::vec::Vec;

use platform_api::{DeviceNode, Step};

use super::{
    COMPATIBLE_V2, COMPATIBLE_V3,
    v3::{TYPE_LAST, TYPE_VIRTUAL_LPIS},
};

/// The lists of an interrupt controller.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandOver {
    /// Once.
    pub now: Vec<Step>,
    /// By every CPU, in front of its entry into non-secure state.
    pub every_cpu: Vec<Step>,
}

// The distributor (IHI 0048B, table 4-1; IHI 0069, 12.8).
const GICD_CTLR: u32 = 0;
/// ITLinesNumber in bits 4:0: registers of one bit an interrupt, less one.
const GICD_TYPER: u32 = 0x004;
/// GICD_TYPER: SecurityExtn.
const SECURITY_EXTENSIONS: u32 = 1 << 10;
const GICD_IGROUPR: u32 = 0x080;
/// Version 3 alone.
const GICD_IGRPMODR: u32 = 0xd00;
/// Version 2 alone.
const GICD_CPENDSGIR: u32 = 0xf10;

// The CPU interface of version 2 (IHI 0048B, table 4-2).
const GICC_CTLR: u32 = 0;
const GICC_PMR: u32 = 0x004;
/// GICC_CTLR: no bypass of either group around the interface, nothing enabled (table 4-31).
const BYPASS_DISABLED: u32 = 0x1e0;
/// The lowest priority there can be. With less than 0x80 here non-secure state could not write
/// its own half (4.4.2).
const LOWEST_PRIORITY: u32 = 0xff;

/// GICD_CTLR of version 2 in secure state: both groups are forwarded. Group 0 too, because a
/// CPU in a pen waits for an interrupt of that group.
const BOTH_GROUPS: u32 = 0b11;
/// GICD_CTLR of version 3: affinity routing in both states, ARE_S and ARE_NS.
const ROUTING: u32 = 1 << 4 | 1 << 5;

// A redistributor, and its second frame (IHI 0069, 12.10 and 12.11).
const GICR_TYPER: u32 = 0x0008;
const GICR_WAKER: u32 = 0x0014;
/// GICR_WAKER: ProcessorSleep.
const SLEEP: u32 = 1 << 1;
const GICR_IGROUPR0: u32 = 0x1_0080;
const GICR_IGRPMODR0: u32 = 0x1_0d00;
const FRAMES: u32 = 0x2_0000;

/// How long a write may take to reach all of the controller, where the manual has a bit to
/// poll: microseconds, and generous.
const SETTLED: Step = Step::Delay { microseconds: 20 };

/// Returns the steps for the controller of `node`; `None` if it is none that is known. `read`
/// reads its registers, by address.
pub fn hand_over(node: &DeviceNode<'_>, read: &dyn Fn(u32) -> u32) -> Option<HandOver> {
    let window = |index: usize| {
        let window = node.reg.get(index)?;
        Some((window.start().as_u32()?, u32::try_from(window.size()).ok()?))
    };
    let (distributor, _) = window(0)?;
    let (other, size) = window(1)?;
    if node.matches(COMPATIBLE_V2) {
        Some(version_2(distributor, other, read))
    } else if node.matches(COMPATIBLE_V3) {
        Some(version_3(distributor, (other, size), read))
    } else {
        None
    }
}

fn write(base: u32, offset: u32, value: u32) -> Step {
    Step::Write {
        at: base.wrapping_add(offset),
        value,
    }
}

/// The registers of shared interrupts: all but the first of each kind.
fn shared(distributor: u32, read: &dyn Fn(u32) -> u32) -> impl Iterator<Item = u32> + Clone {
    let last = kind(distributor, read) & 0x1f;
    (1..=last).map(|index| 4 * index)
}

fn kind(distributor: u32, read: &dyn Fn(u32) -> u32) -> u32 {
    read(distributor.wrapping_add(GICD_TYPER))
}

fn version_2(distributor: u32, cpu: u32, read: &dyn Fn(u32) -> u32) -> HandOver {
    if kind(distributor, read) & SECURITY_EXTENSIONS == 0 {
        // It does not tell secure from non-secure, and non-secure state enables group 0, as it
        // thinks that it has one alone. QEMU's H3 is such a one; the chip's is not.
        return HandOver::default();
    }
    let mut now: Vec<Step> = shared(distributor, read)
        .map(|offset| write(distributor, GICD_IGROUPR + offset, u32::MAX))
        .collect();
    now.push(write(distributor, GICD_CTLR, BOTH_GROUPS));
    let mut every_cpu = Vec::from([write(distributor, GICD_IGROUPR, u32::MAX)]);
    // What called it out of its pen is pending still. (Not there before version 2, and ignored.)
    every_cpu.extend((0..4).map(|index| write(distributor, GICD_CPENDSGIR + 4 * index, u32::MAX)));
    every_cpu.extend([
        write(cpu, GICC_PMR, LOWEST_PRIORITY),
        write(cpu, GICC_CTLR, BYPASS_DISABLED),
    ]);
    HandOver { now, every_cpu }
}

/// Every redistributor is set up at once: each CPU has its own, at an address of its own, and all
/// of them can be reached from everywhere. The CPU interface is in system registers.
fn version_3(distributor: u32, redistributors: (u32, u32), read: &dyn Fn(u32) -> u32) -> HandOver {
    // Routing may change while no group is enabled (IHI 0069, GICD_CTLR).
    let mut now = Vec::from([
        write(distributor, GICD_CTLR, 0),
        SETTLED,
        write(distributor, GICD_CTLR, ROUTING),
        SETTLED,
    ]);
    for offset in shared(distributor, read) {
        now.push(write(distributor, GICD_IGROUPR + offset, u32::MAX));
        now.push(write(distributor, GICD_IGRPMODR + offset, 0));
    }
    let (first, size) = redistributors;
    let mut offset = 0u32;
    while offset.checked_add(FRAMES).is_some_and(|end| end <= size) {
        let own = first.wrapping_add(offset);
        now.extend([
            Step::Clear {
                at: own.wrapping_add(GICR_WAKER),
                bits: SLEEP,
            },
            SETTLED,
            write(own, GICR_IGROUPR0, u32::MAX),
            write(own, GICR_IGRPMODR0, 0),
        ]);
        let kind = read(own.wrapping_add(GICR_TYPER));
        if kind & TYPE_LAST != 0 {
            break;
        }
        let frames = if kind & TYPE_VIRTUAL_LPIS != 0 { 2 } else { 1 };
        offset = offset.saturating_add(frames * FRAMES);
    }
    HandOver {
        now,
        every_cpu: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use platform_api::{PhysAddr, PhysRange, RegisterLayout};

    fn steps(compatible: &str, reg: &[(u64, u64)], read: &dyn Fn(u32) -> u32) -> Option<HandOver> {
        let reg: Vec<PhysRange> = reg
            .iter()
            .map(|&(start, size)| PhysRange::from_size(PhysAddr::new(start), size).unwrap())
            .collect();
        hand_over(
            &DeviceNode {
                path: "/x",
                compatible: &[compatible],
                reg: &reg,
                dma_coherent: false,
                layout: RegisterLayout::default(),
                bus_width: None,
                clock: None,
                current_speed: None,
            },
            read,
        )
    }

    #[test]
    fn version_2_gives_away_what_it_has() {
        let read = |at| {
            assert_eq!(at, 0x2c00_1004);
            // 96 interrupts, 2 CPUs, security extensions.
            0x0000_0422
        };
        let reg = [(0x2c00_1000, 0x1000), (0x2c00_2000, 0x2000)];
        let found = steps("arm,cortex-a15-gic", &reg, &read).unwrap();
        assert_eq!(
            found.now,
            [
                write(0x2c00_1084, 0, u32::MAX),
                write(0x2c00_1088, 0, u32::MAX),
                write(0x2c00_1000, 0, 3),
            ]
        );
        assert_eq!(
            found.every_cpu,
            [
                write(0x2c00_1080, 0, u32::MAX),
                write(0x2c00_1f10, 0, u32::MAX),
                write(0x2c00_1f14, 0, u32::MAX),
                write(0x2c00_1f18, 0, u32::MAX),
                write(0x2c00_1f1c, 0, u32::MAX),
                write(0x2c00_2004, 0, 0xff),
                write(0x2c00_2000, 0, 0x1e0),
            ]
        );
    }

    /// The steps of one redistributor.
    fn own(base: u32) -> [Step; 4] {
        let clear = Step::Clear {
            at: base + 0x14,
            bits: 2,
        };
        [
            clear,
            SETTLED,
            write(base, 0x1_0080, u32::MAX),
            write(base, 0x1_0d00, 0),
        ]
    }

    #[test]
    fn without_security_extensions_there_is_nothing_to_give_away() {
        let reg = [(0x01c8_1000, 0x1000), (0x01c8_2000, 0x2000)];
        let found = steps("arm,gic-400", &reg, &|_| 0x64).unwrap();
        assert_eq!(found, HandOver::default());
    }

    #[test]
    fn version_3_wakes_every_redistributor() {
        let kind = |at| match at {
            0x0800_0004 => 1,
            // The second has frames for virtual LPIs, the third is the last.
            0x080c_0008 => TYPE_VIRTUAL_LPIS,
            0x0810_0008 => TYPE_LAST,
            _ => 0,
        };
        let reg = [(0x0800_0000, 0x1_0000), (0x080a_0000, 0xf6_0000)];
        let found = steps("arm,gic-v3", &reg, &kind).unwrap();
        let mut expected = Vec::from([
            write(0x0800_0000, 0, 0),
            SETTLED,
            write(0x0800_0000, 0, 0x30),
            SETTLED,
            write(0x0800_0084, 0, u32::MAX),
            write(0x0800_0d04, 0, 0),
        ]);
        for base in [0x080a_0000, 0x080c_0000, 0x0810_0000] {
            expected.extend(own(base));
        }
        assert_eq!(found.now, expected);
        assert_eq!(found.every_cpu, []);
    }

    #[test]
    fn the_window_ends_the_search_for_redistributors() {
        let reg = [(0x0800_0000, 0x1_0000), (0x080a_0000, 0x4_0000)];
        let found = steps("arm,gic-v3", &reg, &|_| 0).unwrap();
        assert_eq!(found.now.len(), 4 + 2 * 4);
    }

    #[test]
    fn what_is_no_controller_has_no_steps() {
        let reg = [(0x0800_0000, 0x1_0000), (0x080a_0000, 0x4_0000)];
        assert_eq!(steps("arm,pl011", &reg, &|_| 0), None);
        assert_eq!(steps("arm,gic-v3", &reg[..1], &|_| 0), None);
    }
}
