//! The Versatile Express motherboard's system registers (V2M-P1, Arm DUI 0447, "Status and
//! system control registers").

use alloc::{vec, vec::Vec};

use platform_api::Step;

/// The `compatible` strings of the system registers.
pub const COMPATIBLE: &[&str] = &["arm,vexpress-sysreg"];

/// SYS_FLAGSSET; a read is of SYS_FLAGS.
const FLAGS_SET: u32 = 0x30;
/// SYS_FLAGSCLR.
const FLAGS_CLEAR: u32 = 0x34;
/// SYS_CFGDATA.
const CONFIG_DATA: u32 = 0xa0;
/// SYS_CFGCTRL: start, write, function. Site 0, the motherboard, and device 0.
const CONFIG_CONTROL: u32 = 0xa4;
/// SYS_CFGSTAT: complete, error.
const CONFIG_STATUS: u32 = 0xa8;

/// SYS_CFGCTRL: start, and it is a write.
const START_WRITE: u32 = 1 << 31 | 1 << 30;
/// SYS_CFG_SHUTDOWN and SYS_CFG_REBOOT (`arm,vexpress-sysreg,func` in trees).
const SHUTDOWN: u32 = 8;
const REBOOT: u32 = 9;

/// GICD_SGIR (IHI 0048B, 4.3.15): target list from bit 16 on, NSATT clear for group 0, which is
/// what the interrupt is for a CPU that nobody has set up.
const SOFTWARE_INTERRUPT: u32 = 0xf00;
/// How many CPU interfaces a target list has.
const INTERFACES: u32 = 8;

fn configure(base: u32, function: u32) -> Vec<Step> {
    let write = |offset, value| Step::Write {
        at: base.wrapping_add(offset),
        value,
    };
    vec![
        write(CONFIG_STATUS, 0),
        write(CONFIG_DATA, 0),
        write(CONFIG_CONTROL, START_WRITE | function << 20),
    ]
}

pub fn reset(base: u32) -> Vec<Step> {
    configure(base, REBOOT)
}

pub fn power_off(base: u32) -> Vec<Step> {
    configure(base, SHUTDOWN)
}

/// The other CPUs wait in a pen, of the boot monitor's or of QEMU's (hw/arm/boot.c): WFI, and
/// at an interrupt a look at SYS_FLAGS, which is where to go if it is not 0.
pub fn start(base: u32, distributor: u32, affinity: u32) -> Option<Vec<Step>> {
    // The CPUs of a V2P tile have the numbers of their GIC interfaces in Aff0, one cluster.
    if affinity >= INTERFACES {
        return None;
    }
    Some(vec![
        Step::Write {
            at: base.wrapping_add(FLAGS_CLEAR),
            value: u32::MAX,
        },
        Step::WriteEntry {
            at: base.wrapping_add(FLAGS_SET),
        },
        Step::Write {
            at: distributor.wrapping_add(SOFTWARE_INTERRUPT),
            value: 1 << (16 + affinity),
        },
    ])
}
