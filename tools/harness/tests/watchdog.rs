//! Watchdogs: the Orange Pi's, on a QEMU that has it. An armed one resets the machine, and is kicked
//! as long as Baton lives. Time is counted in instructions, so that a slow host changes nothing.

use std::time::Duration;

use harness::{Card, Machine, Result, Session, flow, here};

/// The address of the watchdog's mode register.
const MODE: &str = "1c20cb8";

/// Goes to the prompt; an instruction takes 16 ns.
fn orangepi(name: &str) -> Result<Session> {
    let mut session = Machine::orangepi_pc_direct(name)?
        // 7.2 has no watchdog for it.
        .on_newer_qemu()?
        .card(Card::built_for("orangepi-pc")?)
        .append("console=ttyS0 baton.bootdelay=-1")
        .argument("-icount")
        .argument("shift=4,sleep=off")
        .start()?;
    session.expect_prompt()?;
    flow::is_baton(&mut session)?;
    Ok(session)
}

/// Waits for Baton to start again, after a reset.
fn starts_again(session: &mut Session) -> Result<()> {
    session.expect(flow::BANNER)?;
    session.expect("Cortex-A7 in HYP mode\r\n")?;
    session.expect_prompt().map(drop)
}

/// Reads the mode register at the prompt.
fn mode(session: &mut Session) -> Result<String> {
    let shown = session.run_ok(&format!("md.l {MODE} 1"))?;
    Ok(shown.get(10..18).unwrap_or_default().to_owned())
}

/// Reads it from outside.
fn mode_outside(session: &mut Session) -> Result<String> {
    let shown = session.monitor()?.human(&format!("xp /1xw 0x{MODE}"))?;
    let (_, value) = shown.trim_end().split_once("0x").unwrap_or_default();
    Ok(value.to_owned())
}

/// The command says what U-Boot's says; `expire` resets.
#[test]
fn the_command() -> Result<()> {
    let mut session = orangepi(here!())?;
    let said = session.run_ok("wdt list")?;
    assert_eq!(said, "watchdog@1c20ca0 (sunxi_wdt)\n");
    let said = session.run_err("wdt dev")?;
    assert_eq!(said, "No watchdog timer device set!\n");
    for command in ["start 1000", "stop", "reset", "expire"] {
        let said = session.run_err(&format!("wdt {command}"))?;
        assert_eq!(said, "No device set, use 'wdt dev' first\n");
    }
    let said = session.run_err("wdt dev nosuch")?;
    assert_eq!(said, "Can't get the watchdog timer: nosuch\n");
    assert_eq!(session.run_ok("wdt dev watchdog@1c20ca0")?, "");
    assert_eq!(session.run_ok("wdt dev")?, "dev: watchdog@1c20ca0\n");
    assert_eq!(mode(&mut session)?, "00000000");
    let said = session.run_ok("wdt start 3000")?;
    assert_eq!(
        said,
        "WDT:   Started watchdog@1c20ca0 with servicing every 100ms (3s timeout)\n"
    );
    assert_eq!(mode(&mut session)?, "00000031");
    assert_eq!(session.run_ok("wdt reset")?, "");
    assert_eq!(session.run_ok("wdt stop")?, "");
    assert_eq!(mode(&mut session)?, "00000000");
    session.send_line("wdt expire");
    starts_again(&mut session)
}

/// Half a second, over and over, while Baton waits in each way that it has.
#[test]
fn it_is_kicked_while_baton_waits() -> Result<()> {
    let mut session = orangepi(here!())?;
    session.forbid(flow::BANNER);
    session.run_ok("wdt dev watchdog@1c20ca0; wdt start 500")?;
    session.run_ok("sleep 3")?;
    // At the prompt.
    std::thread::sleep(Duration::from_secs(2));
    session.run_ok("load mmc 0:1 44000000 zImage; load mmc 0:1 4a000000 initrd.img")?;
    // What only computes looks for Ctrl-C, and after the watchdog with that.
    session.run_ok("crc32 42000000 8000000")?;
    session.run_err("md 0")?;
    session.run_ok("sleep 1")?;
    assert_eq!(mode(&mut session)?, "00000001");
    Ok(())
}

/// A program that does not come back hangs, whoever started it.
#[test]
fn a_hang_is_reset() -> Result<()> {
    let mut session = orangepi(here!())?;
    session.run_ok("wdt dev watchdog@1c20ca0; wdt start 1000")?;
    // b .
    session.run_ok("mw.l 44000000 eafffffe")?;
    session.send_line("go 44000000");
    session.expect("## Starting application")?;
    starts_again(&mut session)
}

