//! `env info`: where the variables came from.

use core::fmt::Write;

use super::options;
use crate::{commands::CommandError, context::Context, env::Validity, storage::default_volume};

pub(super) fn run(cx: &mut Context<'_>, arguments: &[&str]) -> Result<(), CommandError> {
    let (letters, rest) = options(arguments.get(1..).unwrap_or_default(), "dpq")?;
    if !rest.is_empty() {
        return Err(CommandError::usage());
    }
    let (default, quiet) = (cx.store.default, letters.contains('q'));
    if !letters.contains(['d', 'p']) {
        let valid = match cx.store.validity {
            Validity::Invalid => "invalid",
            Validity::Valid => "valid",
            Validity::Redundant => "redundant",
        };
        let _ = writeln!(
            cx,
            "env_valid = {valid}\nenv_ready = true\nenv_use_default = {default}"
        );
        return Ok(());
    }
    let persisted = cx.store.volume.is_some() || default_volume(&cx.env).is_some();
    let mut all = true;
    if letters.contains('d') {
        all &= default;
        say(cx, quiet, default, "Default environment is used", LOADED);
    }
    if letters.contains('p') {
        all &= persisted;
        say(cx, quiet, persisted, "Environment can be persisted", NOT);
    }
    if all {
        Ok(())
    } else {
        Err(CommandError::status(1))
    }
}

const LOADED: &str = "Environment was loaded from persistent storage";
const NOT: &str = "Environment cannot be persisted";

fn say(cx: &mut Context<'_>, quiet: bool, holds: bool, yes: &str, no: &str) {
    if !quiet {
        let _ = writeln!(cx, "{}", if holds { yes } else { no });
    }
}
