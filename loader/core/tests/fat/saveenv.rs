//! The saved environment: power lost at any sector, a thousand saves, Debian's own tools.

use std::fs;

use baton_core::{
    context::Context,
    env::{self, saved::FILES},
    machine::Machine,
};
use platform_fake::{
    CORTEX_A15, FakeClock, FakeConsole, FakeDisk, FakeGuard, FakeLauncher, FakeMemory, FakePower,
};
use proptest::prelude::*;

use crate::bench::{SMALL, Scratch, Volume, tool};

/// The fakes of a machine with one disk.
struct Board {
    console: FakeConsole,
    clock: FakeClock,
    memory: FakeMemory,
    power: FakePower,
    launcher: FakeLauncher,
}

impl Board {
    fn new() -> Self {
        Self {
            console: FakeConsole::default(),
            clock: FakeClock::default(),
            memory: FakeMemory::new(0x4000_0000, 0x1000),
            power: FakePower::default(),
            launcher: FakeLauncher::default(),
        }
    }

    /// Starts the loader as the composition root does, with the first stage's arguments.
    fn start(&mut self, volume: &Volume, arguments: &[(&str, &str)]) -> Context<'_> {
        let mut cx = Context::new(Machine {
            console: &mut self.console,
            clock: &self.clock,
            memory: &mut self.memory,
            disks: volume.disks(),
            power: &mut self.power,
            launcher: &mut self.launcher,
            guard: &FakeGuard,
            cpu: CORTEX_A15,
        });
        cx.env.give("devtype", "virtio");
        cx.env.give("devnum", "0");
        let pairs = arguments
            .iter()
            .chain(&[("distro_bootpart", "0")])
            .map(|(name, value)| (String::from(*name), String::from(*value)));
        env::start(&mut cx, &pairs.collect::<Vec<_>>());
        cx
    }
}

/// Starts and returns a variable.
fn value(volume: &Volume, name: &str) -> Option<String> {
    let mut board = Board::new();
    let cx = board.start(volume, &[]);
    cx.env.get(name).map(String::from)
}

/// Starts and returns what that printed.
fn words(volume: &Volume) -> String {
    let mut board = Board::new();
    drop(board.start(volume, &[]));
    board.console.take_text().replace("\r\n", "\n")
}

/// Starts, sets a variable and saves.
fn save(volume: &Volume, name: &str, value: &str) -> Result<(), String> {
    let mut board = Board::new();
    let mut cx = board.start(volume, &[]);
    cx.env.try_set(name, value).unwrap();
    // What fills the copies: each sector differs from the last save's.
    cx.env
        .try_set("filler", &value.repeat(12_000 / value.len()))
        .unwrap();
    env::save(&mut cx).map_err(|error| error.to_string())
}

fn with_other_files(format: crate::bench::Format) -> Volume {
    let volume = Volume::new(format.make());
    volume.write("zImage", 0, &[1; 70_000]).unwrap();
    volume.write("boot.scr", 0, &[2; 700]).unwrap();
    volume
}

fn others_are_whole(volume: &Volume) {
    assert!(volume.read("zImage").unwrap() == [1; 70_000]);
    assert!(volume.read("boot.scr").unwrap() == [2; 700]);
}

