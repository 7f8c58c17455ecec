//! Baton's commands: as U-Boot's where both have them, and the others as their golden sessions.

#![allow(clippy::expect_used)] // These are tests, outside of `#[test]` though.

use std::time::Duration;

use harness::{Card, Machine, Output, Result, Session, ensure, flow, here};

/// Lines whose output and status are the same at both prompts, to the byte.
const LINES: &[&str] = &[
    "base",
    "mw.l 44000000 a5f09876 8",
    "md.l 44000000 8",
    "md.w 44000000 5",
    "md.b 44000000 13",
    // As many as the last time.
    "md.b 44000000",
    "md",
    "md.w",
    "mw.b 44000003 ff 3",
    // Cut to the width.
    "mw.b 44000004 1234",
    "mw.w 44000008 1234",
    "md 44000000 3",
    "base 44000000",
    "md.l 0 2",
    "mw.l 100 1 4",
    "cmp.l 0 100 2",
    "cp.l 0 180 4",
    "md.l 180 4",
    "base 0",
    "cp.b 44000000 44000200 20",
    "cmp.b 44000000 44000200 20",
    "cmp.w 44000000 44000204 4",
    "cmp.l 44000000 44000204 4",
    "cmp.b 44000000 44000204 4",
    "cmp",
    "cp.l 44000000 44000300 0",
    "mw.l 44000000 61626364 40",
    "crc32 44000000 100",
    "crc32 44000000 100 44000400",
    "md.b 44000400 4",
    "size virtio 0:1 zImage",
    "printenv filesize",
    "load virtio 0:1 44000000 zImage 100",
    "printenv filesize",
    "md.b 44000000 20",
    "crc32 44000000 100",
    "part list virtio 0",
    "part uuid virtio 0:1",
    "part list virtio 0 list",
    "printenv list",
    "part list virtio 0 -bootable list",
    "printenv list",
    "part start virtio 0 1",
    "part start virtio 0 1 v",
    "printenv v",
    "part size virtio 0 1",
    "part size virtio 0 1 v",
    "part number virtio 0 1",
    "fstype virtio 0:1",
    "fstype virtio 0:1 v",
    "printenv v",
    "ls virtio 0:1",
    "ls virtio 0:1 /",
    "date 010203042020.05",
    "date 0229123020",
    "date x",
    "date reset",
    // Both take a copy of the first stage's tree, U-Boot with what it adds to its own.
    "fdt move ${fdtcontroladdr} 45000000 200000",
    "fdt addr",
    "fdt list /cpus",
    "fdt print /cpus",
    "fdt print /psci",
    "fdt print /psci method",
    "fdt print /psci compatible",
    "fdt print /timer",
    "fdt print /timer always-on",
    "fdt mknode / test",
    "fdt set /test text hello world",
    "fdt print /test",
    "fdt set /test text a b c",
    "fdt print /test text",
    "fdt set /test text <1 0x2 010>",
    "fdt print /test text",
    "fdt set /test text <? 7 ?>",
    "fdt print /test text",
    "fdt set /test text [00 11 ab]",
    "fdt print /test text",
    "fdt set /test text [1 2]",
    "fdt print /test text",
    "fdt set /test text",
    "fdt print /test text",
    "fdt print /test",
    "fdt set /test text a b c",
    "fdt get value v /test text",
    "printenv v",
    "fdt get value v /test text 1",
    "printenv v",
    "fdt get size v /test",
    "printenv v",
    "fdt get size v /cpus",
    "printenv v",
    "fdt get name v /cpus 1",
    "printenv v",
    "fdt get value v /cpus '#size-cells'",
    "printenv v",
    "fdt get addr v /test text",
    "mw.l 44000000 620061; mw.l 44000004 63",
    "cmp.b ${v} 44000000 6",
    "fdt set /test cells <1 2>; fdt set /test bytes [1 2]; fdt mknode /test a; fdt mknode /test b",
    "fdt print /test",
    "fdt rm /test text",
    "fdt print /test",
    "fdt rm /test",
    "fdt rsvmem print",
    "fdt rsvmem add 46000000 1000",
    "fdt rsvmem add 47000000 2000",
    "fdt rsvmem print",
    "fdt rsvmem delete 0",
    "fdt rsvmem print",
    "fdt bootcpu 1",
    "fdt header get v boot_cpuid_phys",
    "printenv v",
    "fdt header get v magic",
    "printenv v",
    "fdt header get v version",
    "printenv v",
    "fdt header get v totalsize",
    "printenv v",
    "fdt memory 40000000 10000000",
    "fdt print /memory@40000000",
    "setenv bootargs console=ttyAMA0",
    "fdt chosen",
    "fdt print /chosen bootargs",
    "echo a  b \"c  d\" 'e'",
    "nosuch",
    "printenv nosuch",
    "help cmp",
    "help md mw cp base run",
    "help sleep coninfo",
    "help nosuch",
    "sleep 0.01",
    "sleep",
];

