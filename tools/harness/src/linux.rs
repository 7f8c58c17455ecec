//! Debian's shell on a session's console, and the way from it by `kexec` into Baton.

use std::time::Duration;

use crate::{
    error::{ErrorKind, Result},
    flow,
    pattern::regex,
    session::{Output, Session},
};

/// The folder that [`mount_card`] mounts the card's boot partition at.
pub const CARD: &str = "/tmp/card";

/// How long a command in the emulated Linux may take.
const COMMAND: Duration = Duration::from_secs(120);

/// How long `kexec -e` may take to Baton's banner: it shuts the devices and the other CPUs down.
const KEXEC: Duration = Duration::from_secs(60);

/// At Baton's prompt, boots Debian's kernel with `build/lab.img`, and waits for its shell.
///
/// # Errors
/// As [`flow::linux`].
pub fn boot_lab(session: &mut Session, mode: &str, cpus: u32) -> Result<()> {
    session.run_ok("setenv initrdfile lab.img")?;
    session.send_line("boot");
    flow::linux(session, mode, cpus)
}

/// Runs a command in the shell of [`flow::linux`] and returns what it printed, and its status.
///
/// # Errors
/// It does not end in time.
pub fn run(session: &mut Session, command: &str) -> Result<Output> {
    // The echo of the line shows the sums, only what runs shows their results; and the echo may
    // be wrapped at the terminal's width, so nothing is looked for in it.
    session.send(&format!(
        "echo begin-$((1+1)); {command}; echo end-$?-$((1+1))\n"
    ));
    session.expect_for("begin-2\r\n", COMMAND)?;
    let end = session.expect_for(regex("end-[0-9]+-2\r\n"), COMMAND)?;
    let status = end
        .text
        .split('-')
        .nth(1)
        .and_then(|text| text.parse().ok());
    let text = end.before.replace('\r', "");
    match status {
        Some(status) => Ok(Output { text, status }),
        None => Err(session.fail(ErrorKind::Check(format!("{command}: {}", end.text)))),
    }
}

/// Runs a command that must succeed, and returns what it printed.
///
/// # Errors
/// As [`run`]; or its status is not 0.
pub fn run_ok(session: &mut Session, command: &str) -> Result<String> {
    let output = run(session, command)?;
    if output.status == 0 {
        return Ok(output.text);
    }
    Err(session.fail(ErrorKind::Status {
        command: command.to_owned(),
        output: output.text,
        status: output.status,
    }))
}

/// Mounts the card's boot partition read-only at [`CARD`].
///
/// # Errors
/// As [`run_ok`].
pub fn mount_card(session: &mut Session) -> Result<()> {
    run_ok(
        session,
        &format!("mkdir -p {CARD} && mount -t vfat -o ro /dev/vda1 {CARD}"),
    )
    .map(drop)
}

/// Loads the card's Baton with stock `kexec -l`, the running kernel's command line and more
/// words for it. `options` are kexec's own. Returns what `kexec -d` said.
///
/// # Errors
/// As [`run_ok`].
pub fn kexec_load(session: &mut Session, options: &str, words: &str) -> Result<String> {
    mount_card(session)?;
    let said = run_ok(
        session,
        &format!(
            "kexec -d -l {CARD}/baton.zimg {options} \
             --command-line=\"$(cat /proc/cmdline) {words}\" 2>&1"
        ),
    )?;
    run_ok(session, &format!("umount {CARD}"))?;
    Ok(said)
}

/// Jumps into what was loaded, and waits for Baton's banner.
///
/// # Errors
/// There is no banner.
pub fn kexec_go(session: &mut Session) -> Result<()> {
    session.send("kexec -e\n");
    session.forbid("Kernel panic");
    session.expect_for(regex("(?m)^Baton "), KEXEC)?;
    session.allow_all();
    Ok(())
}

/// From Debian's shell to Baton's prompt: [`kexec_load`] and [`kexec_go`], with no countdown.
///
/// # Errors
/// As those.
pub fn kexec_to_prompt(session: &mut Session) -> Result<()> {
    kexec_load(session, "", "baton.bootdelay=-1")?;
    kexec_go(session)?;
    session.expect_prompt()?;
    flow::is_baton(session)
}