/// Cuts a save after each sector. The next start must find the old or the new value, and the
/// variables in step with each other.
fn cut_everywhere(image: &[u8], old: Option<&str>, in_place: bool) {
    let whole = Volume::new(image.to_vec());
    let mut board = Board::new();
    let mut cx = board.start(&whole, &[]);
    whole.disk.take_requests();
    cx.env.try_set("n", "N").unwrap();
    cx.env.try_set("filler", &"N".repeat(12_000)).unwrap();
    env::save(&mut cx).unwrap();
    drop(cx);
    let requests = whole.disk.take_requests();
    let blocks: u64 = requests.iter().filter(|r| r.write).map(|r| r.blocks).sum();
    if in_place {
        // One copy, and nothing else.
        assert_eq!(blocks, 32);
    }
    let mut new_seen = false;
    for cut in 0..=blocks {
        let volume = Volume::new(image.to_vec());
        let mut board = Board::new();
        let mut cx = board.start(&volume, &[]);
        cx.env.try_set("n", "N").unwrap();
        cx.env.try_set("filler", &"N".repeat(12_000)).unwrap();
        volume.disk.cut_power_after_blocks(cut);
        let saved = env::save(&mut cx);
        drop(cx);
        let volume = Volume::new(volume.disk.content());
        let mut board = Board::new();
        let cx = board.start(&volume, &[]);
        let found = cx.env.get("n");
        let filler = cx.env.get("filler").map(|filler| filler.get(..1).unwrap());
        assert_eq!(found, filler, "cut {cut}");
        assert!(found == old || found == Some("N"), "cut {cut}: {found:?}");
        new_seen |= found == Some("N");
        assert!(!new_seen || found == Some("N"), "cut {cut}: old again");
        // It reads back what it wrote: a save that was lost cannot claim success.
        let new = found == Some("N");
        assert!(new || saved.is_err(), "cut {cut}");
        assert!(cut < blocks || saved.is_ok(), "{saved:?}");
        drop(cx);
        others_are_whole(&volume);
        if in_place {
            assert_eq!(volume.complaints(), [""; 0], "cut {cut}");
        } else {
            for line in volume.complaints() {
                assert!(crate::cuts::is_harmless(&line), "cut {cut}: {line}");
            }
        }
        // And the next save works.
        drop(board);
        save(&volume, "n", "M").unwrap();
        assert_eq!(value(&volume, "n").as_deref(), Some("M"), "cut {cut}");
    }
    assert!(new_seen);
}

#[test]
fn a_cut_leaves_the_old_or_the_new() {
    for format in SMALL {
        let volume = with_other_files(format);
        // The first save makes both files.
        cut_everywhere(&volume.disk.content(), None, false);
        save(&volume, "n", "1").unwrap();
        cut_everywhere(&volume.disk.content(), Some("1"), true);
        save(&volume, "n", "2").unwrap();
        cut_everywhere(&volume.disk.content(), Some("2"), true);
    }
    // Over a copy that is damaged, and beside one that is gone.
    let volume = with_other_files(SMALL[2]);
    save(&volume, "n", "1").unwrap();
    save(&volume, "n", "2").unwrap();
    let mut newest = volume.read(FILES[1]).unwrap();
    newest[100] ^= 1;
    volume.write(FILES[1], 0, &newest).unwrap();
    cut_everywhere(&volume.disk.content(), Some("1"), true);
    volume.remove(FILES[1]).unwrap();
    cut_everywhere(&volume.disk.content(), Some("1"), false);
}

#[test]
fn a_thousand_saves_change_nothing_else() {
    for format in SMALL {
        let volume = with_other_files(format);
        save(&volume, "n", "0").unwrap();
        let before = volume.disk.content();
        let mut board = Board::new();
        let mut cx = board.start(&volume, &[]);
        volume.disk.take_requests();
        for count in 1..=1000 {
            cx.env.try_set("n", &count.to_string()).unwrap();
            env::save(&mut cx).unwrap();
            if count % 100 == 0 {
                assert_eq!(value(&volume, "n"), Some(count.to_string()));
            }
        }
        drop(cx);
        let places: Vec<u64> = FILES
            .iter()
            .flat_map(|name| {
                let file =
                    baton_core::storage::open_on(&mut volume.disks(), crate::bench::VOLUME, name);
                let extents = file.unwrap().extents().to_vec();
                extents
                    .into_iter()
                    .flat_map(|extent| extent.offset / 512..(extent.offset + extent.length) / 512)
            })
            .collect();
        assert_eq!(places.len(), 64);
        for request in volume.disk.take_requests().iter().filter(|r| r.write) {
            let mut written = request.first..request.first + request.blocks;
            assert!(written.all(|block| places.contains(&block)), "{request:?}");
        }
        let after = volume.disk.content();
        for (block, (old, new)) in before.chunks(512).zip(after.chunks(512)).enumerate() {
            assert!(old == new || places.contains(&(block as u64)), "{block}");
        }
        assert_eq!(volume.complaints(), [""; 0]);
        others_are_whole(&volume);
    }
}