/// Takes out how long a load took, and the second that may pass between setting a clock and
/// reading it: the clock keeps the host's fraction of one.
fn timeless(mut output: Output) -> Output {
    if let Some((bytes, _)) = output.text.split_once(" read in ") {
        output.text = bytes.to_owned();
    }
    for (set, next) in [(":05\n", ":06\n"), (":00\n", ":01\n")] {
        if output.text.starts_with("Date: ") && output.text.ends_with(next) {
            output.text = output.text.replace(next, set);
        }
    }
    output
}

fn outputs(session: &mut Session) -> Result<Vec<Output>> {
    // The address is each loader's own.
    session.run_ok("fdt addr ${fdtcontroladdr}")?;
    LINES
        .iter()
        .map(|line| session.run(line).map(timeless))
        .collect()
}

#[test]
fn they_say_what_u_boots_say() -> Result<()> {
    let expected = {
        let mut uboot = Machine::virt(here!()).card(Card::built()?).start()?;
        flow::uboot_prompt(&mut uboot)?;
        uboot.run_ok("virtio scan")?;
        outputs(&mut uboot)?
    };
    let mut baton = flow::baton_direct(Machine::virt(here!()).card(Card::built()?))?;
    let found = outputs(&mut baton)?;
    for ((line, expected), found) in LINES.iter().zip(expected).zip(found) {
        ensure!(
            baton,
            found == expected,
            "{line}\nU-Boot: {}\n{}\nBaton: {}\n{}",
            expected.status,
            expected.text,
            found.status,
            found.text
        );
    }
    Ok(())
}

/// Lines of commands that ask: what is typed, and what is asked then.
fn dialogue(session: &mut Session) -> Result<String> {
    session.run_ok("mw.l 44000000 11223344 4")?;
    let mut asked = String::new();
    for (line, after) in [
        ("mm.w 44000000", r"44000000: 3344 ? "),
        ("beef", "44000002: 1122 ? "),
        ("", "44000004: 3344 ? "),
        ("-", "44000002: 1122 ? "),
        ("cafe and what follows", "44000004: 3344 ? "),
    ] {
        session.send_line(line);
        session.expect(after)?;
        asked.push_str(after);
    }
    session.send_line("x");
    session.expect_prompt()?;
    session.send_line("nm.b 44000008");
    session.expect("44000008: 44 ? ")?;
    session.send_line("12");
    session.expect("44000008: 12 ? ")?;
    session.send_line(".");
    session.expect_prompt()?;
    session.run_ok("md.l 44000000 4")
}

#[test]
fn they_ask_as_u_boots_do() -> Result<()> {
    let expected = {
        let mut uboot = Machine::virt(here!()).start()?;
        flow::uboot_prompt(&mut uboot)?;
        dialogue(&mut uboot)?
    };
    let mut baton = flow::baton_direct(Machine::virt(here!()))?;
    let found = dialogue(&mut baton)?;
    ensure!(baton, found == expected, "{expected}{found}");
    // Ctrl-C ends them, and what never ends by itself.
    for (line, shown) in [
        ("mm 44000000", " ? "),
        ("loop 44000000 10", ""),
        ("mtest 44000000 44100000", "Reading..."),
        ("sleep 1000", ""),
    ] {
        baton.send_line(line);
        baton.expect(shown)?;
        std::thread::sleep(Duration::from_millis(200));
        baton.send("\x03");
        baton.expect("<INTERRUPT>")?;
        baton.expect_prompt()?;
    }
    Ok(())
}

/// gzip -n of `hello`, as words for `mw`.
const PACKED: [u32; 7] = [
    0x0008_8b1f,
    0,
    0x48cb_0300,
    0x07c9_c9cd,
    0x10a6_8600,
    0x0000_0536,
    0x0000_0000,
];

