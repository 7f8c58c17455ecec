//! Whole lists, as the boards get them.

use platform_api::{DeviceNode, PhysAddr, PhysRange, RegisterLayout};

use super::*;

fn noted(board: &[&str], nodes: &[(&str, u64)]) -> Survey {
    let mut survey = Survey::new(board.iter().copied());
    for &(compatible, base) in nodes {
        survey.note(&DeviceNode {
            path: "/x",
            compatible: &[compatible],
            reg: &[PhysRange::from_size(PhysAddr::new(base), 0x1000).unwrap()],
            dma_coherent: false,
            layout: RegisterLayout::default(),
            bus_width: None,
            clock: None,
            current_speed: None,
        });
    }
    survey
}

fn write(at: u32, value: u32) -> Step {
    Step::Write { at, value }
}

fn set(at: u32, bits: u32) -> Step {
    Step::Set { at, bits }
}

fn clear(at: u32, bits: u32) -> Step {
    Step::Clear { at, bits }
}

#[test]
fn a_cpu_of_the_h3_is_powered_up_and_released() {
    let survey = noted(&["xunlong,orangepi-pc", "allwinner,sun8i-h3"], &[]);
    let clamp = |value| write(0x01f0_1548, value);
    assert_eq!(
        survey.start(2).unwrap(),
        [
            Step::WriteEntry { at: 0x01f0_1da4 },
            write(0x01f0_1cc0, 0),
            clear(0x01f0_1d84, 1 << 2),
            clear(0x01f0_1de4, 1 << 2),
            clamp(0xff),
            clamp(0x7f),
            clamp(0x3f),
            clamp(0x1f),
            clamp(0x0f),
            clamp(0x07),
            clamp(0x03),
            clamp(0x01),
            clamp(0x00),
            Step::Delay {
                microseconds: 10_000
            },
            clear(0x01f0_1500, 1 << 2),
            Step::Delay {
                microseconds: 1_000
            },
            write(0x01f0_1cc0, 3),
            set(0x01f0_1de4, 1 << 2),
        ]
    );
    assert_eq!(survey.start(4), None);
}

#[test]
fn the_h3_is_opened_to_non_secure_state() {
    assert_eq!(
        noted(&["allwinner,sun8i-h3"], &[]).open(),
        [
            write(0x01c2_3408, 0xbe),
            write(0x01c2_3414, 0xff),
            write(0x01c2_3420, 0x7f),
            set(0x01c2_02f0, 7),
            set(0x01f0_15d0, 7),
        ]
    );
    assert_eq!(noted(&["arm,vexpress"], &[]).open(), []);
}

#[test]
fn sunxi_resets_by_its_watchdog_and_has_no_way_off() {
    let survey = noted(&[], &[("allwinner,sun6i-a31-wdt", 0x01c2_0ca0)]);
    assert_eq!(
        survey.reset,
        [
            write(0x01c2_0cb4, 1),
            write(0x01c2_0cb8, 1),
            write(0x01c2_0cb0, 0x14af),
        ]
    );
    assert_eq!(survey.power_off, []);
    let older = noted(&[], &[("allwinner,sun4i-a10-wdt", 0x01c2_0c90)]);
    assert_eq!(
        older.reset,
        [write(0x01c2_0c94, 3), write(0x01c2_0c90, 0x14af)]
    );
}

const SYSREG: (&str, u64) = ("arm,vexpress-sysreg", 0x1c01_0000);
const GIC: (&str, u64) = ("arm,cortex-a15-gic", 0x2c00_1000);

#[test]
fn a_cpu_of_vexpress_is_called_out_of_its_pen() {
    let survey = noted(&["arm,vexpress"], &[SYSREG, GIC]);
    assert_eq!(
        survey.start(1).unwrap(),
        [
            write(0x1c01_0034, u32::MAX),
            Step::WriteEntry { at: 0x1c01_0030 },
            write(0x2c00_1f00, 1 << 17),
        ]
    );
    assert_eq!(survey.start(0x100), None);
    // Who cannot be interrupted does not look.
    assert_eq!(noted(&[], &[SYSREG]).start(1), None);
    assert_eq!(noted(&[], &[GIC]).start(1), None);
}

#[test]
fn vexpress_resets_and_powers_off_by_its_configuration_bus() {
    let survey = noted(&[], &[SYSREG]);
    let configure = |control| {
        [
            write(0x1c01_00a8, 0),
            write(0x1c01_00a0, 0),
            write(0x1c01_00a4, control),
        ]
    };
    assert_eq!(survey.reset, configure(0xc090_0000));
    assert_eq!(survey.power_off, configure(0xc080_0000));
}

#[test]
fn bcm2835_tells_its_boot_rom_to_halt() {
    let survey = noted(&[], &[("brcm,bcm2835-pm", 0x3f10_0000)]);
    let reset = [
        write(0x3f10_0024, 0x5a00_000a),
        set(0x3f10_001c, 0x5a00_0020),
    ];
    assert_eq!(survey.reset, reset);
    assert_eq!(
        survey.power_off,
        [set(0x3f10_0020, 0x5a00_0555), reset[0], reset[1]]
    );
}

#[test]
fn the_first_that_can_keeps_it() {
    let survey = noted(
        &[],
        &[
            ("allwinner,sun6i-a31-wdt", 0x01c2_0ca0),
            ("brcm,bcm2835-pm", 0x3f10_0000),
        ],
    );
    assert_eq!(survey.reset.first(), Some(&write(0x01c2_0cb4, 1)));
    assert_eq!(survey.power_off.len(), 3);
}

#[test]
fn what_cannot_be_addressed_is_passed_over() {
    let survey = noted(&[], &[("brcm,bcm2835-pm", 0x1_3f10_0000)]);
    assert_eq!(survey.reset, []);
}

#[test]
fn a_line_is_made_an_output_and_driven() {
    assert_eq!(
        gpio::drive(0x090b_0000, 1, true),
        Some([set(0x090b_0400, 2), write(0x090b_0008, 2)])
    );
    assert_eq!(
        gpio::drive(0x090b_0000, 0, false),
        Some([set(0x090b_0400, 1), write(0x090b_0004, 0)])
    );
    assert_eq!(gpio::drive(0x090b_0000, 8, true), None);
}