#[test]
fn what_is_wrong_is_said() {
    let volume = with_other_files(SMALL[1]);
    assert_eq!(
        words(&volume),
        "*** Warning - no uboot.env on virtio 0:0, using default environment\n\n"
    );
    save(&volume, "n", "1").unwrap();
    save(&volume, "n", "2").unwrap();
    assert_eq!(words(&volume), "");
    // The second save went to the second file.
    let good = volume.read("uboot-redund.env").unwrap();
    volume.write("uboot-redund.env", 0, b"short").unwrap();
    assert_eq!(
        words(&volume),
        "*** Warning - uboot-redund.env: 0x5 bytes, not 0x4000; using uboot.env\n"
    );
    assert_eq!(value(&volume, "n").as_deref(), Some("1"));
    volume.remove("uboot-redund.env").unwrap();
    assert_eq!(
        words(&volume),
        "*** Warning - uboot-redund.env: no such file; using uboot.env\n"
    );
    let mut bad = good.clone();
    bad[50] ^= 0x80;
    volume.write("uboot.env", 0, &bad).unwrap();
    volume.write("uboot-redund.env", 0, &good).unwrap();
    assert_eq!(
        words(&volume),
        "*** Warning - uboot.env: bad CRC; using uboot-redund.env\n"
    );
    assert_eq!(value(&volume, "n").as_deref(), Some("2"));
    volume.write("uboot-redund.env", 0, &bad).unwrap();
    assert_eq!(
        words(&volume),
        "*** Warning - uboot.env: bad CRC\n*** Warning - uboot-redund.env: bad CRC\n\
         *** Warning - bad CRC, using default environment\n\n"
    );
    assert_eq!(value(&volume, "bootdelay").as_deref(), Some("2"));
    // Defaults, and both copies are made good again.
    save(&volume, "n", "3").unwrap();
    save(&volume, "n", "4").unwrap();
    assert_eq!(words(&volume), "");
    assert_eq!(value(&volume, "n").as_deref(), Some("4"));
    let broken = Volume {
        disk: FakeDisk::new(vec![0; 4096]),
    };
    assert!(words(&broken).starts_with("*** Warning - virtio 0:0: no FAT file system"));
}

#[test]
fn another_loaders_environment_is_left_alone() {
    let volume = with_other_files(SMALL[0]);
    let mut other = b"a=1\0\0".to_vec();
    other.resize(0x4000 - 4, 0);
    let mut file = crc32fast::hash(&other).to_le_bytes().to_vec();
    file.extend(&other);
    volume.write("uboot.env", 0, &file).unwrap();
    let error = save(&volume, "n", "1").unwrap_err();
    assert!(error.contains("another loader's environment"), "{error}");
    assert!(volume.read("uboot.env").unwrap() == file);
}

#[test]
fn layers_lie_over_each_other() {
    let volume = with_other_files(SMALL[2]);
    let mut board = Board::new();
    let mut cx = board.start(&volume, &[("bootdelay", "0"), ("extra", "x"), ("a b", "1")]);
    assert_eq!(cx.env.get("bootdelay"), Some("0"));
    cx.env.set("mine", "1");
    cx.env.set("bootdelay2", "5");
    env::save(&mut cx).unwrap();
    assert_eq!(cx.store.validity, env::Validity::Valid);
    drop(cx);
    let shown = board.console.take_text();
    assert!(
        shown.contains("baton.a b: ## Error: \"a b\" cannot name"),
        "{shown}"
    );
    let mut board = Board::new();
    let cx = board.start(&volume, &[]);
    // The arguments were not saved, what was typed is.
    assert_eq!(cx.env.get("bootdelay"), Some("2"));
    assert_eq!(cx.env.get("extra"), None);
    assert_eq!(cx.env.get("mine"), Some("1"));
    assert_eq!(cx.env.get("devtype"), Some("virtio"));
    assert!(!cx.store.default);
    drop(cx);
    let saved = volume.read(FILES[0]).unwrap();
    let saved = String::from_utf8_lossy(&saved);
    assert!(!saved.contains("devtype") && !saved.contains("distro_bootpart"));
    let mut board = Board::new();
    let cx = board.start(&volume, &[("mine", "2")]);
    assert_eq!(cx.env.get("mine"), Some("2"));
}

#[test]
fn read_only_variables_are_loaded() {
    let volume = with_other_files(SMALL[0]);
    let mut board = Board::new();
    let mut cx = board.start(&volume, &[]);
    cx.env.set("serial", "42");
    cx.env.set(".flags", "serial:dr,late:so");
    cx.env.set("late", "1");
    env::save(&mut cx).unwrap();
    drop(cx);
    let mut board = Board::new();
    let mut cx = board.start(&volume, &[]);
    assert_eq!(cx.env.get("serial"), Some("42"));
    assert!(cx.env.try_set("serial", "43").is_err());
    assert!(cx.env.try_set("late", "2").is_err());
    drop(cx);
    assert_eq!(board.console.take_text(), "");
}

