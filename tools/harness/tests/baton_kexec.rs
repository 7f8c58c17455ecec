//! `tools/linux/baton-kexec` in Debian's userland: what it refuses, what it does.

use harness::{Card, Machine, Result, Session, ensure, flow, here, linux};

/// Runs the script, which must end with this status and say this in one line.
fn refuses(session: &mut Session, arguments: &str, status: u8, wanted: &str) -> Result<()> {
    let output = linux::run(session, &format!("baton-kexec {arguments} 2>&1"))?;
    let said = output.text.trim_end();
    ensure!(
        session,
        output.status == status && said.contains(wanted) && said.lines().count() == 1,
        "baton-kexec {arguments}: status {}, not {status} and \"{wanted}\": {said}",
        output.status
    );
    Ok(())
}

/// Hides a folder of Linux's behind an empty one, as if it were another kernel.
fn hidden(
    session: &mut Session,
    folder: &str,
    check: impl FnOnce(&mut Session) -> Result<()>,
) -> Result<()> {
    linux::run_ok(session, &format!("mount -t tmpfs none {folder}"))?;
    check(session)?;
    linux::run_ok(session, &format!("umount {folder}")).map(drop)
}

/// Each refusal, for its real reason; and nothing is loaded then.
#[test]
fn refusals() -> Result<()> {
    let mut session = flow::baton(here!())?;
    linux::boot_lab(&mut session, "HYP", 2)?;
    let session = &mut session;

    refuses(session, "--nonsense", 2, "unknown option \"--nonsense\"")?;
    refuses(session, "--image", 2, "--image wants a value")?;
    refuses(session, "--set bootdelay", 2, "--set wants NAME=VALUE")?;
    refuses(
        session,
        "--set 'a b=1'",
        2,
        "\"a b\" cannot name a variable",
    )?;
    refuses(session, "--set 'a=\"1\"'", 2, "a double quote")?;
    refuses(session, "--now", 2, "--now goes with --go")?;
    let long = "--command-line \"$(printf %01020d 0)\" --set a=1";
    refuses(session, long, 2, "the command line has 1030 characters")?;

    refuses(session, "--image /nosuch", 4, "no file /nosuch")?;
    refuses(session, "--image /init", 4, "/init is no zImage")?;
    refuses(session, "--device /init", 4, "/init is no block device")?;
    linux::mount_card(session)?;
    let kernel = format!("--image {}/zImage", linux::CARD);
    refuses(session, &kernel, 4, "is a zImage, but not Baton")?;
    let cut = format!("head -c 100000 {}/baton.zimg >/tmp/cut.zimg", linux::CARD);
    linux::run_ok(session, &cut)?;
    refuses(
        session,
        "--image /tmp/cut.zimg",
        4,
        "is cut: 100000 bytes of",
    )?;
    let initrd = format!("--image {}/baton.zimg --initrd /nosuch", linux::CARD);
    refuses(session, &initrd, 4, "no file /nosuch")?;
    linux::run_ok(session, &format!("umount {}", linux::CARD))?;

    hidden(session, "/sys/devices/system/cpu/cpu1", |session| {
        refuses(session, "", 5, "CPU 1 cannot be taken offline")
    })?;
    hidden(session, "/sys/firmware", |session| {
        refuses(session, "", 3, "no /sys/firmware/fdt")
    })?;
    hidden(session, "/sys/kernel", |session| {
        refuses(session, "", 3, "this kernel has no kexec")
    })?;
    hidden(session, "/sys/kernel/security", |session| {
        let lock = "echo 'none [integrity] confidentiality' >/sys/kernel/security/lockdown";
        linux::run_ok(session, lock)?;
        refuses(session, "", 3, "this kernel is locked down")
    })?;
    linux::run_ok(
        session,
        "mkdir /etc; echo user:x:1:1::/:/bin/sh >/etc/passwd",
    )?;
    let output = linux::run(session, "su user -c 'baton-kexec 2>&1'")?;
    assert_eq!(
        (output.status, output.text.as_str()),
        (3, "baton-kexec: only root may kexec\n")
    );
    linux::run_ok(session, "mv /sbin/kexec /sbin/kexec.away")?;
    refuses(
        session,
        "",
        3,
        "there is no kexec; please run: apt-get install kexec-tools",
    )?;
    linux::run_ok(session, "mv /sbin/kexec.away /sbin/kexec")?;

    assert_eq!(
        linux::run_ok(session, "cat /sys/kernel/kexec_loaded")?,
        "0\n"
    );
    // For good: no reset of this machine follows.
    linux::run_ok(session, "echo 1 >/proc/sys/kernel/kexec_load_disabled")?;
    refuses(session, "", 3, "kexec is disabled until the next reset")
}

