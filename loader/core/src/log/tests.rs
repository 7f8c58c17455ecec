use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use platform_api::{PhysAddr, PhysRange};
use proptest::prelude::*;

use super::*;
use crate::{
    boot::{Claim, MemoryMap},
    devicetree::Reservation,
};

const MIB: u64 = 1 << 20;

fn range(start: u64, size: u64) -> PhysRange {
    PhysRange::from_size(PhysAddr::new(start), size).unwrap()
}

fn at() -> PhysRange {
    range(0x4fbf_f000, 4096)
}

/// One boot: opens the page, says something, stores. Returns what it found.
fn boot(page: &mut [u8; SIZE], line: &str) -> (u32, String) {
    let (mut log, _) = Log::open(page, at());
    let found = (log.count(), log.text().to_string());
    log.record(format_args!("{line}"));
    log.store();
    found
}

#[test]
fn the_next_boot_finds_it() {
    let mut page = [0x5a; SIZE];
    assert_eq!(boot(&mut page, "first\r\nand more"), (1, String::new()));
    assert_eq!(boot(&mut page, "second"), (2, "first\nand more\n".into()));
    assert_eq!(
        boot(&mut page, "third"),
        (3, "first\nand more\nsecond\n".into())
    );
    let (mut log, result) = Log::open(&mut page, at());
    assert_eq!((result, log.count(), log.page()), (Ok(()), 4, Some(at())));
    log.clear();
    assert_eq!(boot(&mut page, ""), (5, String::new()));
}

#[test]
fn without_a_page_it_only_listens() {
    let mut log = Log::default();
    log.record(format_args!("said"));
    log.store();
    assert_eq!((log.text(), log.count(), log.page()), ("said\n", 0, None));
}

#[test]
fn the_last_lines_stay() {
    let mut page = [0; SIZE];
    let (mut log, _) = Log::open(&mut page, at());
    for number in 0..1000 {
        log.record(format_args!("line {number}"));
        assert!(log.text().len() <= TEXT_SIZE);
    }
    assert!(log.text().starts_with("line "), "a line was cut");
    assert!(log.text().ends_with("line 998\nline 999\n"));
    assert!(log.text().len() > TEXT_SIZE - 20);
    let text = log.text().to_string();
    log.store();
    assert_eq!(boot(&mut page, "more").1, text);
    assert!(boot(&mut page, "").1.ends_with("line 999\nmore\n"));
}

#[test]
fn what_is_no_text_is_not_kept() {
    let mut log = Log::default();
    log.record(format_args!("\x1b[2Jbell\x07 é\t{}", "x".repeat(1000)));
    let line = log.text();
    assert!(line.starts_with("?[2Jbell? ??xxx"), "{line}");
    assert_eq!(line.len(), MAX_LINE + 1);
    assert!(line.ends_with("x\n"));
}

#[test]
fn a_counter_does_not_wrap() {
    let mut page = [0; SIZE];
    page::write(&mut page, u32::MAX, "");
    assert_eq!(boot(&mut page, "").0, u32::MAX);
}

#[test]
fn garbage_is_named() {
    let mut good = [0; SIZE];
    page::write(&mut good, 7, "one\ntwo\n");
    assert_eq!(page::read(&good), Ok((7, "one\ntwo\n".into())));
    let with = |offset: usize, bytes: &[u8]| {
        let mut page = good;
        page[offset..offset + bytes.len()].copy_from_slice(bytes);
        page::read(&page).map_err(|error| error.to_string())
    };
    for (offset, bytes, said) in [
        (0, &b"b"[..], "no log"),
        (8, &[2, 0, 0, 0], "version 2, not 1"),
        (16, &[0xe9, 0x0f, 0, 0], "0xfe9 bytes do not fit a page"),
        (16, &[0xff; 4], "0xffffffff bytes do not fit a page"),
        (12, &[8], "its crc32 is "),
        (24, b"O", "its crc32 is "),
    ] {
        let refused = with(offset, bytes).unwrap_err();
        assert!(refused.starts_with(said), "{refused}");
    }
    // A good sum over what no log of ours has.
    page::write(&mut good, 1, "a\x1bb");
    assert_eq!(page::read(&good), Err(PageError::Text(1)));
}

fn map(reserved: &[PhysRange]) -> MemoryMap {
    let claim = |range: PhysRange| Claim {
        range,
        owner: "somebody".into(),
    };
    MemoryMap::new(
        vec![range(0x4000_0000, 256 * MIB)],
        reserved.iter().copied().map(claim).collect(),
        vec![claim(range(0x4fc0_0000, 4 * MIB))],
    )
}

