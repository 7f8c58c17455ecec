//! The prompt, as a person and as U-Boot's tools use it.

use std::time::Duration;

use harness::{Result, build, flow, here, regex};

#[test]
fn commands_round_trip() -> Result<()> {
    let mut session = flow::baton(here!())?;
    assert_eq!(session.run_ok("echo one  two")?, "one two\n");
    assert_eq!(session.run_ok("")?, "");
    let unknown = session.run_err("frobnicate 1 2")?;
    assert_eq!(unknown, "Unknown command 'frobnicate' - try 'help'\n");
    // The status is that of the last command, and `echo` succeeds.
    session.run_err("printenv nosuch")?;
    assert_eq!(session.run_ok("echo $?")?, "0\n");
    let info = session.run_ok("bdinfo")?;
    assert!(info.contains("= HYP\n"), "{info}");
    assert!(info.contains("-> size     = 0x20000000\n"), "{info}");
    assert!(info.contains("virtio 0"), "{info}");
    Ok(())
}

#[test]
fn the_shell_reads_quotes_and_lists() -> Result<()> {
    let mut session = flow::baton(here!())?;
    for (line, printed) in [
        ("echo 'a  b' \"c  d\"", "a  b c  d\n"),
        ("echo 'AB''CD'\"EF\"gh", "ABCDEFgh\n"),
        ("echo one; echo two", "one\ntwo\n"),
        ("echo one && echo two", "one\ntwo\n"),
        ("echo one || echo two", "one\n"),
        ("echo 'a;b && c || d'", "a;b && c || d\n"),
        (
            "echo ${bootfile} $bootdelay '${bootfile}'",
            "zImage 2 ${bootfile}\n",
        ),
        ("echo \"<${bootfile}>\"", "<zImage>\n"),
        (
            "printenv nosuch || echo two",
            "## Error: \"nosuch\" not defined\ntwo\n",
        ),
        (
            "printenv nosuch; echo \"$?\"",
            "## Error: \"nosuch\" not defined\n1\n",
        ),
    ] {
        assert_eq!(session.run_ok(line)?, printed, "{line}");
    }
    let refused = session.run_err("printenv nosuch && echo two")?;
    assert_eq!(refused, "## Error: \"nosuch\" not defined\n");
    Ok(())
}

/// The line that labgrid's `UBootDriver` sends around each command.
#[test]
fn labgrid_finds_its_markers() -> Result<()> {
    let mut session = flow::baton(here!())?;
    for (command, status) in [("echo hello", 0), ("printenv nosuch", 1)] {
        let line = format!("echo 'ABCD''EFGH'; {command}; echo \"$?\"; echo 'ABCD''EFGH';");
        let output = session.run_ok(&line)?;
        let lines: Vec<&str> = output.lines().collect();
        assert_eq!(lines.first(), Some(&"ABCDEFGH"), "{output}");
        assert_eq!(lines.last(), Some(&"ABCDEFGH"), "{output}");
        assert_eq!(lines.get(2), Some(&status.to_string().as_str()), "{output}");
    }
    Ok(())
}

#[test]
fn variables_are_set_printed_and_run() -> Result<()> {
    let mut session = flow::baton(here!())?;
    assert_eq!(session.run_ok("printenv bootdelay")?, "bootdelay=2\n");
    assert_eq!(
        session.run_ok("printenv bootcmd")?,
        "bootcmd=bootz ${bootfile} ${initrdfile}\n"
    );
    session.run_ok("setenv greet 'echo hello; echo ${name}'")?;
    session.run_ok("setenv name you and me")?;
    assert_eq!(
        session.run_ok("printenv greet")?,
        "greet=echo hello; echo ${name}\n"
    );
    assert_eq!(session.run_ok("run greet")?, "hello\nyou and me\n");
    let all = session.run_ok("printenv")?;
    assert!(all.contains("\ngreet=echo hello; echo ${name}\n"), "{all}");
    assert!(all.contains("\nbootfile=zImage\n"), "{all}");
    session.run_ok("setenv greet")?;
    assert_eq!(
        session.run_err("printenv greet")?,
        "## Error: \"greet\" not defined\n"
    );
    let refused = session.run_err("run greet")?;
    assert!(refused.contains("\"greet\" not defined"), "{refused}");
    Ok(())
}

