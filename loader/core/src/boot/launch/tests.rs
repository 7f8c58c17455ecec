use alloc::{
    boxed::Box,
    string::{String, ToString},
    vec,
    vec::Vec,
};

use platform_api::{HandoffRefusal, PhysAddr, PhysRange};

use crate::{
    boot::testing::{Board, LOADER, RAM, command, pattern, put, range, zimage},
    context::LoadedFile,
    image::zimage::{ENDIAN_BIG, ENDIAN_OFFSET, START_OFFSET},
};

const MIB: u64 = 1 << 20;
const LENGTH: usize = 1_000_003;
const INITRD: usize = 70_000;
const INFLATED: u32 = 8 << 20;

fn kernel() -> Vec<u8> {
    zimage(LENGTH, INFLATED, 0x8000)
}

fn board() -> Board {
    Board::new(&[("zimage", &kernel()), ("initrd.img", &pattern(INITRD))])
}

fn text(board: &Board) -> String {
    board.console.text().replace("\r\n", "\n")
}

#[test]
fn files_go_straight_to_their_places() {
    let mut board = board();
    // Whatever lay there before must not show.
    board.memory.fill(0x4080_9000, &vec![0xff; 2 << 20]);
    let handoff = board.boots("bootz zImage initrd.img");
    let image = range(handoff.entry.as_u64(), LENGTH as u64);
    assert_eq!(handoff.entry.as_u64(), 0x4080_9000);
    assert!(board.ram(image) == kernel());
    assert_eq!(board.ram(range(image.end().as_u64(), 4)), [0; 4]);
    let initrd = range(0x4800_0000, INITRD as u64);
    assert!(board.ram(initrd) == pattern(INITRD));
    let tree = board.tree_at(handoff.device_tree);
    let chosen = tree.find("/chosen").unwrap();
    assert_eq!(tree.text(chosen, "bootargs"), Some("console=ttyAMA0"));
    let at = |name| crate::devicetree::number(tree.property(chosen, name).unwrap());
    assert_eq!(at("linux,initrd-start"), Some(0x4800_0000));
    assert_eq!(at("linux,initrd-end"), Some(0x4800_0000 + INITRD as u64));
    let clean: Vec<PhysRange> = handoff.clean.iter().collect();
    for touched in [range(image.start().as_u64(), LENGTH as u64 + 4), initrd] {
        assert!(clean.contains(&touched), "{touched} is not in {clean:?}");
    }
    assert!(
        clean
            .iter()
            .any(|range| range.start() == handoff.device_tree)
    );
    assert!(!handoff.verbose);
    let start = handoff.device_tree.as_u64();
    let end = clean.last().unwrap().end().as_u64();
    assert_eq!(
        text(&board),
        alloc::format!(
            "Kernel image @ 0x40809000 [ 0x000000 - 0x0f4243 ]\n   \
             Loading Ramdisk to 48000000, end 48011170 ... OK\n   \
             Loading Device Tree to {start:08x}, end {end:08x} ... OK\n\n\
             Starting kernel ...\n\n"
        )
    );
}

#[test]
fn the_image_is_read_once_and_in_few_requests() {
    let mut board = board();
    board.boots("bootz zImage initrd.img");
    let requests = board.disk.take_requests();
    let blocks: u64 = requests.iter().map(|request| request.blocks).sum();
    let files = (LENGTH.div_ceil(512) + INITRD.div_ceil(512)) as u64;
    // Volume, directories and tables of two files; head, tag table and size word.
    assert!(blocks <= files + 48, "{blocks} for {files}: {requests:?}");
    assert!(requests.len() <= 18, "{requests:?}");
}

