//! The way from U-Boot to Baton's prompt, as the console shows it.

use std::time::Duration;

use crate::{
    error::{Error, Result},
    session::Session,
};

/// What both loaders print before they count down `bootdelay`.
pub const COUNTDOWN: &str = "Hit any key to stop autoboot:";

/// How long a loader may take from its start, or from the command that starts it, to its countdown.
const START: Duration = Duration::from_secs(60);

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

/// Has U-Boot, at its prompt, do what it does by itself after its countdown, up to Baton's own
/// countdown.
///
/// # Errors
/// Baton's countdown does not come.
pub fn boot_card(session: &mut Session) -> Result<()> {
    session.send_line("boot");
    session.expect("boot\r\n")?;
    session.expect_for("Baton ", START).map(drop)
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