fn reservation(range: PhysRange, log: bool, no_map: bool) -> Reservation {
    Reservation {
        range,
        name: "node".into(),
        no_map,
        log,
    }
}

#[test]
fn its_place_is_below_the_first_stage_and_the_loader() {
    let tree = range(0x4df0_0000, MIB);
    let place = |taken: &[PhysRange]| find_page(&map(&[]), &[], taken);
    assert_eq!(place(&[]), Some((range(0x4dff_f000, 4096), false)));
    assert_eq!(place(&[tree]), Some((range(0x4def_f000, 4096), false)));
    // In a small machine it splits nothing.
    let mut small = map(&[]);
    small.ram = vec![range(0x4000_0000, 128 * MIB)];
    small.loader[0].range = range(0x47c0_0000, 4 * MIB);
    let found = find_page(&small, &[], &[]);
    assert_eq!(found, Some((range(0x47bf_f000, 4096), false)));
    assert_eq!(find_page(&MemoryMap::default(), &[], &[]), None);
    // Only low memory: the kernel that comes next knows it.
    let mut big = map(&[]);
    big.ram = vec![range(0x4000_0000, 2048 * MIB)];
    big.loader.clear();
    let found = find_page(&big, &[], &[]);
    assert_eq!(found, Some((range(0x6d7f_f000, 4096), false)));
}

#[test]
fn the_tree_says_where_it_was() {
    let old = range(0x4500_0000, 4096);
    let place = |reservations: &[Reservation]| {
        let ranges: Vec<PhysRange> = reservations.iter().map(|one| one.range).collect();
        find_page(&map(&ranges), reservations, &[range(0x4600_0000, 4096)])
    };
    let log = |range| reservation(range, true, false);
    assert_eq!(place(&[log(old)]), Some((old, true)));
    // The second of two, where the first cannot be.
    let outside = log(range(0x3000_0000, 4096));
    assert_eq!(place(&[outside, log(old)]), Some((old, true)));
    let free = Some((range(0x4dff_f000, 4096), false));
    for bad in [
        range(0x3000_0000, 4096),
        range(0x4500_0800, 4096),
        range(0x4500_0000, 2048),
        range(0x4600_0000, 4096),
        range(0x4fd0_0000, 4096),
        range(0x4fff_f000, 8192),
        PhysRange::default(),
    ] {
        assert_eq!(place(&[log(bad)]), free, "{bad}");
    }
    assert_eq!(place(&[reservation(old, true, true)]), free, "no-map");
    let tee = reservation(range(0x4500_0000, MIB), false, false);
    assert_eq!(place(&[tee, log(old)]), free, "somebody else's too");
}

proptest! {
    /// Whatever lies there: nothing panics, what is found is text that fits, and the next boot
    /// finds this one's.
    #[test]
    fn random_pages_are_ignored(bytes in prop::collection::vec(any::<u8>(), SIZE)) {
        let mut page: [u8; SIZE] = bytes.try_into().unwrap();
        prop_assert!(page::read(&page).is_err());
        prop_assert_eq!(boot(&mut page, "x"), (1, String::new()));
        prop_assert_eq!(boot(&mut page, "y"), (2, "x\n".into()));
    }

    /// A good page with a few bytes changed is refused, or they are behind the text.
    #[test]
    fn mutants_are_refused(
        lines in prop::collection::vec("[ -~]{1,60}", 0..80),
        changes in prop::collection::vec((0..SIZE, any::<u8>()), 1..4),
    ) {
        let mut page = [0; SIZE];
        let (mut log, _) = Log::open(&mut page, at());
        for line in &lines {
            log.record(format_args!("{line}"));
        }
        log.store();
        let good = page;
        let (count, text) = page::read(&good).unwrap();
        for (offset, byte) in changes {
            page[offset] = byte;
        }
        match page::read(&page) {
            Ok(found) => {
                prop_assert_eq!(found, (count, text.clone()));
                prop_assert_eq!(&page[..24 + text.len()], &good[..24 + text.len()]);
            }
            Err(_) => prop_assert_eq!(boot(&mut page, ""), (1, String::new())),
        }
    }

    /// Lines come out as they went in, the newest last.
    #[test]
    fn lines_survive(lines in prop::collection::vec("[!-~]{1,200}", 0..60)) {
        let mut page = [0xff; SIZE];
        for line in &lines {
            boot(&mut page, line);
        }
        let (_, text) = boot(&mut page, "");
        let all: String = lines.iter().map(|line| format!("{line}\n")).collect();
        prop_assert!(all.ends_with(&text));
        prop_assert!(text.len() == all.len() || text.len() > TEXT_SIZE - 202);
    }
}