#[test]
fn addresses_are_used_in_place() {
    let mut board = board();
    board.memory.fill(0x4200_0000, &kernel());
    board.memory.fill(0x4400_0000, &pattern(INITRD));
    let size = alloc::format!("{INITRD:x}");
    let handoff = board.boots(&["bootz 42000000 0x44000000:", &size].concat());
    assert_eq!(handoff.entry.as_u64(), 0x4200_0000);
    assert!(board.ram(range(0x4200_0000, LENGTH as u64)) == kernel());
    let tree = board.tree_at(handoff.device_tree);
    let chosen = tree.find("/chosen").unwrap();
    let start = tree.property(chosen, "linux,initrd-start").unwrap();
    assert_eq!(crate::devicetree::number(start), Some(0x4400_0000));
}

#[test]
fn the_size_of_a_loaded_initrd_is_known() {
    let mut board = board();
    board.memory.fill(0x4200_0000, &kernel());
    let refusal = board.refuses("bootz 42000000 44000000");
    assert_eq!(
        refusal,
        "the size of the initrd at 0x44000000 is not known; try 0x44000000:SIZE"
    );
    assert_eq!(
        board.refuses("bootz 42000000 44000000:0"),
        "the initrd at 0x44000000 has no bytes"
    );
    board.loaded.push(LoadedFile {
        path: "initrd.img".into(),
        range: range(0x4400_0000, INITRD as u64),
    });
    let handoff = board.boots("bootz 42000000 44000000");
    let initrd = range(0x4400_0000, INITRD as u64);
    assert!(handoff.clean.iter().any(|range| range == initrd));
}

#[test]
fn a_dry_run_changes_nothing_and_tells_the_checksums() {
    let mut board = board();
    board.memory.fill(0x4080_9000, &[0x77; 64]);
    let before = board.ram(range(RAM, LOADER - RAM));
    let ended = board.run(|cx| crate::boot::testing::command(cx, "bootz -n zImage initrd.img"));
    ended.unwrap().unwrap();
    assert!(board.ram(range(RAM, LOADER - RAM)) == before);
    let text = text(&board);
    for expected in [
        alloc::format!("image, crc32 {:08x}\n", crc32fast::hash(&kernel())),
        alloc::format!("initrd, crc32 {:08x}\n", crc32fast::hash(&pattern(INITRD))),
        "Entry 0x40809000, device tree 0x48012000\n".into(),
        "Arguments: console=ttyAMA0\n".into(),
        "[0x4ff00000-0x4fffffff]  1024 KiB image\n".into(),
    ] {
        assert!(text.contains(&expected), "{expected} is not in\n{text}");
    }
    assert!(!text.contains("Starting"));
    // The tree's checksum is that of the tree a real boot writes.
    let start = text.find("device tree, crc32 ").unwrap() + 19;
    let promised = u32::from_str_radix(&text[start..start + 8], 16).unwrap();
    let handoff = board.boots("bootz -v zImage initrd.img");
    assert!(handoff.verbose);
    let tree = handoff.clean.iter().last().unwrap();
    assert_eq!(crc32fast::hash(&board.ram(tree)), promised);
    let written = board.console.text().replace("\r\n", "\n");
    assert_eq!(written.matches("device tree, crc32").count(), 2);
}

#[test]
fn a_tree_that_is_named_replaces_the_working_tree() {
    let mut board = board();
    board.reserve(range(0x4700_0000, 0x1000), "first stage");
    let mut named = crate::boot::testing::tree();
    named.add_reservation(0x4800_0000, 0x10_0000);
    let root = named.root();
    named.set_property(root, "model", b"named\0").unwrap();
    board.memory.fill(0x4300_0000, &named.to_dtb(0).unwrap());
    board.tree = None;
    let handoff = board.boots("bootz zImage - 43000000");
    let tree = board.tree_at(handoff.device_tree);
    assert_eq!(tree.text(tree.root(), "model"), Some("named"));
    assert_eq!(
        tree.reservations(),
        [(0x4800_0000, 0x10_0000), (0x4700_0000, 0x1000)]
    );
    assert_eq!(
        handoff.device_tree.as_u64(),
        0x4810_0000,
        "behind the reservation"
    );
}

