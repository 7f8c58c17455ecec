use std::panic::{AssertUnwindSafe, catch_unwind};

use platform_api::{BlockDevice, BlockError};

use super::fake::{FakeBus, Mood, Seen, StepClock};
use super::{Disk, ProbeError};

const SIZE_MAX: u64 = 1 << 1;
const RO: u64 = 1 << 5;
const BLK_SIZE: u64 = 1 << 6;
const FLUSH: u64 = 1 << 9;
const INDIRECT: u64 = 1 << 28;
const EVENT_IDX: u64 = 1 << 29;
const VERSION_1: u64 = 1 << 32;

fn disk(bus: &FakeBus) -> Disk<FakeBus, StepClock> {
    Disk::new(bus.clone(), StepClock::new()).unwrap()
}

fn seen(sector: u64, length: usize) -> Seen {
    Seen {
        kind: 0,
        sector,
        length,
    }
}

#[test]
fn a_whole_buffer_is_one_request() {
    for legacy in [false, true] {
        let bus = FakeBus::new(64);
        bus.state().legacy = legacy;
        let mut disk = disk(&bus);
        let mut buffer = vec![0xee; 40 * 512];
        disk.read_blocks(5, &mut buffer).unwrap();
        assert_eq!(buffer, bus.state().disk[5 * 512..45 * 512]);
        assert_eq!(bus.state().seen, [seen(5, 40 * 512)]);
    }
}

#[test]
fn writes_land_and_read_back() {
    let bus = FakeBus::new(64);
    let mut disk = disk(&bus);
    disk.write_blocks(62, &[0x11; 1024]).unwrap();
    assert_eq!(bus.state().disk[62 * 512..], [0x11; 1024]);
    assert_eq!(bus.state().seen[0].kind, 1);
    let mut buffer = [0; 1536];
    disk.read_blocks(61, &mut buffer).unwrap();
    assert_eq!(buffer, bus.state().disk[61 * 512..]);
}

#[test]
fn segments_are_kept_as_small_as_the_device_wants() {
    let bus = FakeBus::new(64);
    bus.state().offered = SIZE_MAX;
    bus.state().size_max = 1500;
    let mut disk = disk(&bus);
    let mut buffer = [0; 5 * 512];
    disk.read_blocks(3, &mut buffer).unwrap();
    assert_eq!(buffer, bus.state().disk[3 * 512..8 * 512]);
    assert_eq!(
        bus.state().seen,
        [seen(3, 1024), seen(5, 1024), seen(7, 512)]
    );
    assert_eq!(bus.state().accepted, SIZE_MAX);
}

#[test]
fn large_blocks_are_counted_in_sectors_of_512() {
    let bus = FakeBus::new(67);
    bus.state().offered = BLK_SIZE | VERSION_1;
    bus.state().blk_size = 4096;
    let mut disk = disk(&bus);
    assert_eq!((disk.info().block_size, disk.info().blocks), (4096, 8));
    let mut buffer = [0; 8192];
    disk.read_blocks(6, &mut buffer).unwrap();
    assert_eq!(bus.state().seen, [seen(48, 8192)]);
    assert_eq!(
        disk.read_blocks(0, &mut buffer[..512]),
        Err(BlockError::BadLength {
            length: 512,
            block_size: 4096
        })
    );
}

#[test]
fn impossible_limits_are_refused() {
    let refused = |offered, blk_size, size_max| {
        let bus = FakeBus::new(8);
        bus.state().offered = offered;
        bus.state().blk_size = blk_size;
        bus.state().size_max = size_max;
        let error = Disk::new(bus.clone(), StepClock::new()).err().unwrap();
        assert_eq!(bus.state().status, 0, "left running");
        error
    };
    for size in [0, 256, 513, 0x2_0000, u32::MAX] {
        assert_eq!(refused(BLK_SIZE, size, 0), ProbeError::BlockSize(size));
    }
    assert_eq!(refused(SIZE_MAX, 0, 511), ProbeError::SegmentSize(511));
    assert_eq!(
        refused(SIZE_MAX | BLK_SIZE, 4096, 4095),
        ProbeError::SegmentSize(4095)
    );
}

#[test]
fn only_wanted_features_are_accepted() {
    let bus = FakeBus::new(8);
    bus.state().offered = u64::MAX;
    bus.state().blk_size = 512;
    bus.state().size_max = 0x1_0000;
    let disk = disk(&bus);
    assert_eq!(
        bus.state().accepted,
        RO | SIZE_MAX | BLK_SIZE | VERSION_1,
        "not {:#x}",
        FLUSH | INDIRECT | EVENT_IDX
    );
    assert!(bus.state().interrupts_suppressed());
    assert!(disk.info().read_only);
}

#[test]
fn a_device_that_refuses_our_features_is_named() {
    let bus = FakeBus::new(8);
    bus.state().demanded = 1 << 33;
    bus.state().offered = VERSION_1 | 1 << 33;
    let error = Disk::new(bus.clone(), StepClock::new()).err().unwrap();
    assert_eq!(error, ProbeError::FeaturesRefused { status: 3 });
    assert_eq!(bus.state().status, 0, "left running");
}