#[test]
fn help_knows_every_command() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let list = session.run_ok("help")?;
    for name in [
        "bdinfo", "boot", "bootd", "bootelf", "bootz", "cmp", "cp", "crc32", "echo", "fatload",
        "fatls", "fdt", "go", "help", "load", "ls", "md", "mw", "part", "poweroff", "printenv",
        "reset", "run", "setenv", "sleep", "version", "virtio",
    ] {
        let listed = list
            .lines()
            .any(|line| line.split_whitespace().next() == Some(name));
        assert!(listed, "{name} is not in:\n{list}");
        // As U-Boot's, it shows the usage and its status is 1.
        let usage = session.run_err(&format!("help {name}"))?;
        // `fatload` and `bootd` are other names of a command that is described under its own.
        let alias = ["bootd", "fatload", "fatls"].contains(&name);
        let described = alias || usage.starts_with(&format!("{name} - "));
        assert!(
            described && usage.contains("\nUsage:\n"),
            "help {name}: {usage}"
        );
    }
    Ok(())
}

#[test]
fn memory_is_shown_written_copied_and_compared() -> Result<()> {
    let mut session = flow::baton(here!())?;
    session.run_ok("mw.l 48000000 cafef00d 100")?;
    session.run_ok("cp.l 48000000 48001000 100")?;
    let same = session.run_ok("cmp.l 48000000 48001000 100")?;
    assert_eq!(same, "Total of 256 word(s) were the same\n");
    session.run_ok("mw.b 48001013 0")?;
    let differs = session.run_err("cmp.l 48000000 48001000 100")?;
    assert!(
        differs.contains("48000010 (0xcafef00d) != word at 0x48001010"),
        "{differs}"
    );
    assert!(
        differs.contains("Total of 4 word(s) were the same"),
        "{differs}"
    );
    assert_eq!(
        session.run_ok("md.l 48001010 1")?.trim_end(),
        "48001010: 00fef00d                             ....",
    );
    let bytes = session.run_ok("md.b 48000000 3")?;
    assert!(bytes.starts_with("48000000: 0d f0 fe"), "{bytes}");
    // An empty line shows what follows. It is no command, so its status cannot be asked for
    // before.
    session.send_line("md.l 48001000 4");
    session.expect("48001000: cafef00d cafef00d cafef00d cafef00d")?;
    session.expect_prompt()?;
    session.send("\r");
    session.expect("48001010: 00fef00d")?;
    session.expect_prompt()?;
    Ok(())
}

#[test]
fn files_are_listed_and_loaded() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let kernel = build::read("kernel/zImage")?;
    for command in ["ls virtio 0:1", "fatls virtio 0:1", "ls virtio 0"] {
        let list = session.run_ok(command)?;
        for name in [
            "boot.scr",
            "baton.zimg",
            "zImage",
            "initrd.img",
            "report.zimg",
        ] {
            assert!(list.contains(name), "{command}: no {name} in {list}");
        }
        assert!(list.contains(&kernel.len().to_string()), "{list}");
    }
    let parts = session.run_ok("part list virtio 0")?;
    assert!(parts.contains("2048"), "{parts}");
    for command in [
        "load virtio 0:1 48000000 zImage",
        "fatload virtio 0:1 48000000 zImage",
    ] {
        let loaded = session.run_ok(command)?;
        assert!(
            loaded.contains(&format!("{} bytes read", kernel.len())),
            "{loaded}"
        );
        assert_eq!(
            session.run_ok("echo ${fileaddr} ${filesize}")?,
            format!("48000000 {:x}\n", kernel.len())
        );
        let sum = session.run_ok("crc32 ${fileaddr} ${filesize}")?;
        let wanted = format!("==> {:08x}", build::crc32("kernel/zImage")?);
        assert!(sum.contains(&wanted), "{sum} is not {wanted}");
        let magic = session.run_ok("md.l 48000024 1")?;
        assert!(magic.starts_with("48000024: 016f2818"), "{magic}");
        session.run_ok("mw.l 48000000 0 1000")?;
    }
    Ok(())
}

#[test]
fn the_tree_is_read_and_edited() -> Result<()> {
    let mut session = flow::baton(here!())?;
    // The first stage's tree, by U-Boot's name for its place.
    let set = session.run_ok("fdt addr ${fdtcontroladdr}")?;
    assert!(set.starts_with("Working FDT set to "), "{set}");
    let model = session.run_ok("fdt print / compatible")?;
    assert!(
        model.contains("compatible = \"linux,dummy-virt\""),
        "{model}"
    );
    session.run_ok("fdt mknod /chosen probe")?;
    session.run_ok("fdt set /chosen/probe words <1 2 3>")?;
    session.run_ok("fdt set /chosen/probe text hello")?;
    let node = session.run_ok("fdt print /chosen/probe")?;
    assert!(
        node.contains("words = <0x00000001 0x00000002 0x00000003>"),
        "{node}"
    );
    assert!(node.contains("text = \"hello\""), "{node}");
    session.run_ok("fdt rm /chosen/probe text")?;
    let node = session.run_ok("fdt print /chosen/probe")?;
    assert!(!node.contains("text"), "{node}");
    session.run_ok("fdt rm /chosen/probe")?;
    let gone = session.run_err("fdt print /chosen/probe")?;
    assert!(gone.contains("/chosen/probe"), "{gone}");
    Ok(())
}