#[test]
fn without_bootargs_the_trees_stay() {
    let mut board = board();
    board.bootargs = None;
    let handoff = board.boots("bootz zImage -");
    let tree = board.tree_at(handoff.device_tree);
    let chosen = tree.find("/chosen").unwrap();
    assert_eq!(tree.text(chosen, "bootargs"), Some("old"));
    assert_eq!(tree.property(chosen, "linux,initrd-start"), None);
}

#[test]
fn bad_images_are_refused_by_name() {
    let mut big = kernel();
    put(&mut big, ENDIAN_OFFSET, ENDIAN_BIG);
    let mut elsewhere = kernel();
    put(&mut elsewhere, START_OFFSET, 0x1000_0000);
    put(&mut elsewhere, 0x2c, 0x1000_0000 + 1_000_003);
    let mut board = Board::new(&[
        ("short", &kernel()[..LENGTH - 1]),
        (
            "text",
            b"no kernel at all, but long enough to have a header",
        ),
        ("tiny", b"short"),
        ("big", &big),
        ("fixed", &elsewhere),
        ("zimage", &kernel()),
        (
            "tree",
            b"this is not a tree, and never was one; forty bytes",
        ),
    ]);
    for (line, expected) in [
        ("bootz short", "truncated zImage: 1000002 bytes of 1000003"),
        ("bootz text", "no zImage: magic is 0x"),
        ("bootz tiny", "no zImage: 5 bytes are less than its header"),
        ("bootz big", "big-endian kernel"),
        (
            "bootz fixed",
            "image is linked for 0x10000000, which is not in RAM",
        ),
        (
            "bootz 30000000",
            "image at [0x30000000-0x30000000] is not in RAM",
        ),
        (
            "bootz 4ff80000",
            "overlaps image at [0x4ff00000-0x4fffffff]",
        ),
        ("bootz 42000000", "no zImage: magic is 0x00000000"),
        ("bootz missing", "missing"),
        ("bootz zImage - tree", "tree"),
        (
            "bootz zImage 41000000:zz",
            "\"zz\" is not a hexadecimal number",
        ),
        ("bootz zImage 4fe00000:200000", "overlaps image"),
        (
            "bootz zImage 5fe00000:200000",
            "initrd at [0x5fe00000-0x5fffffff] is not in RAM",
        ),
        ("bootz zImage 41000000:10000000", "is not in RAM"),
    ] {
        let refusal = board.refuses(line);
        assert!(refusal.contains(expected), "{line}: {refusal}");
    }
}

#[test]
fn places_that_are_taken_are_refused_by_name() {
    let mut board = board();
    board.memory.fill(0x4200_0000, &kernel());
    let overwritten = board.refuses("bootz 42000000 40400000:1000");
    assert_eq!(
        overwritten,
        "initrd at [0x40400000-0x40400fff] would be overwritten by the decompressor, which \
         writes [0x40003000-0x40808fff]; try it at 0x40809000"
    );
    board.reserve(range(0x4204_0000, 0x1000), "tee");
    let reserved = board.refuses("bootz 42000000");
    assert!(
        reserved.contains("truncated zImage") || reserved.contains("tee"),
        "{reserved}"
    );
    board.reserve(range(0x4010_0000, 0x1000), "vectors");
    board.map.ram = vec![range(RAM, 128 * MIB)];
    let destination = board.refuses("bootz zImage");
    assert!(
        destination.contains("reserved memory vectors at [0x40100000-0x40100fff]"),
        "{destination}"
    );
}

#[test]
fn an_initrd_too_big_for_low_memory_is_refused() {
    let mut board = board();
    board.map.ram = vec![range(RAM, 0x92_c000)];
    board.map.loader.clear();
    let refusal = board.refuses("bootz zImage initrd.img");
    assert!(
        refusal.contains("no room for the initrd of 0x11170 bytes"),
        "{refusal}"
    );
    assert!(refusal.contains("the largest free range"), "{refusal}");
}

