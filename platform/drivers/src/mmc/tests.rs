use platform_api::{BlockDevice, BlockError, CardBus, CardKind};

use super::{
    fake::{Fake, Model, Ticking},
    *,
};

fn card(model: Model, blocks: usize) -> (Fake, Card<Fake, Ticking>) {
    let fake = Fake::new(model, blocks);
    let card = Card::new(fake.clone(), Ticking::default());
    (fake, card)
}

fn number(block: &[u8]) -> u64 {
    u64::from_le_bytes(block[..8].try_into().unwrap())
}

#[test]
fn an_sdhc_card_runs_on_four_lines_at_high_speed() {
    let (fake, card) = card(Model::Sdhc, 4096);
    let facts = card.card().unwrap();
    assert_eq!(facts.kind, CardKind::Sdhc);
    assert_eq!((facts.manufacturer, facts.oem), (3, 0x5344));
    assert_eq!(&facts.name, b"SU32G\0");
    assert_eq!(facts.serial, 0x1234_5678);
    assert_eq!(facts.version, (3, 0));
    let bus = CardBus {
        width: 4,
        high_speed: true,
        clock: 50_000_000,
    };
    assert_eq!(facts.bus, bus);
    assert_eq!(fake.0.borrow().bus, (Speed::High, BusWidth::Four));
    assert_eq!((card.info().blocks, card.info().block_size), (4096, 512));
    // No card is told a block length that it ignores.
    assert!(
        !fake
            .0
            .borrow()
            .log
            .iter()
            .any(|line| line.starts_with("CMD16"))
    );
}

#[test]
fn an_old_card_is_addressed_by_bytes() {
    let (fake, mut card) = card(Model::Sd1, 64);
    let facts = card.card().unwrap();
    assert_eq!(facts.kind, CardKind::Sdsc);
    assert_eq!(facts.version, (1, 0));
    assert!(!facts.bus.high_speed);
    assert_eq!(fake.0.borrow().bus, (Speed::Default, BusWidth::Four));
    assert_eq!(card.info().blocks, 64);
    let mut buffer = [0; 512];
    card.read_blocks(7, &mut buffer).unwrap();
    assert_eq!(number(&buffer), 7);
    assert_eq!(fake.0.borrow().log.last().unwrap(), "CMD17 0xe00 1x512");
}

#[test]
fn an_emmc_tells_its_size_in_its_extended_register() {
    let (fake, mut card) = card(Model::Emmc, 2048);
    let facts = card.card().unwrap();
    assert_eq!(facts.kind, CardKind::Mmc);
    assert_eq!((facts.bus.width, facts.bus.high_speed), (4, true));
    assert_eq!(card.info().blocks, 2048);
    assert_eq!(fake.0.borrow().bus, (Speed::High, BusWidth::Four));
    let mut buffer = [0; 1024];
    card.read_blocks(2046, &mut buffer).unwrap();
    assert_eq!(number(&buffer[512..]), 2047);
}

#[test]
fn long_transfers_go_in_pieces_with_a_stop_behind_each() {
    let (fake, mut card) = card(Model::Sdhc, 2048);
    fake.0.borrow_mut().log.clear();
    let mut buffer = vec![0; 9 * 512];
    card.read_blocks(100, &mut buffer).unwrap();
    for (index, block) in buffer.chunks(512).enumerate() {
        assert_eq!(number(block), 100 + index as u64);
    }
    assert_eq!(
        fake.0.borrow().log,
        [
            "CMD18 0x64 4x512+CMD12",
            "CMD18 0x68 4x512+CMD12",
            "CMD17 0x6c 1x512"
        ]
    );
}

#[test]
fn writes_wait_until_the_card_has_them() {
    let (fake, mut card) = card(Model::Sdhc, 2048);
    fake.0.borrow_mut().log.clear();
    card.write_blocks(5, &[0x5a; 1024]).unwrap();
    assert_eq!(fake.0.borrow().blocks[5], [0x5a; 512]);
    assert_eq!(fake.0.borrow().blocks[6], [0x5a; 512]);
    assert_eq!(number(&fake.0.borrow().blocks[7]), 7);
    let log = fake.0.borrow().log.clone();
    assert_eq!(log, ["CMD25 0x5 2x512+CMD12", "CMD13 0x12340000"]);
}

#[test]
fn a_lost_bit_is_asked_for_again_three_times() {
    let (fake, mut card) = card(Model::Sdhc, 2048);
    fake.0.borrow_mut().failing = (2, Some(HostError::DataCrc));
    let mut buffer = [0; 512];
    card.read_blocks(9, &mut buffer).unwrap();
    assert_eq!(number(&buffer), 9);
    fake.0.borrow_mut().failing = (3, Some(HostError::DataCrc));
    let error = card.read_blocks(9, &mut buffer).unwrap_err();
    assert_eq!(error, BlockError::Crc { first: 9 });
    fake.0.borrow_mut().failing = (3, Some(HostError::DataTimeout));
    let error = card.read_blocks(9, &mut buffer).unwrap_err();
    assert!(matches!(error, BlockError::Timeout { first: 9, .. }));
    // The card is as good as before.
    card.read_blocks(9, &mut buffer).unwrap();
}