#[test]
fn too_much_is_refused_and_the_card_kept() {
    let volume = with_other_files(SMALL[0]);
    save(&volume, "n", "1").unwrap();
    let before = volume.disk.content();
    let mut board = Board::new();
    let mut cx = board.start(&volume, &[]);
    // Past every check.
    cx.env.set("large", &"x".repeat(0x4000));
    let error = env::save(&mut cx).unwrap_err().to_string();
    assert!(error.ends_with("bytes; remove some"), "{error}");
    drop(cx);
    assert!(volume.disk.content() == before);
}

/// Puts both copies into a folder with the configuration of docs/environment.md, runs a tool of
/// libubootenv there, and takes them back.
fn with_linux_tool(volume: &Volume, program: &str, arguments: &[&str]) -> String {
    let folder = Scratch::new();
    fs::create_dir(&folder.0).unwrap();
    let path = |name: &str| folder.0.join(name);
    let mut config = String::new();
    for name in FILES {
        fs::write(path(name), volume.read(name).unwrap()).unwrap();
        config += &format!("{} 0x0000 0x4000\n", path(name).display());
    }
    fs::write(path("fw_env.config"), config).unwrap();
    let config = path("fw_env.config");
    let mut all = vec!["-c", config.to_str().unwrap()];
    all.extend(arguments);
    let output = tool(program, &all);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
    for name in FILES {
        volume
            .write(name, 0, &fs::read(path(name)).unwrap())
            .unwrap();
    }
    fs::remove_dir_all(&folder.0).unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn linux_reads_and_writes_it() {
    let volume = with_other_files(SMALL[2]);
    save(&volume, "greeting", "h\u{e9}llo  world = 'x' $y;").unwrap();
    let shown = with_linux_tool(&volume, "fw_printenv", &[]);
    assert!(
        shown.contains("\ngreeting=h\u{e9}llo  world = 'x' $y;\n"),
        "{shown}"
    );
    assert!(
        shown.contains("bootcmd=bootz ${bootfile} ${initrdfile}\n"),
        "{shown}"
    );
    for round in 0..600 {
        // Past the wrap of the flag, in either hand.
        let number = round.to_string();
        if round % 3 == 0 {
            save(&volume, "n", &number).unwrap();
        } else {
            with_linux_tool(&volume, "fw_setenv", &["n", &number]);
        }
        assert_eq!(value(&volume, "n"), Some(number.clone()));
        if round % 50 == 0 {
            let shown = with_linux_tool(&volume, "fw_printenv", &["-n", "n"]);
            assert_eq!(shown.trim_end(), number);
        }
    }
    with_linux_tool(&volume, "fw_setenv", &["greeting"]);
    with_linux_tool(&volume, "fw_setenv", &["path", "C:\\x"]);
    assert_eq!(value(&volume, "greeting"), None);
    assert_eq!(value(&volume, "path").as_deref(), Some("C:\\x"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn damage_of_one_copy_never_matters(
        first: bool,
        bytes in proptest::collection::vec((0..0x4000_usize, any::<u8>()), 1..50),
        length in prop_oneof![Just(0x4000_usize), 0..0x9000_usize],
    ) {
        let volume = with_other_files(SMALL[0]);
        save(&volume, "n", "1").unwrap();
        save(&volume, "n", "2").unwrap();
        let name = FILES[usize::from(!first)];
        let mut content = volume.read(name).unwrap();
        let good = content.clone();
        for (at, byte) in bytes {
            content[at] = byte;
        }
        content.resize(length, 0xff);
        // The flag alone says which is newer; it is not under the checksum.
        content.iter_mut().skip(4).take(1).for_each(|flag| *flag = good[4]);
        volume.write(name, 0, &content).unwrap();
        let found = value(&volume, "n");
        let newest = if first { "2" } else { "1" };
        prop_assert!(found.as_deref() == Some(newest) || content == good);
        save(&volume, "n", "3").unwrap();
        prop_assert_eq!(value(&volume, "n"), Some("3".to_owned()));
        prop_assert_eq!(volume.complaints(), [""; 0]);
    }
}