/// One boot, many commands: what they print, to the byte.
#[test]
fn what_u_boot_on_this_board_does_not_have() -> Result<()> {
    let mut session = flow::baton_direct(Machine::virt(here!()).card(Card::built()?))?;
    session.run_ok("mw.l 44000000 61626364 40")?;
    for (line, status, expected) in [
        (
            "crc32 -v 44000000 4 e1ebc0b3",
            1,
            "crc32 for 44000000 ... 44000003 ==> b2ef92da != e1ebc0b3 ** ERROR **\n",
        ),
        (
            "hash crc32 44000000 4 sum; crc32 -v 44000000 4 sum",
            0,
            "crc32 for 44000000 ... 44000003 ==> b2ef92da\n",
        ),
        (
            "md5sum 44000000 4",
            0,
            "md5 for 44000000 ... 44000003 ==> 9134669f44c1af0532f613b7508283c4\n",
        ),
        ("ms.s 44000000 100 dcbadcb", 0, ""),
        ("mtest 44000000 44001000 0 2", 0, ""),
    ] {
        let found = session.run(line)?;
        let same = expected.is_empty() || found.text == expected;
        ensure!(
            session,
            same && found.status == status,
            "{line}: {}\n{}",
            found.status,
            found.text
        );
    }
    for (index, word) in PACKED.iter().enumerate() {
        let address = 0x4400_0000 + 4 * index;
        session.run_ok(&format!("mw.l {address:x} {word:x}"))?;
    }
    let text = session.run_ok("unzip 44000000 44100000")?;
    ensure!(session, text == "Uncompressed size: 5 = 0x5\n", "{text}");
    let text = session.run_ok("md.b 44100000 5")?;
    ensure!(session, text.ends_with("  hello\n"), "{text}");
    // Beyond the end of the file system's data, where nobody looks.
    let text = session.run_ok("gzwrite virtio 0 44000000 19 200 ffffe00")?;
    ensure!(
        session,
        text.contains("\n\t5 bytes, crc 0x3610a686\n"),
        "{text}"
    );
    session.run_ok("virtio read 44200000 7ffff 1")?;
    let text = session.run_ok("md.b 44200000 6")?;
    ensure!(
        session,
        text.starts_with("44200000: 68 65 6c 6c 6f 00  "),
        "{text}"
    );
    let tree = session.run_ok("dm tree")?;
    for row in [
        " rtc           0  [ + ]   rtc-pl031             |-- pl031@9010000\n",
        " serial        0  [ + ]   serial_pl01x          |-- pl011@9000000\n",
        " virtio       31  [ + ]   virtio-mmio           |-- virtio_mmio@a003e00\n",
        " virtio        0  [   ]   virtio-mmio           |-- virtio_mmio@a000000\n",
    ] {
        ensure!(session, tree.contains(row), "no {row} in {tree}");
    }
    let text = session.run_ok("coninfo")?;
    ensure!(
        session,
        text == "List of available devices:\npl011@9000000 00000007 IO stdin stdout stderr \n\
                 Line: 115246n8\n",
        "{text}"
    );
    let text = session.run_ok("meminfo")?;
    ensure!(
        session,
        text.starts_with("DRAM:  512 MiB\n\nRegion "),
        "{text}"
    );
    ensure!(session, text.contains("\nBaton "), "{text}");
    let text = session.run_ok("load virtio 0:1 44000000 zImage; iminfo 44000000")?;
    ensure!(session, text.contains("   ARM zImage found\n"), "{text}");
    let text = session.run_ok("license")?;
    ensure!(
        session,
        text.contains("Permission is hereby granted"),
        "{text}"
    );
    for command in ["reset -w", "panic 'on purpose'", "reset"] {
        session.send_line(command);
        session.expect("resetting ...")?;
        session.expect_for(flow::BANNER, Duration::from_secs(60))?;
        flow::stop_countdown(&mut session)?;
    }
    Ok(())
}

const BASE: &str =
    "/dts-v1/; / { soc { uart: uart@1000 { status = \"disabled\"; }; clk: clock { }; }; };";
const OVERLAY: &str = "/dts-v1/; /plugin/;
    &uart { status = \"okay\"; clocks = <&clk>; led: led { on = <&led>; }; };";

/// Compiles a tree with its labels.
fn compile(source: &str) -> Vec<u8> {
    use std::{
        io::Write,
        process::{Command, Stdio},
    };
    let mut dtc = Command::new("dtc")
        .args(["-q", "-@", "-I", "dts", "-O", "dtb", "-o", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("dtc of device-tree-compiler");
    let mut input = dtc.stdin.take().expect("a pipe");
    input.write_all(source.as_bytes()).expect("dtc reads");
    drop(input);
    dtc.wait_with_output().expect("dtc ends").stdout
}

#[test]
fn an_overlay_is_applied_in_place() -> Result<()> {
    let card = Card::built()?
        .with_file("base.dtb", &compile(BASE))?
        .with_file("led.dtbo", &compile(OVERLAY))?;
    let mut session = flow::baton_direct(Machine::virt(here!()).card(card))?;
    session.run_ok("load virtio 0:1 44000000 base.dtb")?;
    session.run_ok("load virtio 0:1 44100000 led.dtbo")?;
    session.run_ok("fdt addr 44000000")?;
    let refused = session.run_err("fdt apply 44100000")?;
    ensure!(session, refused.contains("FDT_ERR_NOSPACE"), "{refused}");
    session.run_ok("fdt resize 1000")?;
    session.run_ok("fdt apply 44100000")?;
    // What is in memory is what was edited.
    session.run_ok("fdt addr 44000000")?;
    let text = session.run_ok("fdt print /soc/uart@1000")?;
    ensure!(
        session,
        text.contains("status = \"okay\";") && text.contains("\tled {\n"),
        "{text}"
    );
    let text = session.run_ok("fdt print /__symbols__ led")?;
    ensure!(session, text == "led = \"/soc/uart@1000/led\"\n", "{text}");
    let refused = session.run_err("fdt apply 44000000")?;
    ensure!(session, refused.contains("FDT_ERR_BADOVERLAY"), "{refused}");
    Ok(())
}