#[test]
fn a_card_that_is_pulled_is_gone_until_somebody_looks_again() {
    let (fake, mut card) = card(Model::Sdhc, 2048);
    fake.0.borrow_mut().model = Model::None;
    let mut buffer = [0; 512];
    assert_eq!(card.read_blocks(0, &mut buffer), Err(BlockError::NoMedium));
    assert!(card.card().is_none());
    assert_eq!(card.failure(), Some(MmcError::NoCard));
    assert_eq!(card.rescan(), Err(BlockError::NoMedium));
    fake.0.borrow_mut().model = Model::Sd1;
    assert_eq!(card.read_blocks(0, &mut buffer), Err(BlockError::NoMedium));
    fake.0.borrow_mut().blocks.truncate(64);
    card.rescan().unwrap();
    card.read_blocks(63, &mut buffer).unwrap();
    assert_eq!(number(&buffer), 63);
}

#[test]
fn an_empty_slot_and_a_card_that_never_wakes() {
    let (_, empty) = card(Model::None, 0);
    assert_eq!(empty.info().blocks, 0);
    assert_eq!(empty.failure(), Some(MmcError::NoCard));
    for model in [Model::Sdhc, Model::Emmc] {
        let fake = Fake::new(model, 2048);
        fake.0.borrow_mut().waking = u32::MAX;
        let card = Card::new(fake, Ticking::default());
        let failure = card.failure();
        assert!(
            matches!(failure, Some(MmcError::Busy { .. })),
            "{failure:?}"
        );
    }
}

/// Whatever hangs, from whichever command on: the slot is given up within a bounded time, what was
/// wrong is told to whoever wants the card, and a host that is well again is taken.
#[test]
fn a_host_that_hangs_is_given_up_soon() {
    for model in [Model::Sd1, Model::Sdhc, Model::Emmc] {
        for from in 0..40 {
            // A driver's own timeout, then; and a host that does everything, but slowly.
            for (us, fails) in [(500_000, true), (400_000, false)] {
                let fake = Fake::new(model, 2048);
                fake.0.borrow_mut().hanging = Some((from, us, fails));
                let clock = fake.0.borrow().clock.clone();
                let mut card = Card::new(fake.clone(), clock.clone());
                let took = clock.now();
                assert!(took < 3_500_000, "{model:?} from {from}: {took} us");
                if card.failure().is_none() {
                    // It was done before it hung, or came to its end.
                    continue;
                }
                let mut buffer = [0; 512];
                let error = card.read_blocks(3, &mut buffer).unwrap_err();
                assert!(
                    matches!(
                        error,
                        BlockError::Timeout {
                            first: 3,
                            waited_us: 400_000..
                        }
                    ),
                    "{model:?} from {from}: {error}"
                );
                assert_eq!(clock.now(), took, "asked again");
                fake.0.borrow_mut().hanging = None;
                card.rescan().unwrap();
                card.read_blocks(3, &mut buffer).unwrap();
                assert_eq!(number(&buffer), 3);
            }
        }
    }
}

#[test]
fn erases_what_it_is_asked_to() {
    for model in [Model::Sd1, Model::Sdhc, Model::Emmc] {
        let (fake, mut card) = card(model, 2048);
        card.erase_blocks(10, 3).unwrap();
        card.erase_blocks(20, 0).unwrap();
        let state = fake.0.borrow();
        let erased = |block: &[u8; 512]| *block == [0xff; 512];
        let count = state.blocks.iter().filter(|block| erased(block)).count();
        assert_eq!((count, erased(&state.blocks[10])), (3, true), "{model:?}");
        assert!(erased(&state.blocks[12]));
    }
}

#[test]
fn refuses_what_the_card_cannot_hold() {
    let (fake, mut card) = card(Model::Sdhc, 2048);
    let mut buffer = [0; 1024];
    let outside = card.read_blocks(2047, &mut buffer).unwrap_err();
    assert!(matches!(
        outside,
        BlockError::OutOfRange { first: 2047, .. }
    ));
    assert!(card.erase_blocks(2047, 2).is_err());
    assert!(card.erase_blocks(u64::MAX, 2).is_err());
    assert!(card.write_blocks(0, &[0; 100]).is_err());
    fake.0.borrow_mut().write_protected = true;
    card.rescan().unwrap();
    assert_eq!(card.write_blocks(0, &[0; 512]), Err(BlockError::ReadOnly));
    assert_eq!(card.erase_blocks(0, 1), Err(BlockError::ReadOnly));
}