/// What goes wrong at the last step: Linux goes on, with both CPUs. And where systemd runs, it is
/// asked. Then it works, as if nothing had been.
#[test]
fn the_last_step_goes_wrong() -> Result<()> {
    let mut session = flow::baton(here!())?;
    linux::boot_lab(&mut session, "HYP", 2)?;
    let session = &mut session;
    let online = "cat /sys/devices/system/cpu/online";

    // A CPU whose switch cannot be written to.
    hidden(session, "/sys/devices/system/cpu/cpu1", |session| {
        linux::run_ok(session, "mkdir /sys/devices/system/cpu/cpu1/online")?;
        let output = linux::run(session, "baton-kexec --go 2>&1")?;
        ensure!(
            session,
            output.status == 5 && output.text.contains("CPU 1 does not go offline"),
            "{}: {}",
            output.status,
            output.text
        );
        Ok(())
    })?;
    assert_eq!(linux::run_ok(session, online)?, "0-1\n");

    // A kexec that loads, and does not go: it sees one CPU only.
    let fake = "mkdir -p /tmp/fake && printf '#!/bin/sh\\n[ $1 = -e ] || exec /sbin/kexec \"$@\"\\n\
                cat /sys/devices/system/cpu/online\\n' >/tmp/fake/kexec && chmod +x /tmp/fake/kexec";
    linux::run_ok(session, fake)?;
    let output = linux::run(session, "PATH=/tmp/fake:$PATH baton-kexec --go 2>&1")?;
    assert_eq!(
        (output.status, output.text.as_str()),
        (1, "0\nbaton-kexec: kexec -e came back; Linux goes on\n")
    );
    assert_eq!(linux::run_ok(session, online)?, "0-1\n");

    let systemd = "mkdir -p /run/systemd/system && printf '#!/bin/sh\\necho systemctl $*\\n' \
                   >/tmp/fake/systemctl && chmod +x /tmp/fake/systemctl";
    linux::run_ok(session, systemd)?;
    let said = linux::run_ok(session, "PATH=/tmp/fake:$PATH baton-kexec --go 2>&1")?;
    assert_eq!(said, "systemctl kexec\n");

    session.send("baton-kexec --prompt --go --now\n");
    session.expect(harness::regex("(?m)^Baton "))?;
    session.expect_prompt()?;
    flow::is_baton(session)
}

/// It finds the card by its label, says what it would do, does it, forgets it, and starts it.
#[test]
fn loads_and_goes() -> Result<()> {
    let machine = Machine::virt(here!()).card(Card::built()?);
    let mut session = flow::baton_on(machine)?;
    linux::boot_lab(&mut session, "HYP", 2)?;
    let help = linux::run_ok(&mut session, "baton-kexec --help")?;
    ensure!(session, help.starts_with("usage: baton-kexec "), "{help}");

    let would = linux::run_ok(&mut session, "baton-kexec -n --go --prompt")?;
    for wanted in [
        "would run: kexec -l /tmp/",
        "/baton.zimg --command-line=console=ttyAMA0 baton.bootdelay=-1\n",
        "would run: sh -c echo 0 >/sys/devices/system/cpu/cpu1/online\n",
        "would run: kexec -e\n",
    ] {
        ensure!(session, would.contains(wanted), "no {wanted:?} in {would}");
    }
    let state = "cat /sys/kernel/kexec_loaded /sys/devices/system/cpu/online; mount | grep -c vda";
    let untouched = linux::run(&mut session, state)?.text;
    assert_eq!(untouched, "0\n0-1\n0\n");

    linux::run_ok(&mut session, "baton-kexec")?;
    let loaded = linux::run(&mut session, state)?.text;
    assert_eq!(loaded, "1\n0-1\n0\n");
    linux::run_ok(&mut session, "baton-kexec --unload")?;
    assert_eq!(linux::run(&mut session, state)?.text, untouched);

    session.send("baton-kexec --prompt --set 'greeting=hello there' --go\n");
    session.expect(harness::regex("(?m)^Baton "))?;
    session.expect_prompt()?;
    flow::is_baton(&mut session)?;
    let said = session.run_ok("printenv greeting")?;
    assert_eq!(said, "greeting=hello there\n");
    // What was ours is gone from the kernel's arguments.
    assert_eq!(
        session.run_ok("printenv bootargs")?,
        "bootargs=console=ttyAMA0\n"
    );
    linux::boot_lab(&mut session, "HYP", 2)
}
