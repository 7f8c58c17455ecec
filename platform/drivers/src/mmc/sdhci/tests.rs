use platform_api::{BlockDevice, BlockError, CardKind, PhysAddr, PhysRange};

use super::{
    model::{ADMA2_TOO, Model, PORT, SDMA},
    *,
};
use crate::mmc::{
    Card,
    fake::{self, Fake, Ticking},
};

/// Memory whose caches need no care.
struct Coherent;

impl DataCache for Coherent {
    fn clean_invalidate(&self, _bytes: &[u8]) {}
}

const STANDARD: &str = "arasan,sdhci-8.9a";
const USDHC: &str = "fsl,imx6q-usdhc";
const BCM2835: &str = "brcm,bcm2835-sdhci";

type Driver = Sdhci<Model, Ticking, Coherent>;

fn host(kind: &str, capabilities: u32) -> (Model, Driver) {
    let variant = Variant::of(&[kind]).unwrap();
    let card = Fake::new(fake::Model::Sdhc, 4096);
    let model = Model::new(card, capabilities, variant.usdhc);
    let clock = Ticking::default();
    let host = Sdhci::new(model.clone(), clock, Coherent, variant, None, None);
    (model, host)
}

fn card(kind: &str, capabilities: u32) -> (Model, Card<Driver, Ticking>) {
    let (model, host) = host(kind, capabilities);
    (model, Card::new(host, Ticking::default()))
}

/// A buffer with a byte aligned for DMA at its start.
#[repr(align(64))]
#[derive(Clone)]
struct Buffer([u8; 8192]);

#[test]
fn a_card_is_found_read_and_written_by_every_way() {
    for kind in [STANDARD, USDHC] {
        for (capabilities, way) in [
            (ADMA2_TOO, Way::Adma2),
            (SDMA, Way::Sdma),
            (PORT, Way::Port),
        ] {
            assert_eq!(host(kind, capabilities).1.way, way, "{kind}");
            let (model, mut card) = card(kind, capabilities);
            let facts = card.card().unwrap();
            assert_eq!(facts.kind, CardKind::Sdhc);
            assert_eq!(
                &facts.name, b"SU32G\0",
                "{kind}: the long answer, CRC in its place"
            );
            assert_eq!((facts.bus.width, facts.bus.high_speed), (4, true));
            let mut buffer = Buffer([0; 8192]);
            for offset in [0, 1, 4, 64] {
                let part = &mut buffer.0[offset..offset + 4 * 512];
                card.read_blocks(100, part).unwrap();
                for (index, block) in part.chunks(512).enumerate() {
                    let number = u64::from_le_bytes(block[..8].try_into().unwrap());
                    assert_eq!(number, 100 + index as u64, "{kind} {way:?} {offset}");
                }
            }
            for (offset, fill) in [(0, 0x30), (3, 0x33)] {
                buffer.0.fill(fill);
                card.write_blocks(7, &buffer.0[offset..offset + 2 * 512])
                    .unwrap();
                let state = model.0.borrow();
                let fake = state.card.0.borrow();
                assert_eq!(fake.blocks[8], [fill; 512], "{kind} {way:?}");
                assert_eq!(
                    u64::from_le_bytes(fake.blocks[9][..8].try_into().unwrap()),
                    9
                );
            }
        }
    }
}

#[test]
fn high_speed_is_asked_for_where_there_is_a_bit_for_it() {
    let (model, _) = card(STANDARD, ADMA2_TOO);
    let words = model.0.borrow().words;
    assert_eq!(
        words[HOST_CONTROL / 4] & 0xffe7,
        FOUR_LINES | HIGH_SPEED | 0xf00
    );
    // 50 MHz as they come.
    assert_eq!(words[CLOCK / 4], LONGEST_TIMEOUT | 7);
    // Without: 25 MHz, which such a card takes as well.
    let (model, _) = card(STANDARD, ADMA2_TOO & !CAN_HIGH_SPEED);
    let words = model.0.borrow().words;
    assert_eq!(words[HOST_CONTROL / 4] & HIGH_SPEED, 0);
    assert_eq!(words[CLOCK / 4], LONGEST_TIMEOUT | 1 << 8 | 7);
    let (model, _) = card(USDHC, ADMA2_TOO);
    let words = model.0.borrow().words;
    assert_eq!(
        words[HOST_CONTROL / 4] & 0xff,
        USDHC_LITTLE_ENDIAN | FOUR_LINES
    );
    assert_eq!(words[CLOCK / 4] & 0xffff, 3 << 4 | USDHC_ONES);
    assert_eq!(words[VENDOR / 4], FORCE_CLOCK);
}

#[test]
fn sdma_is_told_to_go_on_behind_a_boundary() {
    let (model, mut host) = host(STANDARD, SDMA);
    host.reset().unwrap();
    let mut card = Card::new(host, Ticking::default());
    // A piece of memory with two boundaries in it.
    let mut memory = vec![0; 3 * BOUNDARY];
    let start = memory.as_ptr().addr().next_multiple_of(BOUNDARY) - memory.as_ptr().addr();
    let from = start + BOUNDARY - 4096;
    let part = &mut memory[from..from + BOUNDARY + 8192];
    model.0.borrow_mut().stops = 0;
    card.read_blocks(0, part).unwrap();
    assert_eq!(model.0.borrow().stops, 2);
    for (index, block) in part.chunks(512).enumerate() {
        assert_eq!(
            u64::from_le_bytes(block[..8].try_into().unwrap()),
            index as u64
        );
    }
    // One that begins at a boundary is never told.
    model.0.borrow_mut().stops = 0;
    card.read_blocks(0, &mut memory[start..start + BOUNDARY + 4096])
        .unwrap();
    assert_eq!(model.0.borrow().stops, 0);
}