#[test]
fn what_cannot_be_asked_for_does_not_reach_the_device() {
    let bus = FakeBus::new(8);
    bus.state().offered = RO;
    let mut disk = disk(&bus);
    let mut buffer = [0; 1024];
    assert_eq!(disk.read_blocks(8, &mut []), Ok(()));
    assert_eq!(
        disk.read_blocks(7, &mut buffer),
        Err(BlockError::OutOfRange {
            first: 7,
            count: 2,
            blocks: 8
        })
    );
    assert!(matches!(
        disk.read_blocks(u64::MAX, &mut buffer),
        Err(BlockError::OutOfRange { .. })
    ));
    assert!(matches!(
        disk.read_blocks(0, &mut buffer[1..]),
        Err(BlockError::BadLength { .. })
    ));
    assert_eq!(disk.write_blocks(0, &buffer), Err(BlockError::ReadOnly));
    assert!(bus.state().seen.is_empty());
}

#[test]
fn a_silent_device_times_out_is_reset_and_used_again() {
    let bus = FakeBus::new(8);
    let mut disk = disk(&bus);
    let mut buffer = [0; 512];
    bus.state().mood = Mood::Silent;
    let resets = bus.state().resets;
    let Err(BlockError::Timeout { first, waited_us }) = disk.read_blocks(3, &mut buffer) else {
        panic!("no timeout");
    };
    assert_eq!(first, 3);
    assert!((5_000_000..7_000_000).contains(&waited_us), "{waited_us}");
    assert_eq!(bus.state().status, 0);
    assert!(bus.state().resets > resets);

    bus.state().mood = Mood::Good;
    disk.read_blocks(3, &mut buffer).unwrap();
    assert_eq!(buffer, bus.state().disk[3 * 512..4 * 512]);
}

#[test]
fn the_devices_status_is_passed_on() {
    let bus = FakeBus::new(8);
    bus.state().offered = SIZE_MAX;
    bus.state().size_max = 512;
    let mut disk = disk(&bus);
    for status in [1, 2] {
        bus.state().mood = Mood::Status(status);
        let status = u32::from(status);
        assert_eq!(
            disk.read_blocks(4, &mut [0; 1024]),
            Err(BlockError::Device { first: 4, status })
        );
        assert_eq!(
            disk.write_blocks(5, &[0; 512]),
            Err(BlockError::Device { first: 5, status })
        );
    }
    assert_eq!(bus.state().seen.len(), 4, "went on after an error");
    let resets = bus.state().resets;
    bus.state().mood = Mood::Good;
    disk.read_blocks(0, &mut [0; 1024]).unwrap();
    assert_eq!(bus.state().resets, resets, "an error needs no reset");
}

#[test]
fn an_answer_to_another_request_resets_the_device() {
    let bus = FakeBus::new(8);
    let mut disk = disk(&bus);
    bus.state().mood = Mood::WrongToken;
    assert!(matches!(
        disk.read_blocks(2, &mut [0; 512]),
        Err(BlockError::Device { first: 2, .. })
    ));
    assert_eq!(bus.state().status, 0);
    bus.state().mood = Mood::Good;
    disk.read_blocks(2, &mut [0; 512]).unwrap();
}

#[test]
fn a_device_that_cannot_be_reset_is_an_error_and_not_a_hang() {
    let bus = FakeBus::new(8);
    let mut disk = disk(&bus);
    bus.state().mood = Mood::Silent;
    bus.state().stuck = true;
    assert!(matches!(
        disk.read_blocks(0, &mut [0; 512]),
        Err(BlockError::Timeout { .. })
    ));
    assert!(matches!(
        disk.read_blocks(0, &mut [0; 512]),
        Err(BlockError::Device { first: 0, .. })
    ));
}

#[test]
fn a_fault_in_a_request_leaves_a_disk_that_works() {
    let bus = FakeBus::new(8);
    let clock = StepClock::new();
    let fault_at = clock.fault_at.clone();
    let mut disk = Disk::new(bus.clone(), clock).unwrap();
    bus.state().mood = Mood::Silent;
    fault_at.set(2000);
    let fault = catch_unwind(AssertUnwindSafe(|| disk.read_blocks(0, &mut [0; 512])));
    assert!(fault.is_err());
    fault_at.set(u64::MAX);
    let resets = bus.state().resets;
    bus.state().mood = Mood::Good;
    let mut buffer = [0; 512];
    disk.read_blocks(1, &mut buffer).unwrap();
    assert_eq!(buffer, bus.state().disk[512..1024]);
    assert!(bus.state().resets > resets, "the old request still runs");
}

#[test]
fn quiesce_stops_the_device_until_it_is_needed() {
    let bus = FakeBus::new(8);
    let mut disk = disk(&bus);
    disk.read_blocks(0, &mut [0; 512]).unwrap();
    disk.quiesce();
    assert_eq!(bus.state().status, 0);
    disk.read_blocks(0, &mut [0; 512]).unwrap();
    drop(disk);
    assert_eq!(bus.state().status, 0);
}

#[test]
fn ring_indices_wrap() {
    let bus = FakeBus::new(8);
    let mut disk = disk(&bus);
    let mut buffer = [0; 512];
    for round in 0..70_000u64 {
        disk.read_blocks(round % 8, &mut buffer).unwrap();
    }
    assert_eq!(bus.state().seen.len(), 70_000);
}
