//! The way from power-on to a prompt or to a kernel, as the console shows it.

use std::time::Duration;

use crate::{
    build,
    card::Card,
    error::{Error, Result},
    machine::Machine,
    pattern::regex,
    session::Session,
};

/// What both loaders print before they count down `bootdelay`.
pub const COUNTDOWN: &str = "Hit any key to stop autoboot:";

/// The first word of Baton's banner.
pub const BANNER: &str = "Baton ";

/// A place in RAM that nobody wants: above the image at U-Boot's `loadaddr`, below the loaders
/// at the top, on machines from 256 MiB on.
pub const FREE: u32 = 0x4800_0000;

/// How long a loader may take from its start, or from the command that starts it, to its countdown.
const START: Duration = Duration::from_secs(60);

/// How long Linux may take, emulated, from the loader's jump to its init.
const LINUX: Duration = Duration::from_secs(240);

/// Stops the countdown of the loader that runs now, and waits for its prompt.
///
/// # Errors
/// There is no countdown, or no prompt after a key.
pub fn stop_countdown(session: &mut Session) -> Result<()> {
    session.expect_for(COUNTDOWN, START)?;
    session.send(" ");
    session.expect_prompt().map(drop)
}

/// Stops U-Boot's countdown and makes sure that it is U-Boot.
///
/// # Errors
/// As [`stop_countdown`]; or it is another loader.
pub fn uboot_prompt(session: &mut Session) -> Result<()> {
    session.expect_for("U-Boot ", START)?;
    stop_countdown(session)
}

/// Has U-Boot, at its prompt, do what it does by itself after its countdown, up to Baton's banner.
///
/// # Errors
/// Baton's banner does not come.
pub fn boot_card(session: &mut Session) -> Result<()> {
    session.send_line("boot");
    session.expect("boot\r\n")?;
    session.expect_for(BANNER, START).map(drop)
}

/// Goes from power-on through U-Boot and its script on the card to Baton's prompt.
///
/// # Errors
/// One of the steps does not show on the console.
pub fn baton_prompt(session: &mut Session) -> Result<()> {
    uboot_prompt(session)?;
    boot_card(session)?;
    stop_countdown(session)?;
    is_baton(session)
}

/// Makes sure that the prompt is Baton's.
///
/// # Errors
/// It is another loader's.
pub fn is_baton(session: &mut Session) -> Result<()> {
    let version = session.run_ok("version")?;
    if version.contains("Baton") {
        return Ok(());
    }
    Err(Error::check(format!("not Baton's prompt: {version}")))
}

/// Starts the usual machine with the built card and goes to Baton's prompt.
///
/// # Errors
/// Something has not been built, or as [`baton_prompt`].
pub fn baton(name: &str) -> Result<Session> {
    baton_on(Machine::virt(name).card(Card::built()?))
}

/// Starts a machine that has U-Boot and a card, and goes to Baton's prompt.
///
/// # Errors
/// As [`baton`].
pub fn baton_on(machine: Machine) -> Result<Session> {
    let mut session = machine.start()?;
    baton_prompt(&mut session)?;
    Ok(session)
}

/// Starts a machine whose first stage is QEMU itself, which enters Baton as it would a kernel,
/// and goes to Baton's prompt. Give the machine's card before.
///
/// # Errors
/// As [`baton`].
pub fn baton_direct(machine: Machine) -> Result<Session> {
    let mut session = machine.kernel(&build::file("baton.zimg")?).start()?;
    session.expect_for(BANNER, START)?;
    stop_countdown(&mut session)?;
    is_baton(&mut session)?;
    Ok(session)
}

/// Has U-Boot, at its prompt, load a file of the card to an address.
///
/// # Errors
/// U-Boot refuses.
pub fn uboot_load(session: &mut Session, address: u32, file: &str) -> Result<()> {
    session.run_ok("virtio scan")?;
    session
        .run_ok(&format!("load virtio 0:1 {address:x} {file}"))
        .map(drop)
}

/// Waits for Debian's kernel to say in which mode all processors started, `HYP` or `SVC`, and
/// for our init to have `cpus` processors and a shell that calculates.
///
/// # Errors
/// One of them does not come, or the kernel panics.
pub fn linux(session: &mut Session, mode: &str, cpus: u32) -> Result<()> {
    session.forbid("Kernel panic");
    // The loader refused.
    session.forbid(regex("(?m)^=> "));
    let started = if cpus == 1 {
        "(All CPU\\(s\\)|WARNING: CPU)"
    } else {
        "All CPU\\(s\\)"
    };
    session.expect_for(
        regex(&format!("CPU: {started} started in {mode} mode")),
        LINUX,
    )?;
    session.expect_for(regex(&format!("INIT: cpus={cpus}\\b")), LINUX)?;
    session.expect_for("INIT: done", LINUX)?;
    session.send("echo shell-$((1200 + 34))\n");
    session.expect_for("shell-1234", LINUX)?;
    session.allow_all();
    Ok(())
}