#[test]
fn a_machine_that_cannot_be_handed_over_stays() {
    let mut board = board();
    let refusal = HandoffRefusal::CpuRunning { affinity: 1 };
    board.launcher.refusal = Some(refusal);
    let before = board.ram(range(RAM, LOADER - RAM));
    assert_eq!(
        board.refuses("bootz zImage initrd.img"),
        refusal.to_string()
    );
    assert!(
        board.ram(range(RAM, LOADER - RAM)) == before,
        "memory was written"
    );
    board.launcher.refusal = None;
    board.tree = None;
    assert!(board.refuses("bootz zImage").starts_with("no device tree"));
    assert!(
        board.ram(range(RAM, LOADER - RAM)) == before,
        "memory was written"
    );
}

#[test]
fn a_disk_that_fails_is_an_error_at_the_prompt() {
    let mut board = board();
    let bad = platform_api::BlockError::Timeout {
        first: 2500,
        waited_us: 9,
    };
    board.disk.fail_at(2500, bad);
    assert_eq!(board.refuses("bootz zImage"), bad.to_string());
    board.disk.heal();
    board.boots("bootz zImage");
}

#[test]
fn a_payload_of_ours_runs_where_it_is_put() {
    let payload = zimage(0x8000, 0x4_0000, 0);
    let mut board = Board::new(&[("report", &payload)]);
    let handoff = board.boots("bootz report");
    assert_eq!(handoff.entry.as_u64(), RAM + 0x8000);
    assert!(board.ram(range(RAM + 0x8000, 0x8000)) == payload);
    assert!(handoff.device_tree >= PhysAddr::new(RAM + 0x4_8000));
}

#[test]
fn usage_is_asked_for() {
    let mut board = board();
    for line in ["bootz", "bootz a b c d", "bootz -n", "go", "bootelf a b"] {
        assert_eq!(board.refuses(line), "wrong arguments", "{line}");
    }
}

/// A board whose first stage loaded an initrd, and wrote a /memreserve/ entry for it, as U-Boot.
fn with_first_stages_initrd() -> (Board, PhysRange) {
    let mut board = board();
    let initrd = range(0x4400_0000, INITRD as u64);
    board.memory.fill(0x4400_0000, &pattern(INITRD));
    board.map.initrd = Some(initrd);
    let entry = range(0x4400_0000, 0x1_2000);
    board.reserve(entry, crate::boot::MEMRESERVE);
    if let Some(tree) = &mut board.tree {
        tree.add_reservation(entry.start().as_u64(), entry.size());
    }
    (board, initrd)
}

#[test]
fn the_first_stages_initrd_is_used_where_none_is_named() {
    let (mut board, initrd) = with_first_stages_initrd();
    let handoff = board.boots("bootz zImage");
    assert!(handoff.clean.iter().any(|range| range == initrd));
    let tree = board.tree_at(handoff.device_tree);
    let chosen = tree.find("/chosen").unwrap();
    let start = tree.property(chosen, "linux,initrd-start").unwrap();
    assert_eq!(crate::devicetree::number(start), Some(0x4400_0000));
    // By its address, or a part of it, too.
    for line in ["bootz zImage 44000000:11170", "bootz zImage 44000000:1000"] {
        with_first_stages_initrd().0.boots(line);
    }
}

#[test]
fn the_first_stages_initrd_is_kept_where_another_is_named() {
    for line in [
        "bootz zImage -",
        "bootz zImage initrd.img",
        "bootelf tiny.elf",
    ] {
        let (mut board, initrd) = with_first_stages_initrd();
        board.map.reserved.clear();
        board.tree = Some(crate::boot::testing::tree());
        if line.starts_with("bootelf") {
            let refusal = board.refuses("bootelf 44000000:100");
            assert!(
                refusal.contains("overlaps the first stage's initrd at [0x44000000-"),
                "{refusal}"
            );
            continue;
        }
        let handoff = board.boots(line);
        assert!(handoff.clean.iter().all(|range| !range.overlaps(initrd)));
        assert!(board.ram(initrd) == pattern(INITRD));
        let overwritten = board.refuses("bootz zImage 44008000:20000");
        assert!(
            overwritten.contains("first stage's initrd"),
            "{overwritten}"
        );
    }
}