/// What `wdt_handoff` cannot mean is refused before anything is loaded; what it means is said.
#[test]
fn the_policy_is_checked_and_told() -> Result<()> {
    let mut session = orangepi(here!())?;
    for (value, reason) in [
        ("never", "not keep, stop or arm:SECONDS"),
        ("arm:17", "watchdog@1c20ca0 takes 1 to 16 seconds"),
    ] {
        session.run_ok(&format!("setenv wdt_handoff {value}"))?;
        for command in ["bootz -n", "bootz", "kexec -l"] {
            let said = session.run_err(&format!("{command} report.zimg"))?;
            assert_eq!(
                said,
                format!("wdt_handoff={value}: {reason}\n"),
                "{command}"
            );
        }
    }
    for (prepare, told) in [
        ("setenv wdt_handoff", "none runs"),
        ("setenv wdt_handoff arm:16", "watchdog@1c20ca0 armed, 16 s"),
        (
            "wdt dev watchdog@1c20ca0; wdt start 16000",
            "watchdog@1c20ca0 armed, 16 s",
        ),
        ("setenv wdt_handoff keep", "watchdog@1c20ca0 runs on"),
        ("setenv wdt_handoff stop", "watchdog@1c20ca0 stopped"),
    ] {
        session.run_ok(prepare)?;
        let plan = session.run_ok("bootz -n report.zimg")?;
        assert!(plan.contains(&format!("\nWatchdog: {told}\n")), "{plan}");
    }
    Ok(())
}

/// Hands over to a payload that hangs at once, with a watchdog of 16 s that runs, or none. It is the
/// longest there is: an instruction takes 16 ns whatever the host takes for it, so that 16 s may be over
/// after one or two of the host's, and whoever wants to look at the register has so long.
fn handed_over(name: &str, running: bool, policy: &str) -> Result<Session> {
    let mut session = orangepi(name)?;
    if running {
        session.run_ok("wdt dev watchdog@1c20ca0; wdt start 16000")?;
    }
    session.run_ok(&format!("setenv wdt_handoff {policy}"))?;
    // `b .`, and what makes a zImage of 4 KiB of it.
    session.run_ok("mw.l 44000000 0 400; mw.l 44000000 eafffffe; mw.l 44000024 016f2818")?;
    session.run_ok("mw.l 4400002c 1000; mw.l 44000030 04030201")?;
    // Connected before it matters.
    mode_outside(&mut session)?;
    session.send_line("bootz -v 44000000");
    session.expect("\r\nWatchdog: ")?;
    session.expect("CMSTRVJ")?;
    Ok(session)
}

#[test]
fn kept() -> Result<()> {
    let mut session = handed_over(here!(), true, "keep")?;
    assert_eq!(mode_outside(&mut session)?, "000000b1");
    // The payload does not kick it.
    starts_again(&mut session)
}

#[test]
fn stopped() -> Result<()> {
    let mut session = handed_over(here!(), true, "stop")?;
    assert_eq!(mode_outside(&mut session)?, "00000000");
    Ok(())
}

#[test]
fn armed() -> Result<()> {
    let mut session = handed_over(here!(), false, "arm:16")?;
    assert_eq!(mode_outside(&mut session)?, "000000b1");
    starts_again(&mut session)
}

/// What another loader left running is kicked too: here Baton itself, which Baton starts.
#[test]
fn one_that_was_left_running_is_kicked() -> Result<()> {
    let mut session = orangepi(here!())?;
    session.run_ok("setenv wdt_handoff arm:1; setenv bootargs baton.bootdelay=-1")?;
    session.send_line("bootz baton.zimg");
    starts_again(&mut session)?;
    session.forbid(flow::BANNER);
    assert_eq!(mode(&mut session)?, "00000011");
    session.run_ok("sleep 4")?;
    assert_eq!(
        session.run_err("wdt dev")?,
        "No watchdog timer device set!\n"
    );
    session.run_ok("wdt dev watchdog@1c20ca0; wdt stop")?;
    assert_eq!(mode(&mut session)?, "00000000");
    Ok(())
}

/// The Raspberry Pi's as far as QEMU has it: it does not count, but resets as soon as it is started,
/// and can be seen.
#[test]
fn the_raspberry_pi_s() -> Result<()> {
    let mut session = Machine::raspi2b(here!())?
        .card(Card::built_for("raspi2b")?)
        .append("console=ttyAMA0,115200 baton.bootdelay=-1")
        .start()?;
    let banner = "Cortex-A7 in HYP mode\r\n";
    session.expect(banner)?;
    session.expect_prompt()?;
    let said = session.run_ok("wdt list")?;
    assert_eq!(said, "watchdog@7e100000 (bcm2835_wdt)\n");
    session.run_ok("wdt dev watchdog@7e100000; wdt stop")?;
    // PM_RSTC and PM_RSTS as a reset leaves them, PM_WDOG.
    let said = session.run_ok("md.l 3f10001c 3")?;
    assert!(
        said.starts_with("3f10001c: 00000102 00001000 00000000"),
        "{said}"
    );
    session.send_line("wdt start 5000");
    session.expect(banner)?;
    session.expect_prompt()?;
    session.run_ok("wdt dev watchdog@7e100000")?;
    session.send_line("wdt expire");
    session.expect(banner)?;
    session.expect_prompt()?;
    session.run_ok("setenv wdt_handoff arm:16")?;
    let said = session.run_err("bootz report.zimg")?;
    assert_eq!(
        said,
        "wdt_handoff=arm:16: watchdog@7e100000 takes 1 to 15 seconds\n"
    );
    session.run_ok("setenv wdt_handoff stop")?;
    let plan = session.run_ok("bootz -n report.zimg")?;
    assert!(plan.contains("\nWatchdog: none runs\n"), "{plan}");
    session.run_ok("setenv wdt_handoff arm:15")?;
    session.send_line("bootz report.zimg");
    session.expect("Starting kernel ...")?;
    session.expect(banner)?;
    session.expect_prompt().map(drop)
}
