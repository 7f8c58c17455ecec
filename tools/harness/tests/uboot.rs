//! The harness against Debian's U-Boot: what the other tests stand on.

use std::time::Duration;

use harness::{Card, Machine, Result, flow, here};

#[test]
fn the_prompt_answers() -> Result<()> {
    let mut session = Machine::virt(here!()).start()?;
    flow::uboot_prompt(&mut session)?;
    assert!(session.run_ok("version")?.contains("U-Boot 20"));
    assert_eq!(session.run_ok("echo one two")?, "one two\n");
    assert_eq!(session.run_err("false")?, "");
    let dump = session.run_ok("md.l 40000000 1")?;
    assert!(dump.starts_with("40000000: edfe0dd0"), "{dump}");
    Ok(())
}

#[test]
fn nothing_sent_is_lost() -> Result<()> {
    let mut session = Machine::virt(here!()).start()?;
    flow::uboot_prompt(&mut session)?;
    // U-Boot's line holds 511 characters.
    let text = "0123456789abcdef".repeat(31);
    assert_eq!(
        session.run_ok(&format!("echo {text}"))?,
        format!("{text}\n")
    );
    Ok(())
}

#[test]
fn the_monitor_sees_the_machine() -> Result<()> {
    let mut session = Machine::virt(here!()).memory(128).start()?;
    flow::uboot_prompt(&mut session)?;
    session.run_ok("mw.l 42000000 cafef00d 2")?;
    let bytes = session.monitor()?.read_memory(0x4200_0000, 8)?;
    assert_eq!(bytes, 0xcafe_f00d_cafe_f00d_u64.to_le_bytes());
    let registers = session.monitor()?.human("info registers")?;
    assert!(registers.contains("PSR="), "{registers}");
    let size = session.monitor()?.human("info memory_size_summary")?;
    assert!(size.contains("base memory: 134217728"), "{size}");
    // A reset of the machine starts U-Boot again, on the same console.
    session.monitor()?.human("system_reset")?;
    flow::uboot_prompt(&mut session)?;
    session.monitor()?.human("quit")?;
    let status = session.expect_exit(Duration::from_secs(30))?;
    assert!(status.success(), "{status}");
    Ok(())
}

#[test]
fn the_mode_is_the_machines() -> Result<()> {
    for (machine, mode) in [
        (Machine::virt(here!()), "hyp32"),
        (Machine::virt(here!()).without_virtualization(), " svc32"),
        (Machine::virt(here!()).secure(), " S svc32"),
    ] {
        let mut session = machine.start()?;
        flow::uboot_prompt(&mut session)?;
        let registers = session.monitor()?.human("info registers")?;
        assert!(registers.contains(mode), "{registers}");
    }
    Ok(())
}

#[test]
fn a_card_is_read() -> Result<()> {
    let card = Card::built()?
        .with_script("echo the script runs; setenv bootdelay -1")?
        .with_file("hello.txt", b"hello")?;
    let mut session = Machine::virt(here!()).card(card).start()?;
    flow::uboot_prompt(&mut session)?;
    session.send_line("boot");
    session.expect("the script runs")?;
    session.expect_prompt()?;
    session.run_ok("load virtio 0:1 42000000 hello.txt")?;
    let dump = session.run_ok("md.b 42000000 5")?;
    assert!(dump.contains("hello"), "{dump}");
    Ok(())
}

#[test]
fn a_bad_sector_fails() -> Result<()> {
    let card = Card::blank(32)?
        .with_file("big.bin", &vec![0x5a; 1 << 20])?
        .with_bad_sector(2048 + 1000);
    let mut session = Machine::virt(here!()).card(card).start()?;
    flow::uboot_prompt(&mut session)?;
    session.run_ok("virtio scan")?;
    session.run_err("load virtio 0:1 42000000 big.bin")?;
    session.run_ok("load virtio 0:1 42000000 big.bin 1000")?;
    Ok(())
}

#[test]
fn a_blank_card_takes_files_of_every_size() -> Result<()> {
    let mut card = Card::blank(256)?;
    for size in [0, 1, 511, 512, 513, 4096, 1_000_000] {
        let bytes: Vec<u8> = (0..=250).cycle().take(size).collect();
        card = card.with_file(&format!("f{size}"), &bytes)?;
    }
    let mut session = Machine::virt(here!()).card(card).start()?;
    flow::uboot_prompt(&mut session)?;
    session.run_ok("virtio scan")?;
    for size in [1, 511, 512, 513, 4096, 1_000_000] {
        session.run_ok(&format!("load virtio 0:1 42000000 f{size}"))?;
        assert_eq!(session.run_ok("echo $filesize")?, format!("{size:x}\n"));
    }
    Ok(())
}

/// What the tests of `go` stand on.
#[test]
fn go_jumps_once_it_is_repaired() -> Result<()> {
    let mut session = Machine::virt(here!()).with_working_go().start()?;
    flow::uboot_prompt(&mut session)?;
    // `bx lr`
    session.run_ok("mw.l 41000000 e12fff1e")?;
    session.send_line("go 41000000");
    session.expect("## Application terminated")?;
    session.expect_prompt()?;
    Ok(())
}