#[test]
fn the_tree_tells_of_the_log() {
    use crate::log::{Log, SIZE};
    let at = range(0x4fe0_0000, 4096);
    let mut board = board();
    board.reserve(at, "baton-log");
    let ended = board.run(|cx| {
        let page = alloc::boxed::Box::leak(alloc::boxed::Box::new([0; SIZE]));
        cx.log = Log::open(page, at).0;
        cx.log.record(format_args!("boot 1"));
        crate::boot::testing::command(cx, "bootz -n zImage initrd.img").unwrap();
        crate::boot::testing::command(cx, "bootz zImage initrd.img").unwrap();
    });
    let handoff = ended.unwrap_err();
    let tree = board.tree_at(handoff.device_tree);
    let chosen = tree.find("/chosen").unwrap();
    let (entry, start) = (handoff.entry, handoff.device_tree);
    let text = alloc::format!("boot 1\nboot zImage, initrd.img: entry {entry}, tree {start}\n");
    assert_eq!(tree.text(chosen, "baton,log"), Some(text.as_str()));
    assert_eq!(
        tree.property(chosen, "baton,boot-count"),
        Some(&[0, 0, 0, 1][..])
    );
    let node = tree.find("/reserved-memory/baton-log@4fe00000").unwrap();
    assert_eq!(tree.text(node, "compatible"), Some("baton,log"));
    // A node, and no /memreserve/ entry beside it.
    assert!(tree.reservations().is_empty());
    // The dry run promised this very tree.
    let clean = handoff.clean.iter().last().unwrap();
    let sum = alloc::format!(
        "device tree, crc32 {:08x}",
        crc32fast::hash(&board.ram(clean))
    );
    assert!(board.console.text().contains(&sum));
}

/// What `wdt_handoff` says goes into the handoff, and into the plan that is shown.
#[test]
fn the_watchdogs_policy_is_planned() {
    use crate::watchdog::WatchdogDevice;
    use platform_api::WatchdogPolicy;
    use platform_fake::FakeWatchdog;

    let dog: &'static FakeWatchdog = Box::leak(Box::default());
    let image = zimage(0x4000, 0x1_0000, 0x8000);
    let mut board = Board::new(&[("zImage", &image)]);
    let run = |board: &mut Board, policy: &str, line: &str| {
        board.run(|cx| {
            cx.env.set("wdt_handoff", policy);
            cx.watchdogs.devices.push(WatchdogDevice {
                path: "/watchdog@1".into(),
                driver: "fake",
                device: dog,
            });
            command(cx, line).map_err(|error| alloc::format!("{error}"))
        })
    };
    let refused = run(&mut board, "arm:0", "bootz zImage -").unwrap();
    let reason = "wdt_handoff=arm:0: watchdog@1 takes 1 to 16 seconds";
    assert_eq!(refused.unwrap_err(), reason);
    let shown = run(&mut board, "arm:9", "bootz -n zImage -").unwrap();
    assert_eq!(shown, Ok(()));
    let text = board.console.take_text();
    assert!(
        text.contains("Watchdog: watchdog@1 armed, 9 s\r\n"),
        "{text}"
    );
    let armed = WatchdogPolicy::Arm {
        index: 0,
        milliseconds: 9000,
    };
    for (policy, expected) in [
        ("arm:9", armed),
        ("stop", WatchdogPolicy::Stop),
        ("keep", WatchdogPolicy::Keep),
        ("", WatchdogPolicy::Keep),
    ] {
        let handoff = run(&mut board, policy, "bootz zImage -").unwrap_err();
        assert_eq!(handoff.watchdog, expected, "{policy}");
    }
    assert_eq!(dog.calls(), [], "planning touches nothing");
}