#[test]
fn errors_have_names() {
    for (bit, error) in [
        (16, HostError::NoResponse),
        (17, HostError::ResponseCrc),
        (18, HostError::ResponseCrc),
        (19, HostError::ResponseIndex),
        (20, HostError::DataTimeout),
        (21, HostError::DataCrc),
        (22, HostError::DataCrc),
        (23, HostError::Overcurrent),
        (24, HostError::AutoStop(0x12)),
        (25, HostError::Dma(0x34)),
        (28, HostError::Dma(0x34)),
    ] {
        let (model, mut host) = host(STANDARD, ADMA2_TOO);
        host.reset().unwrap();
        let command = Command {
            index: 17,
            argument: 0,
            response: Response::Short,
        };
        {
            let mut state = model.0.borrow_mut();
            state.failing = 1 << bit;
            state.words[AUTO_STOP_ERROR / 4] = 0x12;
            state.words[ADMA_ERROR / 4] = 0x34;
            state.written.clear();
        }
        let mut buffer = Buffer([0; 8192]);
        let result = host.transfer(command, Data::Read(&mut buffer.0[..512]), 512, false);
        assert_eq!(result, Err(error), "bit {bit}");
        // Both lines are reset, one after the other, and the next command works.
        let resets: Vec<u32> = model
            .0
            .borrow()
            .written
            .iter()
            .filter(|(offset, value)| *offset == CLOCK && value >> 24 != 0)
            .map(|(_, value)| value >> 24)
            .collect();
        assert_eq!(resets, [2, 4]);
        host.transfer(command, Data::Read(&mut buffer.0[..512]), 512, false)
            .unwrap();
    }
}

#[test]
fn what_goes_wrong_in_a_block_is_tried_again_and_told() {
    for capabilities in [ADMA2_TOO, SDMA, PORT] {
        let (model, mut card) = card(STANDARD, capabilities);
        let mut buffer = Buffer([0; 8192]);
        let fail = |times| {
            let state = model.0.borrow();
            state.card.0.borrow_mut().failing = (times, Some(HostError::DataCrc));
        };
        fail(2);
        card.read_blocks(9, &mut buffer.0[..1024]).unwrap();
        fail(3);
        let error = card.read_blocks(9, &mut buffer.0[..1024]).unwrap_err();
        assert_eq!(error, BlockError::Crc { first: 9 });
        card.read_blocks(9, &mut buffer.0[..1024]).unwrap();
    }
}

#[test]
fn a_controller_that_died_is_given_up() {
    let (model, mut host) = host(STANDARD, ADMA2_TOO);
    model.0.borrow_mut().dead = true;
    assert_eq!(host.reset(), Err(HostError::Stuck(RESET_US)));
    let command = Command {
        index: 13,
        argument: 0,
        response: Response::Short,
    };
    assert!(matches!(host.command(command), Err(HostError::Stuck(_))));
    let mut buffer = Buffer([0; 8192]);
    let result = host.transfer(command, Data::Read(&mut buffer.0[..512]), 512, false);
    assert!(matches!(result, Err(HostError::Stuck(_))));
}

#[test]
fn the_bcm2835_s_writes_are_far_apart_and_its_capabilities_ours() {
    let (model, host) = host(BCM2835, 0);
    assert_eq!((host.way, host.base), (Way::Port, 250_000_000));
    assert_eq!(
        host.port.variant.firmware_clock(),
        Some(crate::bcm2835::ClockId::Emmc)
    );
    // How far a clock is on that moves at each look: a write without a wait costs it none.
    let cost = |driver: &Driver| {
        let before = driver.port.clock.ticks();
        driver.port.set(ARGUMENT, 1);
        driver.port.clock.ticks() - before
    };
    let (_, plain) = self::host(STANDARD, PORT);
    assert!(cost(&host) > cost(&plain));
    assert_eq!(model.0.borrow().written, [(ARGUMENT, 1)]);
    // The data port loses nothing.
    let (model, mut card) = card(BCM2835, 0);
    model.0.borrow_mut().written.clear();
    card.write_blocks(3, &[0x5a; 512]).unwrap();
    let state = model.0.borrow();
    let data = state.written.iter().filter(|(offset, _)| *offset == DATA);
    assert_eq!(data.count(), 128);
}

#[test]
fn a_handoff_stops_it_with_nothing_but_its_registers() {
    let page = Box::leak(Box::new([0xffff_ffff_u32; 1024]));
    let start = PhysAddr::new(page.as_ptr().expose_provenance() as u64);
    for (kind, expected) in [
        (STANDARD, RESET_ALL),
        (USDHC, RESET_ALL | USDHC_NO_CARD_RESET | USDHC_ONES),
    ] {
        let node = DeviceNode {
            path: "/mmc",
            compatible: &[kind],
            reg: &[PhysRange::from_size(start, 0x1000).unwrap()],
            bus_width: Some(1),
            ..DeviceNode::default()
        };
        // SAFETY: the page is leaked; the test looks at it between the driver's accesses alone.
        let host = unsafe { probe(&node, None, Ticking::default(), Coherent) }.unwrap();
        assert_eq!(host.width(), BusWidth::One);
        host.registers().stop();
        assert_eq!((page[SIGNAL / 4], page[ENABLE / 4]), (0, 0));
        assert_eq!(page[CLOCK / 4], expected);
    }
}