/// The tables of CRC-32 are not in the file, but made at the start: in the machine they are there, to
/// the last entry, and each of the sixteen is used by some length.
#[test]
fn checksums_have_all_their_tables() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let kernel = build::read("kernel/zImage")?;
    session.run_ok("load virtio 0:1 48000000 zImage")?;
    for length in (0..70).chain([4096, 4099]) {
        let at = 0x1000 + 3 * length;
        let bytes = kernel.get(at..at + length).unwrap_or_default();
        let sum = session.run_ok(&format!("crc32 {:x} {length:x}", 0x4800_0000 + at))?;
        let wanted = format!("==> {:08x}\n", crc32fast::hash(bytes));
        assert!(sum.ends_with(&wanted), "{length} bytes: {sum}");
    }
    // Bit by bit, and not as the loader does it: table k, entry b is b with k zeros behind it.
    let tables: Vec<u8> = (0..16_u32)
        .flat_map(|zeros| {
            (0..256_u32).flat_map(move |byte| {
                let step = |crc: u32, _| crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
                (0..8 * (zeros + 1)).fold(byte, step).to_le_bytes()
            })
        })
        .collect();
    let facts = session.run_ok("bdinfo")?;
    let ends = facts
        .split_once("loader      = [0x")
        .and_then(|(_, rest)| rest.split_once(']')?.0.split_once("-0x"));
    let number = |text| u64::from_str_radix(text, 16).ok();
    let ends = ends.and_then(|(start, end)| Some((number(start)?, number(end)?)));
    let (start, end) = ends.ok_or_else(|| harness::Error::check(facts))?;
    let memory = session.monitor()?.read_memory(start, end - start + 1)?;
    let found = memory
        .chunks(16)
        .enumerate()
        .filter(|(index, _)| memory.get(index * 16..index * 16 + tables.len()) == Some(&tables));
    assert_eq!(found.count(), 1);
    Ok(())
}

/// 2000 characters at once: more than the UART's FIFO holds, and most of them while commands run.
#[test]
fn characters_pasted_at_full_speed_arrive() -> Result<()> {
    let mut session = flow::baton(here!())?;
    let lines: Vec<String> = (0..40)
        .map(|line| format!("{line:02}{}", "x".repeat(42)))
        .collect();
    let pasted: String = lines.iter().map(|line| format!("echo {line}\r")).collect();
    assert_eq!(pasted.len(), 2000);
    session.send(&pasted);
    for line in &lines {
        session.expect(regex(&format!("(?m)^{line}\r\n")))?;
    }
    session.expect_prompt()?;
    // As one line, too.
    let long = "0123456789".repeat(200);
    assert_eq!(
        session.run_ok(&format!("echo {long}"))?,
        format!("{long}\n")
    );
    Ok(())
}

#[test]
fn control_c_stops_a_command_and_a_line() -> Result<()> {
    let mut session = flow::baton(here!())?;
    session.send_line("sleep 100");
    session.expect("sleep 100\r\n")?;
    session.send("\x03");
    session.expect_prompt_for(Duration::from_secs(30))?;
    let status = session.run_ok("echo $?")?;
    // `run_ok` asks for the status of that `echo`; the text is the status of `sleep`.
    assert_eq!(status, "1\n");
    // A line that is thrown away does not run, nor does what stands before the next one.
    session.send("echo thrown away\x03");
    session.expect_prompt()?;
    assert_eq!(session.run_ok("echo kept")?, "kept\n");
    assert!(!session.transcript().contains("\nthrown away"));
    Ok(())
}

#[test]
fn typed_lines_are_edited() -> Result<()> {
    let mut session = flow::baton(here!())?;
    session.send("echo abX\x08c\r");
    session.expect(regex("(?m)^abc\r\n"))?;
    session.expect_prompt()?;
    // LF ends a line as CR does, and both together end one line.
    session.send("echo lf\n");
    session.expect(regex("(?m)^lf\r\n"))?;
    session.expect_prompt()?;
    Ok(())
}

#[test]
fn reset_starts_the_machine_again_and_poweroff_ends_it() -> Result<()> {
    let mut session = flow::baton(here!())?;
    session.send_line("reset");
    flow::baton_prompt(&mut session)?;
    session.send_line("poweroff");
    let status = session.expect_exit(Duration::from_secs(30))?;
    assert!(status.success(), "{status}");
    Ok(())
}
